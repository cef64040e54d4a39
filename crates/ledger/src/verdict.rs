//! What a batch said of one order that it found.

use redrive_core::ids::WorkflowId;
use redrive_core::report::VerdictKind;
use serde::Serialize;

/// A verdict, with the order it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderVerdict {
    /// The order id.
    pub order_id: String,
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// What was done.
    pub verdict: VerdictKind,
    /// Why, where it was not restarted.
    pub reason: Option<String>,
    /// The number of the attempt that it is restarted as.
    pub attempt: Option<u32>,
    /// What had gone wrong.
    pub failure_status: String,
}
