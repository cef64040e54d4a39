//! An operation on many dead letters: its batch, its pages, its end. What it takes, starts and learns is the ledger's and the
//! chunks' work.

use redrive_flows::activities::{
    BeginOperation, FinishOperation, NextPage, OperationCounts, OperationReport,
};
use redrive_ledger::{BatchEnd, BatchOpening, Limited, Operation, OperationEnd};

use crate::engine::Engine;
use crate::error::EngineError;

/// An operation has so many seconds' worth of starts waiting at a time: what it was told is heard within about that time.
const SECONDS_AT_A_TIME: f64 = 15.0;
/// And never more orders than this: resolving them is one short transaction.
const LARGEST_PAGE: u32 = 500;
/// Orders a chunk: several chunks spread over several workers.
const CHUNK: u32 = 125;

impl Engine {
    /// Opens the batch that works for an operation, unless it has ended for good.
    pub async fn begin_operation(
        &self,
        input: &BeginOperation,
    ) -> Result<OperationReport, EngineError> {
        let now = self.clock.now();
        let operation = self
            .ledger
            .begin_operation(&input.id, &input.batch, now)
            .await?;
        if !operation.status.has_ended() {
            let opening = BatchOpening {
                batch: input.batch.clone(),
                workflow_id: input.workflow_id.clone(),
                started_at: input.started_at,
                one_order: true,
            };
            self.ledger.open_batch(&opening).await?;
        }
        Ok(report(&operation))
    }

    /// Learns what became of the orders taken before, and takes as many as there is room for.
    pub async fn next_page(&self, input: &NextPage) -> Result<OperationReport, EngineError> {
        let (ledger, id) = (&self.ledger, &input.id);
        let now = self.clock.now();
        let mut operation = ledger.learn_operation(id, now).await?;
        // It is paused once nothing of it is started any more.
        let paused = input.paused && operation.waiting == 0;
        operation = ledger.note_operation(id, paused, now).await?;
        let page = page_size(operation.per_second, self.shared_rate().await?);
        let room = u64::from(page).saturating_sub(operation.waiting) as u32;
        if input.takes && room > 0 {
            operation = ledger
                .take_page(&self.policy, id, input.page, room, now)
                .await?;
        }
        Ok(report(&operation))
    }

    /// Starts a second that everybody shares now. Who takes no turns learns how far they lie apart.
    async fn shared_rate(&self) -> Result<f64, EngineError> {
        let (configured, now) = (self.policy.starts_per_second, self.clock.now());
        let turns = self.ledger.take_turns(Limited::Starts, configured, 0, now);
        Ok(1.0 / turns.await?.gap.as_secs_f64())
    }

    /// Ends the operation, and finishes its batch's row.
    pub async fn finish_operation(
        &self,
        input: &FinishOperation,
    ) -> Result<OperationReport, EngineError> {
        let end = match &input.error {
            Some(error) => OperationEnd::Failed {
                error: error.clone(),
            },
            None if input.stopped => OperationEnd::Stopped,
            None => OperationEnd::Completed,
        };
        let now = self.clock.now();
        let operation = self.ledger.end_operation(&input.id, &end, now).await?;
        let end = BatchEnd {
            truncated: input.stopped || input.error.is_some(),
            error: input.error.clone(),
            ..BatchEnd::default()
        };
        self.finish(&input.batch, &end).await?;
        tracing::info!(
            operation.id = %operation.id,
            batch.id = %input.batch,
            status = operation.status.as_str(),
            matched = operation.matched,
            started = operation.started,
            failed = operation.failed,
            skipped = operation.skipped,
            "an operation on dead letters has ended"
        );
        Ok(report(&operation))
    }
}

/// How many orders may wait at a time, under the operation's own rate and that of all starts.
fn page_size(per_second: Option<f64>, shared: f64) -> u32 {
    let rate = per_second.unwrap_or(f64::INFINITY).min(shared);
    ((rate * SECONDS_AT_A_TIME) as u32).clamp(1, LARGEST_PAGE)
}

fn report(operation: &Operation) -> OperationReport {
    OperationReport {
        counts: OperationCounts {
            matched: operation.matched,
            waiting: operation.waiting,
            started: operation.started,
            failed: operation.failed,
            skipped: operation.skipped,
        },
        exhausted: operation.exhausted,
        ended: operation.status.has_ended(),
        pages: operation.pages,
        chunk_size: CHUNK,
        per_second: operation.per_second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_some_seconds_worth_of_starts() {
        for (own, shared, page) in [
            (None, 20.0, 300),
            (None, 1_000.0, 500),
            (None, f64::INFINITY, 500),
            (Some(2.0), 20.0, 30),
            (Some(100.0), 20.0, 300),
            (Some(0.01), 20.0, 1),
        ] {
            assert_eq!(page_size(own, shared), page, "{own:?} of {shared}");
        }
    }
}
