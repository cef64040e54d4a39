//! `ReprocessingOrchestrationWorkflow`: scan, settle, then chunks of orders in a sliding window until none is left.
//!
//! Started by a batch it is that batch's child; started directly it is a batch of its own. *Width* is how many chunks
//! go on at the same time; a chunk that claims fewer orders than it asked for was the last.
#![expect(missing_docs, reason = "the SDK's macros make items of their own")]

use std::time::Duration;

use futures::{FutureExt, select_biased};
use jiff::Timestamp;
use redrive_core::report::ReprocessingResult;
use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    ContinueAsNewOptions, SyncWorkflowContext, WorkflowCancellationToken, WorkflowContext,
    WorkflowContextView, WorkflowResult,
};

use crate::activities::{Chunk, ChunkReport, FinishBatch, OpenBatch, Phase, Reprocessing};
use crate::deadline::Deadline;
use crate::failure::{Cause, refuse};
use crate::input::{OrchestrationInput, PartOf};
use crate::options;
use crate::window::Window;

/// Chunks at the same time: enough to keep a server busy, few enough to stop quickly.
const WIDTH: usize = 8;
/// Chunks a run: far below the history limit even with retries; the server may suggest to continue earlier.
const CHUNKS_A_RUN: u32 = 50;
/// The largest chunk, whatever was asked for.
const LARGEST_CHUNK: u32 = redrive_core::policy::MAX_BATCH_SIZE;

/// How far an orchestration has come: the answer of its query `progress`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The batch.
    pub batch_id: String,
    /// What it is doing: `opening`, `adopting`, `scanning`, `settling`, `restarting`, `recording`.
    pub phase: String,
    /// Chunks begun.
    pub chunks_started: u32,
    /// Chunks ended.
    pub chunks_done: u32,
    /// Orders claimed by the chunks that ended.
    pub claimed: u64,
    /// Whether an operator paused it.
    pub paused: bool,
    /// Whether an operator stopped it.
    pub stopping: bool,
}

/// The orchestration.
#[workflow]
pub struct ReprocessingOrchestrationWorkflow {
    input: OrchestrationInput,
    progress: Progress,
}

/// What became of the chunks of one run.
#[derive(Debug, Default)]
struct Chunks {
    /// Work is left, and this batch will not do it.
    truncated: bool,
    /// Work is left, and the next run of this orchestration does it.
    more: bool,
    /// Orders that may still be claimed under `maxOrders`.
    orders_left: Option<u32>,
}

#[workflow_methods]
impl ReprocessingOrchestrationWorkflow {
    /// Keeps the input: the run reads it from the state.
    #[init]
    fn new(_: &WorkflowContextView, input: OrchestrationInput) -> Self {
        Self {
            input,
            progress: Progress {
                phase: "opening".into(),
                ..Progress::default()
            },
        }
    }

    /// The steps of an orchestration.
    #[run(name = "ReprocessingOrchestrationWorkflow")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<ReprocessingResult> {
        let input = ctx.state(|state| state.input.clone());
        if let Some(refused) = &input.refused {
            return Err(refuse(refused));
        }
        let mut part = match input.part_of.clone() {
            Some(part) => part,
            None => Self::open(ctx, &input).await?,
        };
        ctx.state_mut(|state| state.progress.batch_id = part.batch.to_string());
        let done = Self::work(ctx, &input, &mut part).await;
        let (chunks, error) = match done {
            Ok(chunks) => (chunks, None),
            Err(error) => (
                Chunks {
                    truncated: true,
                    ..Chunks::default()
                },
                Some(error),
            ),
        };
        if chunks.more {
            let next = Self::next_run(&input, &part, &chunks);
            ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
        }
        Self::record(ctx, &input, &part, chunks.truncated, error).await
    }

    /// Stops claiming until `resume`; the deadline stays.
    #[signal]
    pub fn pause(&mut self, _: &mut SyncWorkflowContext<Self>) {
        self.progress.paused = true;
    }

    /// Goes on.
    #[signal]
    pub fn resume(&mut self, _: &mut SyncWorkflowContext<Self>) {
        self.progress.paused = false;
    }

    /// Ends: chunks give back what they have not touched, and the result is recorded.
    #[signal]
    pub fn stop(&mut self, _: &mut SyncWorkflowContext<Self>) {
        self.progress.stopping = true;
    }

    /// How far it has come.
    #[query]
    pub fn progress(&self, _: &WorkflowContextView) -> Progress {
        self.progress.clone()
    }
}

impl ReprocessingOrchestrationWorkflow {
    /// Opens a batch of its own.
    async fn open(
        ctx: &WorkflowContext<Self>,
        input: &OrchestrationInput,
    ) -> WorkflowResult<PartOf> {
        let (batch, timeout) = crate::batch::identity(&ctx.info());
        let opened = OpenBatch {
            batch: batch.clone(),
            workflow_id: ctx.workflow_id().to_owned(),
            started_at: now(ctx),
        };
        let started_at = opened.started_at;
        let plan = ctx
            .execute_activity(Reprocessing::open_batch, opened, options::ledger_work())
            .await?;
        Ok(PartOf {
            batch,
            deadline: Deadline::of(
                started_at,
                timeout,
                Duration::from_secs(plan.interval_seconds),
            ),
            batch_size: input.batch_size.unwrap_or(plan.batch_size),
            due_by: None,
            next_chunk: 0,
            scan_failed: false,
            settle_failed: false,
        })
    }

    /// Adopt, scan and settle, once a batch; then chunks.
    async fn work(
        ctx: &WorkflowContext<Self>,
        input: &OrchestrationInput,
        part: &mut PartOf,
    ) -> Result<Chunks, Cause> {
        let due_by = match part.due_by {
            Some(due_by) => due_by,
            None => Self::prepare(ctx, input, part).await?,
        };
        part.due_by = Some(due_by);
        phase(ctx, "restarting");
        Self::chunks(ctx, input, part, due_by).await
    }

    /// What comes before the chunks. A scan or settle that fails is noted, and the batch goes on with what the ledger
    /// knows; claims of dead batches must be finished first, for they may hide starts.
    async fn prepare(
        ctx: &WorkflowContext<Self>,
        input: &OrchestrationInput,
        part: &mut PartOf,
    ) -> Result<Timestamp, Cause> {
        if input.order.is_some() {
            return Ok(now(ctx));
        }
        phase(ctx, "adopting");
        let (step, opts) = Self::phase_of(ctx, part);
        ctx.execute_activity(Reprocessing::adopt_claims, step, opts)
            .await?;
        phase(ctx, "scanning");
        let (step, opts) = Self::phase_of(ctx, part);
        let scanned = ctx
            .execute_activity(Reprocessing::scan_failures, step, opts)
            .await;
        part.scan_failed |= scanned.is_err();
        phase(ctx, "settling");
        let (step, opts) = Self::phase_of(ctx, part);
        let settled = ctx
            .execute_activity(Reprocessing::settle_attempts, step, opts)
            .await;
        part.settle_failed |= settled.is_err();
        Ok(settled.map_or_else(|_| now(ctx), |settled| settled.due_by))
    }

    fn phase_of(
        ctx: &WorkflowContext<Self>,
        part: &PartOf,
    ) -> (Phase, temporalio_workflow::ActivityOptions) {
        let ends_at = part.deadline.phase_ends_at(now(ctx));
        (
            Phase {
                batch: part.batch.clone(),
                ends_at,
            },
            options::phase(now(ctx), ends_at),
        )
    }

    /// The sliding window. It ends when a chunk found less than it asked for, `maxOrders` are handed out, the deadline or
    /// a stop came, or the run is long enough.
    async fn chunks(
        ctx: &WorkflowContext<Self>,
        input: &OrchestrationInput,
        part: &mut PartOf,
        due_by: Timestamp,
    ) -> Result<Chunks, Cause> {
        let mut window = Window::new();
        let mut out = Chunks {
            orders_left: input.max_orders,
            ..Chunks::default()
        };
        let (mut exhausted, mut begun, mut failed) = (false, 0, None);
        let stop = ctx.cancellation_token().child_token();
        loop {
            let (paused, stopping) =
                ctx.state(|state| (state.progress.paused, state.progress.stopping));
            let may_begin =
                !exhausted && failed.is_none() && !out.truncated && out.orders_left != Some(0);
            if may_begin && (stopping || !part.deadline.is_open(now(ctx))) {
                out.truncated = true;
                continue;
            }
            if may_begin
                && !paused
                && begun < CHUNKS_A_RUN
                && window.len() < WIDTH
                && !(begun > 0 && ctx.continue_as_new_suggested())
            {
                let chunk = Self::next_chunk(input, part, due_by, &mut out);
                let (limit, opts) = (
                    chunk.limit,
                    options::chunk(now(ctx), &part.deadline, stop.clone()),
                );
                let done = ctx.execute_activity(Reprocessing::process_chunk, chunk, opts);
                window.push(async move { (limit, done.await) });
                begun += 1;
                ctx.state_mut(|state| state.progress.chunks_started += 1);
                continue;
            }
            if window.len() == 0 {
                if may_begin && paused {
                    Self::until_resumed(ctx, &part.deadline).await;
                    continue;
                }
                out.more = may_begin;
                break;
            }
            match Self::first_of(ctx, &mut window, &stop).await {
                Some((limit, Ok(report))) => {
                    exhausted |= report.claimed < limit && report.stopped.is_none();
                    out.truncated |= report.stopped.is_some();
                    Self::count(ctx, &report);
                }
                Some((_, Err(error))) => failed = Some(Cause::from(error)),
                None => {}
            }
        }
        failed.map_or(Ok(out), Err)
    }

    /// The next chunk, and what it may claim under `maxOrders`.
    fn next_chunk(
        input: &OrchestrationInput,
        part: &mut PartOf,
        due_by: Timestamp,
        out: &mut Chunks,
    ) -> Chunk {
        let limit = part
            .batch_size
            .clamp(1, LARGEST_CHUNK)
            .min(out.orders_left.unwrap_or(u32::MAX));
        out.orders_left = out.orders_left.map(|left| left - limit);
        let chunk = part.next_chunk;
        part.next_chunk += 1;
        Chunk {
            batch: part.batch.clone(),
            chunk,
            limit,
            due_by,
            stops_at: part.deadline.stops_at,
            rules: input.rules.clone(),
            only: input.order.clone(),
        }
    }

    /// The first chunk to end. A `stop` that comes meanwhile cancels them all, once.
    async fn first_of<T>(
        ctx: &WorkflowContext<Self>,
        window: &mut Window<'_, T>,
        stop: &WorkflowCancellationToken,
    ) -> Option<T> {
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

    /// Waits for `resume`, `stop` or the deadline.
    async fn until_resumed(ctx: &WorkflowContext<Self>, deadline: &Deadline) {
        let left =
            Duration::try_from(deadline.stops_at.duration_since(now(ctx))).unwrap_or_default();
        let mut deadline = Box::pin(ctx.timer(left)).fuse();
        let mut resumed =
            Box::pin(ctx.wait_condition(|state| !state.progress.paused || state.progress.stopping))
                .fuse();
        select_biased! {
            _ = resumed => {}
            _ = deadline => {}
        }
    }

    fn count(ctx: &WorkflowContext<Self>, report: &ChunkReport) {
        ctx.state_mut(|state| {
            state.progress.chunks_done += 1;
            state.progress.claimed += u64::from(report.claimed);
        });
    }

    fn next_run(input: &OrchestrationInput, part: &PartOf, chunks: &Chunks) -> OrchestrationInput {
        OrchestrationInput {
            continuation_count: input.continuation_count + 1,
            max_orders: chunks.orders_left,
            part_of: Some(part.clone()),
            ..input.clone()
        }
    }

    /// Finishes the batch's row. The error that ended the work fails the workflow, after the row has been kept; the row
    /// of a child is kept open for its second attempt, and finished by the batch.
    async fn record(
        ctx: &WorkflowContext<Self>,
        input: &OrchestrationInput,
        part: &PartOf,
        truncated: bool,
        error: Option<Cause>,
    ) -> WorkflowResult<ReprocessingResult> {
        let is_child = ctx.info().parent().is_some();
        let error = match error {
            Some(cause) if is_child => return Err(cause.ends()),
            error => error,
        };
        phase(ctx, "recording");
        let end = FinishBatch {
            batch: part.batch.clone(),
            scan_failed: part.scan_failed,
            settle_failed: part.settle_failed,
            truncated,
            error: error.as_ref().map(|cause| cause.sentence.clone()),
        };
        let result = ctx
            .execute_activity(Reprocessing::finish_batch, end, options::ledger_work())
            .await?;
        match error {
            Some(cause) => Err(cause.ends()),
            None => Ok(match &input.accumulated_result {
                Some(earlier) => result.plus(earlier),
                None => result,
            }),
        }
    }
}

fn phase(ctx: &WorkflowContext<ReprocessingOrchestrationWorkflow>, name: &str) {
    ctx.state_mut(|state| name.clone_into(&mut state.progress.phase));
}

/// The workflow's time.
fn now(ctx: &WorkflowContext<ReprocessingOrchestrationWorkflow>) -> Timestamp {
    crate::batch::timestamp(ctx.workflow_time())
}
