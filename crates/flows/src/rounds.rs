//! The rounds of an operation: learn what became of what was taken, take more, start it.

use std::time::Duration;

use futures::{FutureExt, select_biased};
use jiff::{SignedDuration, Timestamp};
use redrive_core::decide::BatchRules;
use temporalio_workflow::WorkflowContext;

use crate::activities::{Chunk, ForOperation, NextPage, OperationReport, Phase, Reprocessing};
use crate::failure::Cause;
use crate::operation::{DeadLetterOperationWorkflow as Flow, now};
use crate::operation_input::{OperationPart, OperationProgress};
use crate::options;
use crate::window::Window;

/// Rounds a run: far below the history limit; the server may suggest to continue earlier.
const ROUNDS_A_RUN: u32 = 60;
/// Chunks at the same time: a page at most.
const WIDEST: u64 = 8;
/// The pause after a round in which nothing could be started; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: a halt may last for hours.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A stopped operation waits for so many idle rounds for what others have claimed; then the next batch does it.
const PATIENCE: u32 = 3;
/// The time to finish claims that an earlier chunk has left.
const ADOPTION: SignedDuration = SignedDuration::from_secs(60);

type Context = WorkflowContext<Flow>;

/// How a run ends.
pub(crate) enum Ended {
    /// The next run goes on.
    More,
    /// All is done, or an operator has stopped it.
    Done,
}

/// Round after round: learn what became of what was taken, take more, start it.
pub(crate) async fn work(ctx: &Context, part: &mut OperationPart) -> Result<Ended, Cause> {
    for round in 0..ROUNDS_A_RUN {
        if round > 0 && ctx.continue_as_new_suggested() {
            break;
        }
        let told = Flow::tell(ctx, "taking");
        let report = next_page(ctx, part, &told).await?;
        let stopping = ctx.state(|state| state.progress.stopping);
        if report.ended {
            return Ok(Ended::Done);
        }
        if report.counts.waiting > 0 {
            if start(ctx, part, &report).await? > 0 {
                part.idle = 0;
            } else if stopping && part.idle >= PATIENCE {
                return Ok(Ended::Done);
            } else {
                idle(ctx, part).await;
            }
        } else if report.exhausted || stopping {
            return Ok(Ended::Done);
        } else if told.paused {
            // The ledger knows it by now.
            Flow::tell(ctx, "paused");
            // A workflow that is cancelled meanwhile fails with its next step.
            let _cancelled = ctx
                .wait_condition(|state| !state.progress.paused || state.progress.stopping)
                .await;
        }
    }
    Ok(Ended::More)
}

async fn next_page(
    ctx: &Context,
    part: &mut OperationPart,
    told: &OperationProgress,
) -> Result<OperationReport, Cause> {
    let next = NextPage {
        id: part.id.clone(),
        page: part.next_page,
        takes: !told.paused && !told.stopping,
        paused: told.paused,
    };
    let opts = options::operation_work();
    let report = ctx
        .execute_activity(Reprocessing::next_page, next, opts)
        .await?;
    part.next_page = report.pages;
    ctx.state_mut(|state| state.progress.learn(&report));
    Ok(report)
}

/// Starts what waits, in chunks that go on at the same time. Returns how many orders they claimed.
async fn start(
    ctx: &Context,
    part: &mut OperationPart,
    report: &OperationReport,
) -> Result<u64, Cause> {
    let told = Flow::tell(ctx, "starting");
    let chunks = report
        .counts
        .waiting
        .div_ceil(report.chunk_size.max(1).into());
    let mut window = Window::new();
    let chunks = chunks.min(WIDEST);
    for _ in 0..chunks {
        let chunk = next_chunk(part, report.chunk_size, told.per_second, now(ctx));
        let opts = options::operation_chunk();
        window.push(ctx.execute_activity(Reprocessing::process_chunk, chunk, opts));
    }
    let (mut claimed, mut failure) = (0, None);
    for _ in 0..chunks {
        match window.next().await {
            Ok(report) => claimed += u64::from(report.claimed),
            Err(error) => failure = Some(Cause::from(error)),
        }
    }
    failure.map_or(Ok(claimed), Err)
}

/// Nothing can be started now: starts are halted, or others have the orders. What earlier chunks have left claimed is
/// finished; then it waits a while, longer each time.
async fn idle(ctx: &Context, part: &mut OperationPart) {
    Flow::tell(ctx, "waiting");
    let ends_at = now(ctx) + ADOPTION;
    let phase = Phase {
        batch: part.batch.clone(),
        ends_at,
    };
    let opts = options::phase(now(ctx), ends_at);
    // What is not finished now is tried again in the next round.
    let _unfinished = ctx
        .execute_activity(Reprocessing::adopt_claims, phase, opts)
        .await;
    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(part.idle));
    part.idle += 1;
    let mut pause = Box::pin(ctx.timer(pause.min(LONGEST_PAUSE))).fuse();
    let was_stopping = ctx.state(|state| state.progress.stopping);
    let stops = move |state: &Flow| state.progress.stopping && !was_stopping;
    let mut stopped = Box::pin(ctx.wait_condition(stops)).fuse();
    select_biased! {
        _ = stopped => {}
        _ = pause => {}
    }
}

fn next_chunk(
    part: &mut OperationPart,
    limit: u32,
    per_second: Option<f64>,
    now: Timestamp,
) -> Chunk {
    let chunk = part.next_chunk;
    part.next_chunk += 1;
    Chunk {
        batch: part.batch.clone(),
        chunk,
        limit,
        due_by: now,
        stops_at: now + SignedDuration::try_from(options::OPERATION_CHUNK).unwrap_or_default(),
        rules: BatchRules::default(),
        only: None,
        operation: Some(ForOperation {
            id: part.id.clone(),
            per_second,
        }),
    }
}
