//! A batch's row in `reprocessing_results`: opened when it starts, finished by itself or by a later batch.

use jiff::Timestamp;
use redrive_core::ids::BatchId;
use redrive_core::report::{Alert, BatchStatus, ReprocessingResult};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A batch that starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchOpening {
    /// The batch.
    pub batch: BatchId,
    /// The workflow id that runs it.
    pub workflow_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// Whether it is an operator's retry, of one order or of dead letters: no sign of how the schedule fares.
    pub one_order: bool,
}

/// How a batch ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchEnd {
    /// Its scan failed at least once.
    pub scan_failed: bool,
    /// Its settle failed at least once.
    pub settle_failed: bool,
    /// It ended with work left.
    pub truncated: bool,
    /// Its workflow was terminated, cancelled or timed out; a later batch says so.
    pub abandoned: bool,
    /// The error it ends with.
    pub error: Option<String>,
}

/// A batch as kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchRow {
    /// Its workflow id.
    pub workflow_id: String,
    /// How it stands.
    pub status: BatchStatus,
    /// When it started.
    pub started_at: Timestamp,
    /// Whether it is an operator's retry, of one order or of dead letters: no sign of how the schedule fares.
    pub one_order: bool,
    /// Its numbers.
    pub result: ReprocessingResult,
    /// The error it ended with.
    pub error: Option<String>,
    /// The alerts it raised.
    pub alerts: Vec<Alert>,
}

/// Where a batch stands in the list of the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchPlace {
    /// When it ended; while it runs, when it started.
    pub processed_at: Timestamp,
    /// When it started.
    pub started_at: Timestamp,
    /// The batch.
    pub batch: BatchId,
}

impl BatchRow {
    /// Its place in the list.
    pub fn place(&self) -> BatchPlace {
        BatchPlace {
            processed_at: self.result.processed_at,
            started_at: self.started_at,
            batch: BatchId::from(self.result.batch_id.as_str()),
        }
    }
}
