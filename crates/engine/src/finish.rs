//! A batch's end: its row is finished and its alerts are told, by itself or by the batch that adopts what it left.

use redrive_core::ids::BatchId;
use redrive_ledger::{BatchEnd, BatchRow};

use crate::engine::Engine;
use crate::error::EngineError;

impl Engine {
    /// Finishes a batch's row, and logs its numbers and its alerts.
    pub async fn finish(&self, batch: &BatchId, end: &BatchEnd) -> Result<BatchRow, EngineError> {
        let row = self
            .ledger
            .finish_batch(batch, end, self.clock.now())
            .await?;
        let result = &row.result;
        tracing::info!(
            batch.id = %batch,
            status = %row.status,
            found = result.found_count,
            restarted = result.restarted_count,
            dead_lettered = result.dlq_count,
            errors = result.error_count,
            skipped = result.skipped_count,
            "a batch has ended"
        );
        for alert in &row.alerts {
            tracing::warn!(batch.id = %batch, "{}", alert.sentence());
        }
        Ok(row)
    }
}
