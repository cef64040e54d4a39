//! The dead letter queue: orders that wait for a person's decision, one entry an (order, generation).

use jiff::Timestamp;
use redrive_core::decide::DeadLetterReason;
use redrive_core::ids::{BatchId, WorkflowId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DeadLetterOrder, NewAuditEvent};

/// How urgent a dead letter is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EscalationLevel {
    /// As any.
    #[default]
    Normal,
    /// Soon.
    High,
    /// Now.
    Critical,
}

impl EscalationLevel {
    /// The name in the ledger and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How a dead letter was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// An operator had it started again.
    ManualRetry,
    /// An operator gave the order up.
    Cancelled,
    /// An operator handed it to somebody else.
    Escalated,
    /// A later run completed.
    RecoveredElsewhere,
    /// A person terminated or cancelled a later run.
    Stopped,
}

impl Resolution {
    /// The name in the ledger and in the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ManualRetry => "manual_retry",
            Self::Cancelled => "cancelled",
            Self::Escalated => "escalated",
            Self::RecoveredElsewhere => "recovered_elsewhere",
            Self::Stopped => "stopped",
        }
    }
}

/// An entry of the dead letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The ledger's key of the entry: the next page begins after it.
    #[serde(skip)]
    pub id: i64,
    /// The order's workflow id.
    pub workflow_id: WorkflowId,
    /// The order id.
    pub order_id: String,
    /// The customer's id, where that is known.
    pub customer_id: Option<String>,
    /// The generation that ended here.
    pub generation: u32,
    /// Why it is here.
    pub reason: DeadLetterReason,
    /// What went wrong last.
    pub failure_status: String,
    /// The last message, cut.
    pub failure_reason: String,
    /// Restarts that were started.
    pub retry_count: u32,
    /// How urgent it is.
    pub escalation_level: EscalationLevel,
    /// The batch that moved it here.
    #[serde(rename = "batchId")]
    pub batch: Option<BatchId>,
    /// Since when it is here.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
    /// When it was closed.
    pub resolved_at: Option<Timestamp>,
    /// How.
    pub resolution: Option<Resolution>,
    /// By whom.
    pub resolved_by: Option<String>,
    /// With which note.
    pub notes: Option<String>,
}

impl DeadLetter {
    /// Its place in a list of that order, after which the next page begins: what the list is sorted by (a time's microseconds, or
    /// a number), and the entry's key.
    pub fn place(&self, order: DeadLetterOrder) -> (i64, i64) {
        let by = match order {
            DeadLetterOrder::Oldest | DeadLetterOrder::Newest => self.created_at.as_microsecond(),
            DeadLetterOrder::Decided => {
                let decided = self.resolved_at.unwrap_or(self.created_at);
                decided.as_microsecond()
            }
            DeadLetterOrder::Retries => self.retry_count.into(),
        };
        (by, self.id)
    }

    /// That somebody was first, in words.
    pub fn decided_before(&self) -> String {
        let how = self.resolution.map_or("decided", Resolution::as_str);
        let by = self.resolved_by.as_deref().unwrap_or_default();
        format!("it was decided before: {} by {by}", how.replace('_', " "))
    }
}

/// How somebody puts an order into the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Park {
    /// Who, and why.
    pub by: NewAuditEvent,
    /// How urgent it is.
    pub escalation_level: EscalationLevel,
    /// The failure status and the message that the entry has; `None`: those of the order's last failure.
    pub failure: Option<(String, String)>,
}

impl From<NewAuditEvent> for Park {
    fn from(by: NewAuditEvent) -> Self {
        Self {
            by,
            escalation_level: EscalationLevel::Normal,
            failure: None,
        }
    }
}

/// What an operator decides about a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// The order.
    pub workflow_id: WorkflowId,
    /// The decision: one of the operator's three.
    pub resolution: Resolution,
    /// By whom, and the note.
    pub by: NewAuditEvent,
}

/// What became of an operator's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// It is done: the entry as it is now.
    Done(DeadLetter),
    /// Somebody was first: the entry as they left it.
    Already(DeadLetter),
    /// The order has never been in the dead letter queue.
    NotDeadLettered,
    /// No such order.
    NoSuchOrder,
}
