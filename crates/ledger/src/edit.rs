//! What a transaction does beside changing an order's own row: to its start requests, its dead letter, its verdict.

use jiff::Timestamp;
use redrive_core::decide::DeadLetterReason;
use redrive_core::ids::BatchId;
use redrive_core::report::VerdictKind;

use crate::{EscalationLevel, Resolution};

/// What happens to the start requests of an order, after those of its failures are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Requests {
    /// Nothing.
    Keep,
    /// Only that of the failed run, and those of pending failures, are kept.
    KeepFailedRun,
    /// None is kept.
    Drop,
}

/// What happens to the dead letter of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeadLetterEdit {
    /// It gets one in its current generation, unless it has one.
    Open {
        reason: DeadLetterReason,
        batch: Option<BatchId>,
        level: EscalationLevel,
        /// What it says went wrong, where that is not the order's last failure: status and message.
        failure: Option<(String, String)>,
        at: Timestamp,
    },
    /// What went wrong last is taken over from the order.
    Follow { at: Timestamp },
    /// It is closed.
    Close {
        resolution: Resolution,
        by: String,
        notes: String,
        at: Timestamp,
    },
}

/// A row of `verdicts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub batch: BatchId,
    pub chunk: Option<u32>,
    pub kind: VerdictKind,
    pub reason: Option<String>,
    pub at: Timestamp,
}
