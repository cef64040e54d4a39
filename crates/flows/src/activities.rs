//! The activities, declared: one struct in, one struct out, so that a new field stays compatible.
//!
//! They carry tokens, cursors and counts. No order's payload, and no list of orders, enters a workflow's history.
#![expect(missing_docs, reason = "the SDK's macros make items of their own")]

use jiff::Timestamp;
use redrive_core::decide::BatchRules;
use redrive_core::ids::{BatchId, OperationId, WorkflowId};
use redrive_core::report::ReprocessingResult;
use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

/// What [`Reprocessing::open_batch`] is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenBatch {
    /// The batch.
    pub batch: BatchId,
    /// The workflow id that runs it.
    pub workflow_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// Whether it handles one order only: an operator's retry.
    #[serde(default)]
    pub one_order: bool,
}

/// What a batch goes by: settings that only workers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchPlan {
    /// Orders a chunk.
    pub batch_size: u32,
    /// Seconds between two ticks of the schedule.
    pub interval_seconds: u64,
}

/// What scan, settle and adopt are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    /// The batch.
    pub batch: BatchId,
    /// When to stop.
    pub ends_at: Timestamp,
}

/// What [`Reprocessing::adopt_claims`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdoptReport {
    /// Claims of dead batches that were finished.
    pub adopted: u64,
    /// Rows of dead batches that were finished.
    pub finished: u64,
}

/// What [`Reprocessing::scan_failures`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScanReport {
    /// Failed runs not known before.
    pub new_failures: u64,
    /// Whether every watched type was scanned up to the present.
    pub complete: bool,
}

/// What [`Reprocessing::settle_attempts`] did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleReport {
    /// Orders described.
    pub checked: u64,
    /// Orders due by then are this batch's; what becomes due later is the next one's.
    pub due_by: Timestamp,
    /// Whether every order that was due was looked at; reports that do not say so are from before this was told.
    #[serde(default = "told_nothing_else")]
    pub complete: bool,
}

const fn told_nothing_else() -> bool {
    true
}

/// What [`Reprocessing::process_chunk`] is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chunk {
    /// The batch.
    pub batch: BatchId,
    /// The chunk's number.
    pub chunk: u32,
    /// At most so many orders.
    pub limit: u32,
    /// Only orders that were due by then.
    pub due_by: Timestamp,
    /// When to stop.
    pub stops_at: Timestamp,
    /// What the batch was told.
    pub rules: BatchRules,
    /// Only this order: an operator's retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<WorkflowId>,
    /// Only orders that an operation on dead letters has taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<ForOperation>,
}

/// The operation that a chunk works for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForOperation {
    /// Its id.
    pub id: OperationId,
    /// Its own rate, starts a second, when the chunk was begun; `None`: as fast as everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
}

/// Why a chunk gave orders back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The deadline came.
    Deadline,
    /// An operator halted every start, or the next turn is after its end.
    Halted,
    /// An operator stopped the batch.
    Cancelled,
}

/// What [`Reprocessing::process_chunk`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChunkReport {
    /// Orders it claimed, over all its tries.
    pub claimed: u32,
    /// Why it stopped early.
    pub stopped: Option<Stopped>,
}

/// What [`Reprocessing::finish_batch`] is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FinishBatch {
    /// The batch.
    pub batch: BatchId,
    /// A scan failed.
    pub scan_failed: bool,
    /// A settle failed.
    pub settle_failed: bool,
    /// It ends with work left.
    pub truncated: bool,
    /// The error it ends with.
    pub error: Option<String>,
}

/// What [`Reprocessing::note_failures`] is told: which phases have failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedPhases {
    /// The batch.
    pub batch: BatchId,
    /// Its scan.
    pub scan: bool,
    /// Its settle.
    pub settle: bool,
}

/// What [`Reprocessing::begin_operation`] is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BeginOperation {
    /// The operation.
    pub id: OperationId,
    /// The batch that works for it.
    pub batch: BatchId,
    /// The workflow id that runs it.
    pub workflow_id: String,
    /// When it started.
    pub started_at: Timestamp,
}

/// What [`Reprocessing::next_page`] is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextPage {
    /// The operation.
    pub id: OperationId,
    /// The page's number.
    pub page: u32,
    /// Whether entries may be taken; else it is only learnt what became of those before.
    pub takes: bool,
    /// Whether operators keep the operation back.
    pub paused: bool,
}

/// How an operation stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationReport {
    /// What there is to count.
    #[serde(flatten)]
    pub counts: OperationCounts,
    /// Every entry has been taken.
    pub exhausted: bool,
    /// It has ended, and nothing more is to be done.
    pub ended: bool,
    /// Pages taken.
    pub pages: u32,
    /// Orders a chunk.
    pub chunk_size: u32,
    /// Starts a second, at most.
    pub per_second: Option<f64>,
}

/// An operation in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationCounts {
    /// Entries that it is about.
    pub matched: u64,
    /// Orders taken that nobody has dealt with yet.
    pub waiting: u64,
    /// Orders started.
    pub started: u64,
    /// Orders that could not be started.
    pub failed: u64,
    /// Orders for which there was nothing to start.
    pub skipped: u64,
}

/// What [`Reprocessing::finish_operation`] is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FinishOperation {
    /// The operation.
    pub id: OperationId,
    /// The batch that worked for it.
    pub batch: BatchId,
    /// An operator ended it.
    pub stopped: bool,
    /// The error it ends with.
    pub error: Option<String>,
}

/// The activities of a batch, and of an operation.
pub struct Reprocessing;

#[expect(
    clippy::unimplemented,
    reason = "declarations: the SDK never runs these bodies"
)]
#[activity_definitions]
impl Reprocessing {
    /// Opens the batch's row, and says what to go by.
    #[activity(name = "OpenBatch")]
    pub async fn open_batch(input: OpenBatch) -> Result<BatchPlan, ()> {
        unimplemented!()
    }

    /// Finishes what batches that died have left: their claims' intents first, then their rows.
    #[activity(name = "AdoptClaims")]
    pub async fn adopt_claims(input: Phase) -> Result<AdoptReport, ()> {
        unimplemented!()
    }

    /// Brings new failed runs from visibility into the ledger.
    #[activity(name = "ScanFailures")]
    pub async fn scan_failures(input: Phase) -> Result<ScanReport, ()> {
        unimplemented!()
    }

    /// Learns how attempts in flight ended, and how other open orders stand.
    #[activity(name = "SettleAttempts")]
    pub async fn settle_attempts(input: Phase) -> Result<SettleReport, ()> {
        unimplemented!()
    }

    /// Claims a chunk of orders and processes them.
    #[activity(name = "ProcessChunk")]
    pub async fn process_chunk(input: Chunk) -> Result<ChunkReport, ()> {
        unimplemented!()
    }

    /// Notes in the batch's row which phases have failed: whoever finishes it counts them.
    #[activity(name = "NoteFailures")]
    pub async fn note_failures(input: FailedPhases) -> Result<(), ()> {
        unimplemented!()
    }

    /// Opens the batch of an operation, and says how the operation stands.
    #[activity(name = "BeginOperation")]
    pub async fn begin_operation(input: BeginOperation) -> Result<OperationReport, ()> {
        unimplemented!()
    }

    /// Learns what became of the orders that an operation has taken, and takes its next page.
    #[activity(name = "NextPage")]
    pub async fn next_page(input: NextPage) -> Result<OperationReport, ()> {
        unimplemented!()
    }

    /// Ends an operation, and finishes the row of its batch.
    #[activity(name = "FinishOperation")]
    pub async fn finish_operation(input: FinishOperation) -> Result<OperationReport, ()> {
        unimplemented!()
    }

    /// Finishes the batch's row and raises its alerts.
    #[activity(name = "FinishBatch")]
    pub async fn finish_batch(input: FinishBatch) -> Result<ReprocessingResult, ()> {
        unimplemented!()
    }
}

pub use reprocessing::{
    AdoptClaims, FinishBatch as FinishBatchActivity, OpenBatch as OpenBatchActivity,
};
pub use reprocessing::{
    BeginOperation as BeginOperationActivity, FinishOperation as FinishOperationActivity,
    NextPage as NextPageActivity,
};
pub use reprocessing::{NoteFailures, ProcessChunk, ScanFailures, SettleAttempts};
