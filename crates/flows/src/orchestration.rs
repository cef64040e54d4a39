//! `ReprocessingOrchestrationWorkflow`: scan, settle, then chunks of orders in a sliding window until none is left.
//!
//! Started by a batch it is that batch's child; started directly it is a batch of its own.
#![expect(missing_docs, reason = "the SDK's macros make items of their own")]

use jiff::Timestamp;
use redrive_core::report::ReprocessingResult;
use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    ContinueAsNewOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
};

use crate::activities::{FailedPhases, FinishBatch, Phase, Reprocessing};
use crate::chunks::Processed;
use crate::failure::{Cause, refuse};
use crate::input::{OrchestrationInput, PartOf};
use crate::options;
use crate::telling::{self, Teller};

/// Histories that were recorded before failed phases were noted in the row replay without.
const FAILURES_NOTED: &str = "failed-phases-are-noted";

/// The orchestration's run, by which a client asks how far it is.
pub use reprocessing_orchestration_workflow::Run as OrchestrationRun;

/// How far an orchestration has come: the answer of its query `progress`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
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
    pub(crate) progress: Progress,
    pub(crate) teller: Teller,
}

#[workflow_methods]
impl ReprocessingOrchestrationWorkflow {
    /// Keeps the input: the run reads it from the state. What an earlier run has done and was told goes on.
    #[init]
    fn new(_: &WorkflowContextView, input: OrchestrationInput) -> Self {
        let so_far = input.part_of.as_ref().map(|part| part.so_far.clone());
        Self {
            input,
            progress: Progress {
                phase: "opening".into(),
                ..so_far.unwrap_or_default()
            },
            teller: Teller::default(),
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
            None => PartOf {
                own: true,
                ..crate::batch::open(ctx, input.batch_size, input.order.is_some()).await?
            },
        };
        ctx.state_mut(|state| state.progress.batch_id = part.batch.to_string());
        telling::begin(ctx, is_child(ctx, &part));
        let done = Self::work(ctx, &input, &mut part).await;
        let (truncated, error) = match done {
            Ok(processed) if processed.more => {
                part.so_far = ctx.state(|state| state.progress.clone());
                let next = Self::next_run(&input, &part, &processed);
                match ctx.continue_as_new(next, ContinueAsNewOptions::default())? {}
            }
            Ok(processed) => (processed.truncated, None),
            // The step was cancelled with the batch, which ends as one that is stopped.
            Err(_) if ctx.cancellation_token().is_cancelled() => (true, None),
            Err(cause) => (true, Some(cause)),
        };
        Self::record(ctx, &input, &part, truncated, error).await
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
    /// Adopt, scan and settle, once a batch; then chunks.
    async fn work(
        ctx: &WorkflowContext<Self>,
        input: &OrchestrationInput,
        part: &mut PartOf,
    ) -> Result<Processed, Cause> {
        let due_by = match part.due_by {
            Some(due_by) => due_by,
            None => Self::prepare(ctx, input, part).await?,
        };
        part.due_by = Some(due_by);
        phase(ctx, "restarting").await;
        crate::chunks::process(ctx, input, part, due_by).await
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
        phase(ctx, "adopting").await;
        let (step, opts) = Self::phase_of(ctx, part);
        ctx.execute_activity(Reprocessing::adopt_claims, step, opts)
            .await?;
        phase(ctx, "scanning").await;
        let (step, opts) = Self::phase_of(ctx, part);
        let scanned = ctx
            .execute_activity(Reprocessing::scan_failures, step, opts)
            .await;
        part.scan_failed |= scanned.is_err();
        phase(ctx, "settling").await;
        let (step, opts) = Self::phase_of(ctx, part);
        let settled = ctx
            .execute_activity(Reprocessing::settle_attempts, step, opts)
            .await;
        part.settle_failed |= settled.is_err();
        part.unfinished |= scanned.is_ok_and(|scanned| !scanned.complete)
            || settled.as_ref().is_ok_and(|settled| !settled.complete);
        if part.scan_failed || part.settle_failed {
            Self::note_failures(ctx, part).await;
        }
        Ok(settled.map_or_else(|_| now(ctx), |settled| settled.due_by))
    }

    /// Notes in the row which phases failed: a batch that fails, or is ended by others, does not come to tell it. Where
    /// the row cannot be written, what follows fails as well.
    async fn note_failures(ctx: &WorkflowContext<Self>, part: &PartOf) {
        if !ctx.patched(FAILURES_NOTED) {
            return;
        }
        let failed = FailedPhases {
            batch: part.batch.clone(),
            scan: part.scan_failed,
            settle: part.settle_failed,
        };
        let _unwritten = ctx
            .execute_activity(Reprocessing::note_failures, failed, options::ledger_work())
            .await;
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

    fn next_run(
        input: &OrchestrationInput,
        part: &PartOf,
        processed: &Processed,
    ) -> OrchestrationInput {
        OrchestrationInput {
            continuation_count: input.continuation_count + 1,
            max_orders: processed.orders_left,
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
        let error = match error {
            Some(cause) if is_child(ctx, part) => return Err(cause.ends()),
            error => error,
        };
        phase(ctx, "recording").await;
        let end = FinishBatch {
            batch: part.batch.clone(),
            scan_failed: part.scan_failed,
            settle_failed: part.settle_failed,
            truncated: truncated || part.unfinished,
            error: error.as_ref().map(|cause| cause.sentence.clone()),
        };
        let result = ctx
            .execute_activity(Reprocessing::finish_batch, end, options::recording())
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

async fn phase(ctx: &WorkflowContext<ReprocessingOrchestrationWorkflow>, name: &str) {
    ctx.state_mut(|state| name.clone_into(&mut state.progress.phase));
    telling::tell(ctx).await;
}

/// Whether it is the child of the batch that it works for. One that a foreign workflow started is a batch of its own.
fn is_child(ctx: &WorkflowContext<ReprocessingOrchestrationWorkflow>, part: &PartOf) -> bool {
    !part.own && ctx.info().parent().is_some()
}

/// The workflow's time.
fn now(ctx: &WorkflowContext<ReprocessingOrchestrationWorkflow>) -> Timestamp {
    crate::batch::timestamp(ctx.workflow_time())
}
