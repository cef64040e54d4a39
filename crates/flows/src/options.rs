//! Every timeout and retry policy of ours, named, with its reason.

use std::time::Duration;

use jiff::Timestamp;
use temporalio_common::RetryPolicy;
use temporalio_workflow::{
    ActivityCancellationType, ActivityOptions, ChildWorkflowOptions, WorkflowCancellationToken,
};

use crate::deadline::Deadline;

/// The batch's execution timeout where its starter set none (spec: 15 minutes).
pub const EXECUTION_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The child may run twice (spec: 2 maximum attempts): a worker lost in mid-batch costs one, a broken ledger both.
const CHILD_ATTEMPTS: u32 = 2;

/// Short ledger work (open, finish, count): a transaction or two.
const LEDGER_WORK: Duration = Duration::from_secs(30);
/// Such work is tried for about a minute, so that a restarted ledger does not fail a batch.
const LEDGER_ATTEMPTS: u32 = 8;

/// A scan or settle that fails is tried three times; then the batch goes on with what the ledger knows.
const PHASE_ATTEMPTS: u32 = 3;

/// Long activities say that they live with every page or order; a worker that has not for so long is taken for lost.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// A chunk is tried until the deadline ends it: its orders are claimed, and only it or an adopter may finish them.
const CHUNK_ATTEMPTS: u32 = 20;

/// The pause before a lost worker's activity is tried elsewhere.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The time past the deadline that a chunk has to learn the answers to the starts it has made.
const CHUNK_GRACE: Duration = Duration::from_secs(30);

/// An operation has no deadline: what it does is tried until it can be done, or is told that trying cannot mend it.
const FOR_EVER: u32 = 0;
/// A chunk of an operation begins nothing after that: enough for a slow server, short enough for what else may come.
pub const OPERATION_CHUNK: Duration = Duration::from_secs(10 * 60);

/// The type of the failures that trying again cannot mend; every policy knows it.
pub const SYSTEM_ERROR: &str = "RedriveSystemError";
/// The type of the failure of an input that cannot be read.
pub const INVALID_INPUT: &str = "InvalidInput";

fn retries(attempts: u32) -> RetryPolicy {
    RetryPolicy::builder()
        .initial_interval(FIRST_PAUSE)
        .maximum_interval(LONGEST_PAUSE)
        .maximum_attempts(attempts)
        .non_retryable_error_types([SYSTEM_ERROR, INVALID_INPUT])
        .build()
}

/// Opening and finishing a batch's row.
pub fn ledger_work() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(LEDGER_WORK)
        .retry_policy(retries(LEDGER_ATTEMPTS))
        .build()
}

/// Recording how a batch has ended, also where it is cancelled: what it has done is done.
pub fn recording() -> ActivityOptions {
    let mut options = ledger_work();
    options.cancellation_token = Some(WorkflowCancellationToken::new());
    options
}

/// Scan, settle and adopt: until `ends_at`, over all tries.
pub fn phase(now: Timestamp, ends_at: Timestamp) -> ActivityOptions {
    let left = Duration::try_from(ends_at.duration_since(now)).unwrap_or_default();
    ActivityOptions::with_schedule_to_close_timeout(left + CHUNK_GRACE)
        .heartbeat_timeout(HEARTBEAT)
        .retry_policy(retries(PHASE_ATTEMPTS))
        .build()
}

/// A chunk: until a while after the deadline, over all tries; one that no worker has begun by the deadline is not begun any more.
/// A cancelled chunk is awaited: it gives back what it has not touched. Eagerly executed, every chunk would go to the worker that
/// runs the workflow: they are for all workers.
/// `queue`: where it waits for one; `None`: where everything does.
pub fn chunk(
    queue: Option<String>,
    now: Timestamp,
    deadline: &Deadline,
    stop: WorkflowCancellationToken,
) -> ActivityOptions {
    let left = deadline.open_for(now);
    ActivityOptions::with_schedule_to_close_timeout(left + CHUNK_GRACE)
        .schedule_to_start_timeout(left)
        .heartbeat_timeout(HEARTBEAT)
        .retry_policy(retries(CHUNK_ATTEMPTS))
        .maybe_task_queue(queue)
        .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
        .cancellation_token(stop)
        .do_not_eagerly_execute(true)
        .build()
}

/// Opening, paging and finishing an operation.
pub fn operation_work() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(LEDGER_WORK)
        .retry_policy(retries(FOR_EVER))
        .build()
}

/// A chunk of an operation. A worker that is lost costs a heartbeat's time; when none is left, the chunk waits for one.
pub fn operation_chunk() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(OPERATION_CHUNK + CHUNK_GRACE)
        .heartbeat_timeout(HEARTBEAT)
        .retry_policy(retries(FOR_EVER))
        .build()
}

/// The orchestration as the batch's child: its timeout is what remains of the batch's.
pub fn child(workflow_id: String, left: Duration) -> ChildWorkflowOptions {
    ChildWorkflowOptions::builder()
        .workflow_id(workflow_id)
        .execution_timeout(left)
        .retry_policy(retries(CHILD_ATTEMPTS))
        .build()
}
