//! Every call to Temporal that Redrive makes about orders, behind one trait.
//!
//! [`TemporalGateway`] is the real one. The trait exists so that the very code that restarts orders can be driven
//! through faults (a lost reply, a killed call) and through a model of one workflow id.

mod customer;
mod errors;
mod failure;
mod history;
#[cfg(feature = "failpoints")]
mod lossy;
mod once_more;
mod rehearsal;
mod start_request;
mod temporal;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::failure::FailureFacts;
use redrive_core::ids::{BatchId, Home, RunId, WorkflowId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use customer::customer_id;
pub use errors::GatewayError;
#[cfg(feature = "failpoints")]
pub use lossy::{LossyGateway, Mishap, Odds};
pub(crate) use once_more::{asked, in_time, twice, twice_or_done};
pub use rehearsal::RehearsalGateway;
pub use start_request::{MEMO_KEY, RestartMemo, restart_memo};
pub use temporal::TemporalGateway;
pub(crate) use temporal::quoted;

/// What every call returns.
pub type Result<T> = std::result::Result<T, GatewayError>;

/// The mark by which a run is recognised as the answer to an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The failed run that the intent acts on: it stands in the memo of the run it starts.
    pub from_run: RunId,
    /// The request id of its start.
    pub request_id: Uuid,
}

/// A start of a failed run's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// How this start is recognised.
    pub mark: Mark,
    /// The batch that makes it.
    pub batch: BatchId,
    /// The generation.
    pub generation: u32,
    /// The attempt's number.
    pub attempt: u32,
    /// The start request as read from the failed run ([`FailedRun::start_request`]).
    pub request: Vec<u8>,
}

/// The server's answer to a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It is started, now or by an earlier call with the same request id.
    Run(RunId),
    /// Refused: the latest run is not what it was when it was described.
    Conflict,
}

/// A run that closed as failed or timed out and has no successor.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedRun {
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// The workflow type.
    pub workflow_type: String,
    /// The run.
    pub run_id: RunId,
    /// The first run of its chain.
    pub first_run_id: RunId,
    /// Whether it timed out.
    pub timed_out: bool,
    /// When it closed.
    pub closed_at: Timestamp,
    /// What went wrong.
    pub facts: FailureFacts,
    /// The failed run that our memo names.
    pub from_run: Option<RunId>,
    /// Whether it has a parent.
    pub has_parent: bool,
    /// How to start it again: an encoded request, opaque to everybody but the gateway.
    pub start_request: Vec<u8>,
}

/// A closed window of close times, `from <= close time < to`, of one workflow type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The workflow type.
    pub workflow_type: String,
    /// From this time on.
    pub from: Timestamp,
    /// Before this time.
    pub to: Timestamp,
}

/// A closed run whose failure is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunToRead {
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// The run.
    pub run_id: RunId,
    /// Whether its history is known to be short: then all of it is read by one call.
    pub short: bool,
}

impl RunToRead {
    /// A run of whose history nothing is known.
    pub fn new(workflow_id: WorkflowId, run_id: RunId) -> Self {
        Self {
            workflow_id,
            run_id,
            short: false,
        }
    }
}

/// A page of failed runs from visibility.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The runs.
    pub runs: Vec<RunToRead>,
    /// Where the next page begins; empty on the last.
    pub next: Vec<u8>,
}

/// The calls.
#[async_trait]
pub trait Gateway: Send + Sync + 'static {
    /// The cluster and namespace that it speaks to.
    fn home(&self) -> &Home;

    /// The latest run of a workflow id, and whether its chain answers `mark`; `None` where the server knows it no more.
    async fn describe(
        &self,
        workflow_id: &WorkflowId,
        mark: Option<&Mark>,
    ) -> Result<Option<Latest>>;

    /// The status of one run; `None` where the server knows it no more.
    async fn run_status(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<RunStatus>>;

    /// The first run that answers `mark` among the runs that visibility shows to have started since `since`.
    async fn look_back(
        &self,
        workflow_id: &WorkflowId,
        mark: &Mark,
        since: Timestamp,
    ) -> Result<Option<RunId>>;

    /// Starts an order again.
    async fn start(&self, restart: &Restart) -> Result<Started>;

    /// Reads a closed run; `None` where it has a successor, did not fail, or is gone.
    async fn read_failure(&self, run: &RunToRead) -> Result<Option<FailedRun>>;

    /// The start request in a run's first event, encoded; `None` where the run is gone.
    async fn read_start(&self, workflow_id: &WorkflowId, run_id: &RunId)
    -> Result<Option<Vec<u8>>>;

    /// How many failed runs visibility shows in a window.
    async fn count_failed(&self, window: &Window) -> Result<u64>;

    /// One page of them.
    async fn list_failed(&self, window: &Window, page: Vec<u8>) -> Result<Page>;
}
