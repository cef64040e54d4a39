//! Operations: one decision of an operator about many dead letters, carried out page by page.
//!
//! An operation *matches* the entries that waited when it was opened. It *takes* them a page at a time: each entry is resolved,
//! and its order *waits* to be started. What becomes of the order is *learnt* from rows: it was *started*, it *failed* to
//! start, or it was *skipped*, since there was nothing to start any more.

use jiff::Timestamp;
use redrive_core::ids::{BatchId, OperationId, WorkflowId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DeadLetterFilter, NewAuditEvent, OrderPk};

/// Which dead letters an operation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Those that match and wait when it is opened, the oldest first.
    Matching {
        /// Whom.
        filter: DeadLetterFilter,
        /// At most so many.
        limit: Option<u32>,
    },
    /// Those of these orders.
    Named(Vec<WorkflowId>),
}

/// An operation to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationOpening {
    /// Its id.
    pub id: OperationId,
    /// What it is about.
    pub chosen: Chosen,
    /// Starts a second, at most; `None`: as fast as everything.
    pub per_second: Option<f64>,
    /// Who wants it, and why.
    pub by: NewAuditEvent,
}

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    /// It goes on, or nobody has begun with it yet.
    Running,
    /// An operator keeps it back; nothing of it waits to be started.
    Paused,
    /// An operator ended it early.
    Stopped,
    /// It has dealt with every entry.
    Completed,
    /// It was given up over an error, or its workflow was ended; an operator may resume it.
    Failed,
}

impl OperationStatus {
    /// The name in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether it has ended, for good or until it is resumed.
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Running | Self::Paused)
    }

    /// Whether it has ended for good.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Stopped | Self::Completed)
    }
}

/// An operation as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// How it stands.
    pub status: OperationStatus,
    /// Who wanted it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// What it chooses by; `None`: its orders were named.
    pub filter: Option<DeadLetterFilter>,
    /// Starts a second, at most; `None`: as fast as everything.
    pub per_second: Option<f64>,
    /// The batch that works for it; the last one, where it was resumed.
    #[serde(rename = "batchId")]
    pub batch: Option<BatchId>,
    /// Entries that it matched when it was opened.
    pub matched: u64,
    /// Orders taken that nobody has dealt with yet.
    pub waiting: u64,
    /// Orders started.
    pub started: u64,
    /// Orders that could not be started.
    pub failed: u64,
    /// Orders for which there was nothing to start: decided by others before, or running, completed or stopped.
    pub skipped: u64,
    /// Pages taken.
    #[serde(skip)]
    pub pages: u32,
    /// Whether every entry has been taken.
    #[serde(skip)]
    pub exhausted: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When anything was written of it last.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// How an operation ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationEnd {
    /// Every entry was dealt with.
    Completed,
    /// An operator ended it.
    Stopped,
    /// It cannot go on.
    Failed {
        /// Why, in a sentence.
        error: String,
    },
}

/// An order that an operation did not start, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotStarted {
    /// The ledger's key of the order: the next page begins after it.
    #[serde(skip)]
    pub pk: OrderPk,
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// The order id.
    pub order_id: String,
    /// Whether it could not be started; else there was nothing to start.
    pub failed: bool,
    /// Why.
    pub reason: String,
}

impl NotStarted {
    /// Its place in the list of them, those that failed before the others: the next page begins after it.
    pub const fn place(&self) -> (bool, OrderPk) {
        (self.failed, self.pk)
    }
}
