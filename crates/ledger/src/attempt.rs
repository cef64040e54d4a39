//! An attempt: one redrive of one order, from its intent to its end.

use jiff::Timestamp;
use redrive_core::ids::{BatchId, RunId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The intent was given up without a start; the note says why.
    NotStarted,
    /// Its run completed.
    Recovered,
    /// Its run failed.
    FailedAgain,
    /// A person terminated or cancelled its run.
    Stopped,
    /// Its run's history is gone.
    Unknown,
}

impl AttemptOutcome {
    /// The name in the ledger and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Recovered => "recovered",
            Self::FailedAgain => "failed_again",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }
}

/// One attempt, as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The generation it belongs to.
    pub generation: u32,
    /// Its number within the generation, from 1.
    pub number: u32,
    /// The failed run it acts on.
    #[serde(rename = "fromRunId")]
    pub from_run: RunId,
    /// The request id of its start.
    pub request_id: Uuid,
    /// The batch that made it.
    #[serde(rename = "batchId")]
    pub batch: BatchId,
    /// Whether an operator asked for it: only then may a failed run be started again a second time.
    pub manual: bool,
    /// When the intent was written.
    pub intent_at: Timestamp,
    /// The first run it started; `None` while that is not known.
    #[serde(rename = "runId")]
    pub run: Option<RunId>,
    /// When the start was recorded.
    pub started_at: Option<Timestamp>,
    /// How it ended; `None` while it goes on.
    pub outcome: Option<AttemptOutcome>,
    /// Why it was not started.
    pub note: Option<String>,
    /// When the outcome was learnt.
    pub settled_at: Option<Timestamp>,
}
