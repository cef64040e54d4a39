//! Settling: learning from a description how an open order stands.

use jiff::Timestamp;
use redrive_core::ids::{RunId, WorkflowId};
use redrive_core::states::State;
use uuid::Uuid;

use crate::{AttemptOutcome, Failure, Latest, OrderPk, OurRun};

/// An open order that is due to be described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The ledger's key.
    pub pk: OrderPk,
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// Where it stands.
    pub state: State,
    /// The failed run.
    pub failed_run: RunId,
    /// When it closed.
    pub failed_at: Timestamp,
    /// The request id of the newest intent to start the failed run again that is not known to have started anything. A
    /// try that was taken for dead may have started it after all.
    pub given_up: Option<Uuid>,
    /// In flight: the first run of the chain that is followed.
    pub followed_run: Option<RunId>,
    /// In flight: whether an attempt of ours started that chain.
    pub has_attempt: bool,
}

/// What the server said.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// What was asked; where the order has moved on meanwhile, nothing is written.
    pub check: Check,
    /// The latest run; `None`: Temporal knows the workflow id no more.
    pub latest: Option<Latest>,
    /// How the attempt in flight ended, where its chain is closed (or gone).
    pub attempt: Option<AttemptOutcome>,
    /// A run that the intent given up has started after all.
    pub ours: Option<OurRun>,
    /// The latest run's failure, where it failed and is not the failed run known.
    pub failure: Option<Box<Failure>>,
}
