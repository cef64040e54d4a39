//! The chunks of one run of an orchestration: begun as [`crate::pace`] says, awaited in a sliding window.

use futures::{FutureExt, select_biased};
use jiff::Timestamp;
use temporalio_workflow::{ActivityExecutionError, WorkflowCancellationToken, WorkflowContext};

use crate::activities::{Chunk, ChunkReport, Reprocessing};
use crate::batch::timestamp;
use crate::chunk_queue;
use crate::failure::{Cause, never_begun};
use crate::input::{OrchestrationInput, PartOf};
use crate::options;
use crate::orchestration::ReprocessingOrchestrationWorkflow;
use crate::pace::{Pace, Signs, Step};
use crate::telling;
use crate::window::Window;

/// The largest chunk, whatever was asked for.
const LARGEST_CHUNK: u32 = redrive_core::policy::MAX_BATCH_SIZE;

type Context = WorkflowContext<ReprocessingOrchestrationWorkflow>;
type Ended = (u32, Result<ChunkReport, ActivityExecutionError>);

/// What became of the chunks of one run.
#[derive(Debug)]
pub(crate) struct Processed {
    /// Work is left, and this batch will not do it.
    pub(crate) truncated: bool,
    /// Work is left, and the next run of this orchestration does it.
    pub(crate) more: bool,
    /// Orders that may still be claimed under `maxOrders`.
    pub(crate) orders_left: Option<u32>,
}

/// Processes chunks until the last one, the deadline, a stop, or the end of this run.
pub(crate) async fn process(
    ctx: &Context,
    input: &OrchestrationInput,
    part: &mut PartOf,
    due_by: Timestamp,
) -> Result<Processed, Cause> {
    let orders_left = if input.order.is_some() {
        Some(1)
    } else {
        input.max_orders
    };
    let mut pace = Pace::new(orders_left).as_wide_as(part.width);
    let mut window = Window::new();
    let mut failure = None;
    let stop = ctx.cancellation_token().child_token();
    loop {
        match pace.step(signs(ctx, part)) {
            Step::Begin => {
                let chunk = next_chunk(input, part, due_by, pace.orders_left);
                let limit = chunk.limit;
                let queue = queue(ctx, input);
                let opts = options::chunk(queue, now(ctx), &part.deadline, stop.clone());
                let done = ctx.execute_activity(Reprocessing::process_chunk, chunk, opts);
                window.push(async move { (limit, done.await) });
                pace.begin(limit);
                ctx.state_mut(|state| state.progress.chunks_started += 1);
            }
            Step::AwaitChunk => match first_of(ctx, &mut window, &stop).await {
                Some((limit, Ok(report))) => {
                    pace.end(limit, report.claimed, report.stopped.is_some());
                    count(ctx, &report);
                    telling::tell_now_and_then(ctx).await;
                }
                // No worker had begun it when the batch was stopped, or its time was over: it has claimed nothing. What a try
                // before this one had claimed, the next batch adopts, as after a failure.
                Some((limit, Err(ActivityExecutionError::Cancelled(_)))) if stopping(ctx) => {
                    pace.end(limit, 0, true);
                }
                Some((limit, Err(error))) if never_begun(&error) => pace.end(limit, 0, true),
                Some((_, Err(error))) => {
                    pace.fail();
                    failure = Some(Cause::from(error));
                }
                None => {}
            },
            Step::AwaitResume => until_resumed(ctx, part).await,
            Step::End { more } => {
                part.width = pace.width;
                let Pace {
                    truncated,
                    orders_left,
                    ..
                } = pace;
                let processed = Processed {
                    truncated,
                    more,
                    orders_left,
                };
                return failure.map_or(Ok(processed), Err);
            }
        }
    }
}

fn now(ctx: &Context) -> Timestamp {
    timestamp(ctx.workflow_time())
}

/// Who cancels a batch wants what `stop` does.
fn stopping(ctx: &Context) -> bool {
    ctx.cancellation_token().is_cancelled() || ctx.state(|state| state.progress.stopping)
}

fn signs(ctx: &Context, part: &PartOf) -> Signs {
    Signs {
        open: part.deadline.is_open(now(ctx)),
        paused: ctx.state(|state| state.progress.paused),
        stopping: stopping(ctx),
        long_enough: ctx.continue_as_new_suggested(),
    }
}

/// Where a chunk waits for a worker. Somebody waits for one order that is wanted by itself: it does not stand behind large chunks.
fn queue(ctx: &Context, input: &OrchestrationInput) -> Option<String> {
    let large = input.order.is_none();
    large.then(|| chunk_queue(ctx.task_queue()))
}

/// The next chunk, and what it may claim under `maxOrders`.
fn next_chunk(
    input: &OrchestrationInput,
    part: &mut PartOf,
    due_by: Timestamp,
    orders_left: Option<u32>,
) -> Chunk {
    let size = part.batch_size.clamp(1, LARGEST_CHUNK);
    let chunk = part.next_chunk;
    part.next_chunk += 1;
    Chunk {
        batch: part.batch.clone(),
        chunk,
        limit: size.min(orders_left.unwrap_or(u32::MAX)),
        due_by,
        stops_at: part.deadline.stops_at,
        rules: input.rules.clone(),
        only: input.order.clone(),
        operation: None,
    }
}

/// The first chunk to end. A `stop` that comes meanwhile cancels them all, once.
async fn first_of(
    ctx: &Context,
    window: &mut Window<'_, Ended>,
    stop: &WorkflowCancellationToken,
) -> Option<Ended> {
    let mut next = window.next().fuse();
    if stop.is_cancelled() {
        return Some(next.await);
    }
    let mut stopping = Box::pin(ctx.wait_condition(|state| state.progress.stopping)).fuse();
    select_biased! {
        done = next => Some(done),
        _ = stopping => { stop.cancel(); None }
    }
}

/// Waits for `resume`, `stop`, a cancellation or the deadline.
async fn until_resumed(ctx: &Context, part: &PartOf) {
    let mut deadline = Box::pin(ctx.timer(part.deadline.open_for(now(ctx)))).fuse();
    let goes_on = |state: &ReprocessingOrchestrationWorkflow| {
        !state.progress.paused || state.progress.stopping
    };
    let mut resumed = Box::pin(ctx.wait_condition(goes_on)).fuse();
    select_biased! {
        _ = resumed => {}
        _ = deadline => {}
    }
}

fn count(ctx: &Context, report: &ChunkReport) {
    ctx.state_mut(|state| {
        state.progress.chunks_done += 1;
        state.progress.claimed += u64::from(report.claimed);
    });
}
