//! A failure: one closed run of a watched type, as it comes in and as it is kept.

use jiff::Timestamp;
use redrive_core::classify::Classification;
use redrive_core::ids::{RunId, WorkflowId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A failed run, read from the server and classified.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The order's workflow id.
    pub workflow_id: WorkflowId,
    /// The order id that the policy's template finds in it.
    pub order_id: String,
    /// The customer's id, where the watched type tells where it stands.
    pub customer_id: Option<String>,
    /// Its workflow type.
    pub workflow_type: String,
    /// The failed run.
    pub run_id: RunId,
    /// The first run of its chain.
    pub first_run_id: RunId,
    /// Whether it timed out (else it failed).
    pub timed_out: bool,
    /// When it closed, by the server's clock.
    pub closed_at: Timestamp,
    /// What went wrong.
    pub classification: Classification,
    /// The failed run that our memo on it names, if it is (or continues) a restart of ours.
    pub from_run: Option<RunId>,
    /// Whether it has a parent workflow.
    pub has_parent: bool,
    /// How to start it again: opaque bytes, compressed by the ledger.
    pub start_request: Vec<u8>,
}

/// What observing some closes brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObserveSummary {
    /// Runs not known before.
    pub new_failures: u64,
    /// Orders not known before.
    pub new_orders: u64,
    /// Those of them that the policy lets be reprocessed.
    pub eligible_orders: u64,
    /// Attempts found to have failed again.
    pub failed_again: u64,
}

impl std::ops::AddAssign for ObserveSummary {
    fn add_assign(&mut self, more: Self) {
        self.new_failures += more.new_failures;
        self.new_orders += more.new_orders;
        self.eligible_orders += more.eligible_orders;
        self.failed_again += more.failed_again;
    }
}

/// A failure as kept, for an order's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureRow {
    /// The failed run.
    pub run_id: RunId,
    /// The first run of its chain.
    pub first_run_id: RunId,
    /// Whether it timed out.
    pub timed_out: bool,
    /// The failure status.
    pub failure_status: String,
    /// The failure group's fingerprint.
    pub fingerprint: String,
    /// The message, cut.
    pub reason: String,
    /// When it closed.
    pub closed_at: Timestamp,
    /// When we saw it.
    pub observed_at: Timestamp,
}
