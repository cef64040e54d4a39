//! A batch's row, opened and finished: for the activities, and for a rehearsal that does the same.

use redrive_flows::activities::{BatchPlan, FinishBatch, OpenBatch};
use redrive_ledger::{BatchEnd, BatchOpening, BatchRow};

use crate::engine::Engine;
use crate::error::EngineError;

impl Engine {
    /// Opens a batch's row, and says what to go by.
    pub async fn open_batch(&self, input: OpenBatch) -> Result<BatchPlan, EngineError> {
        let opening = BatchOpening {
            batch: input.batch,
            workflow_id: input.workflow_id,
            started_at: input.started_at,
            one_order: input.one_order,
        };
        self.ledger.open_batch(&opening).await?;
        Ok(BatchPlan {
            batch_size: self.policy.batch_size,
            interval_seconds: self.settings.interval.as_secs(),
        })
    }

    /// Finishes a batch's row, and says nothing of it.
    pub async fn finish_quietly(&self, input: &FinishBatch) -> Result<BatchRow, EngineError> {
        let (end, now) = (end_of(input), self.clock.now());
        Ok(self.ledger.finish_batch(&input.batch, &end, now).await?)
    }
}

/// How a batch ends that ends by itself.
pub(crate) fn end_of(input: &FinishBatch) -> BatchEnd {
    BatchEnd {
        scan_failed: input.scan_failed,
        settle_failed: input.settle_failed,
        truncated: input.truncated,
        abandoned: false,
        error: input.error.clone(),
    }
}
