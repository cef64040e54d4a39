//! What a ledger counts for those who watch it: numbers that only grow, however often a process restarts, and ages.

use jiff::{SignedDuration, Timestamp};
use redrive_core::report::VerdictKind;

use crate::AttemptOutcome;

/// The numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Numbers {
    /// Verdicts of batches, by the order's failure status: a verdict that is corrected counts again, under its new name.
    pub verdicts: Vec<(VerdictKind, String, u64)>,
    /// Attempts that ended, by the status of the failed run that they were to restart; one whose end is corrected counts again.
    pub outcomes: Vec<(AttemptOutcome, String, u64)>,
    /// Recovered orders by how long they took from the failure that began their generation, the shortest first.
    pub recoveries: Vec<Recoveries>,
    /// How long these took together.
    pub recovering: SignedDuration,
    /// Since when the order that is due for a restart the longest has been due; it may lie ahead.
    pub oldest_due_at: Option<Timestamp>,
    /// When the last batch began, whether or not it has ended; an operator's retry is none.
    pub last_batch_began_at: Option<Timestamp>,
}

/// Recovered orders that took about as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recoveries {
    /// At most so long, and longer than those before; `None`: longer than all of them.
    pub within: Option<SignedDuration>,
    /// How many orders.
    pub orders: u64,
}
