//! An order as the ledger keeps it, its story, and what operators did.

use jiff::Timestamp;
use redrive_core::ids::{BatchId, RunId, WorkflowId};
use redrive_core::states::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Attempt, DeadLetter, FailureRow};

/// The ledger's own key of an order.
pub type OrderPk = i64;

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderRow {
    /// The ledger's key.
    #[serde(skip)]
    pub pk: OrderPk,
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// The order id.
    pub order_id: String,
    /// The customer's id, where that is known.
    pub customer_id: Option<String>,
    /// The workflow type.
    pub workflow_type: String,
    /// Where it stands.
    pub state: State,
    /// The current generation.
    pub generation: u32,
    /// Attempts of the current generation whose run was started.
    pub retry_count: u32,
    /// Refused starts in a row.
    pub item_errors: u32,
    /// The failed run that a restart acts on.
    #[serde(rename = "failedRunId")]
    pub failed_run: RunId,
    /// When it closed.
    pub failed_at: Timestamp,
    /// What went wrong.
    pub failure_status: String,
    /// The failure group.
    pub fingerprint: String,
    /// The message, cut.
    pub failure_reason: String,
    /// Whether the failed run has a parent.
    pub has_parent: bool,
    /// Whether the policy lets it be reprocessed.
    pub eligible: bool,
    /// Whether an operator's retry put it first.
    pub manual: bool,
    /// Not before then.
    pub due_at: Timestamp,
    /// The first run of the chain that is followed, in flight.
    #[serde(rename = "followedRunId")]
    pub followed_run: Option<RunId>,
    /// When it is described again.
    pub next_check_at: Option<Timestamp>,
    /// When it closed.
    pub closed_at: Option<Timestamp>,
    /// How it closed.
    pub resolution: Option<String>,
    /// When it was first seen.
    pub created_at: Timestamp,
}

/// Everything the ledger knows of one order, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Story {
    /// The order.
    pub order: OrderRow,
    /// Its failures.
    pub failures: Vec<FailureRow>,
    /// Its attempts.
    pub attempts: Vec<Attempt>,
    /// Its dead letters.
    pub dead_letters: Vec<DeadLetter>,
    /// What batches decided of it: batch, verdict, reason, when.
    pub verdicts: Vec<(BatchId, String, Option<String>, Timestamp)>,
    /// What operators did.
    pub audit: Vec<AuditEvent>,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// Why.
    pub reason: String,
}

/// What somebody is doing now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuditEvent {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// What an operator does to an order that is not in the dead letter queue, or is to leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// No batch restarts it until it is released.
    Hold,
    /// Batches may restart it again.
    Release,
    /// It gets a fresh budget and is due at once, under the policy as any order.
    Reset,
}

impl Act {
    /// Its name in the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Reset => "reset",
        }
    }
}

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acted {
    /// It is done: the order as it is now.
    Done(Box<OrderRow>),
    /// The order's state does not allow it; nothing was changed.
    NotNow(State),
    /// No such order.
    NoSuchOrder,
}

/// That every start is stopped, by whom and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Halt {
    /// Who halted.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}
