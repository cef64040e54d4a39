//! The workflows: what a batch does, step by step, as Temporal replays it.
//!
//! This crate depends on `redrive-core` and the workflow half of the SDK only, so IO in a workflow does not compile.
//! The activities are declared here ([`activities`]) and implemented in `redrive-engine`.

pub mod activities;
pub mod batch;
mod chunks;
mod deadline;
mod failure;
pub mod input;
pub mod operation;
pub mod operation_input;
pub mod options;
pub mod orchestration;
mod pace;
mod rounds;
mod telling;
mod window;

pub use batch::ReprocessingBatchWorkflow;
pub use deadline::Deadline;
pub use operation::DeadLetterOperationWorkflow;
pub use orchestration::ReprocessingOrchestrationWorkflow;

/// The workflow type of the batch (spec).
pub const BATCH_WORKFLOW: &str = "ReprocessingBatchWorkflow";
/// The workflow type of the orchestration (spec).
pub const ORCHESTRATION_WORKFLOW: &str = "ReprocessingOrchestrationWorkflow";
/// The workflow type of an operation on many dead letters.
pub const OPERATION_WORKFLOW: &str = "DeadLetterOperationWorkflow";
/// The task queue of both (spec), and of operations.
pub const TASK_QUEUE: &str = "orchestrator";
/// The schedule that starts the batch (spec).
pub const SCHEDULE_ID: &str = "reprocessing-batch-schedule";
/// The workflow id of the schedule's action (spec).
pub const ACTION_ID: &str = "reprocessing-batch";

/// The task queue of the chunks of batches that go over `task_queue`. A worker takes from it what it has room for; what none has
/// room for waits there, where any may take it.
pub fn chunk_queue(task_queue: &str) -> String {
    format!("{task_queue}-chunks")
}
