//! A chunk's work: claiming orders with an intent each, and committing what became of them.

use std::fmt;

use jiff::Timestamp;
use redrive_core::decide::{BatchRules, DeadLetterReason};
use redrive_core::ids::{BatchId, OperationId, RunId, WorkflowId};
use uuid::Uuid;

pub use redrive_core::decide::Latest;

use crate::record::decompress;
use crate::{AttemptOutcome, Failure, LedgerError, OrderPk};

/// What a chunk asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// The batch.
    pub batch: BatchId,
    /// The chunk's number within it.
    pub chunk: u32,
    /// At most so many orders, over all tries of the chunk.
    pub limit: u32,
    /// Only orders that were due by then: what became due later is the next batch's.
    pub due_by: Timestamp,
    /// What the batch was told.
    pub rules: BatchRules,
    /// Only this order.
    pub only: Option<WorkflowId>,
    /// Only orders that this operation has taken, whatever the rules say.
    pub operation: Option<OperationId>,
}

/// What a chunk got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Orders of an earlier try of this chunk, now under a new fence: their intents may have been acted on.
    pub inherited: Vec<ClaimedOrder>,
    /// Orders claimed just now: nothing has been done for them.
    pub fresh: Vec<ClaimedOrder>,
    /// Orders for which an earlier try of this chunk has a verdict already.
    pub done: u32,
}

/// An order that a chunk owns, with what it is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedOrder {
    /// The ledger's key.
    pub pk: OrderPk,
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// The failed run.
    pub from_run: RunId,
    /// When it closed: no run of ours from it can have started before.
    pub failed_at: Timestamp,
    /// This ownership's fence.
    pub fence: i64,
    /// The current generation.
    pub generation: u32,
    /// An operator's explicit retry.
    pub manual: bool,
    /// What to do while the failed run is still the latest.
    pub plan: Plan,
    /// How to start the failed run again, where it is to be and the ledger keeps that and it is short; a long one is read by
    /// [`crate::Ledger::start_request`] when it is needed, for a chunk holds all of its orders.
    pub start_request: Option<StoredRequest>,
}

/// A start request as the ledger keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRequest(Vec<u8>);

impl StoredRequest {
    pub(crate) const fn new(compressed: Vec<u8>) -> Self {
        Self(compressed)
    }

    /// The request.
    ///
    /// Errors: [`LedgerError::StartRequest`], where it is damaged.
    pub fn read(&self) -> Result<Vec<u8>, LedgerError> {
        decompress(&self.0)
    }
}

/// Without its contents: they are an order's.
impl fmt::Debug for StoredRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredRequest({} bytes)", self.0.len())
    }
}

/// What to do with a claimed order while its failed run is still the latest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Start it again under the intent.
    Restart {
        /// The attempt's number.
        attempt: u32,
        /// The intent's request id.
        request_id: Uuid,
        /// When the intent was written: nothing was sent before.
        intent_at: Timestamp,
    },
    /// Move it to the dead letter queue.
    DeadLetter(DeadLetterReason),
}

/// What became of a claimed order.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The restart was started, now or by an earlier try: its first run.
    Restarted(RunId),
    /// The failed run is not the latest any more.
    Elsewhere {
        /// The latest run.
        latest: Latest,
        /// A run that this intent had started, that the latest came after.
        ours: Option<OurRun>,
        /// The latest run's failure, where it failed.
        failure: Option<Box<Failure>>,
    },
    /// The plan to dead-letter it was carried out.
    DeadLettered(DeadLetterReason),
    /// Temporal knows the workflow id no more.
    Gone,
    /// The server refuses this start.
    ItemError {
        /// What it says, without payloads.
        message: String,
    },
    /// The answer to a start is not known, and there is no time left to ask: the order stays claimed.
    AnswerUnknown,
    /// Nothing was done for it: it is given back. Only for orders claimed by this try.
    Released,
}

impl Outcome {
    /// Its name, for logs: its contents may hold a start request.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Restarted(_) => "restarted",
            Self::Elsewhere { .. } => "elsewhere",
            Self::DeadLettered(_) => "dead_lettered",
            Self::Gone => "gone",
            Self::ItemError { .. } => "item_error",
            Self::AnswerUnknown => "answer_unknown",
            Self::Released => "released",
        }
    }
}

/// A run that an intent had started and that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OurRun {
    /// Its id.
    pub run: RunId,
    /// How it ended.
    pub end: AttemptOutcome,
}

/// One outcome to commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The order.
    pub pk: OrderPk,
    /// The fence under which it was claimed.
    pub fence: i64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What the ledger did with an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is recorded.
    Done,
    /// Another owner took the order over meanwhile; nothing was written.
    Fenced,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_request_is_not_told_in_logs() {
        let told = format!("{:?}", StoredRequest::new(b"secret".to_vec()));
        assert_eq!(told, "StoredRequest(6 bytes)");
    }
}
