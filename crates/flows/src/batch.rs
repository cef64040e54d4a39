//! `ReprocessingBatchWorkflow`: what the schedule starts. It opens the batch, runs the orchestration as its child and
//! returns the result; where the child fails it keeps the row with what was done, and fails.
#![expect(missing_docs, reason = "the SDK's macros make items of their own")]

use std::time::{Duration, SystemTime};

use futures::{FutureExt, select_biased};
use jiff::Timestamp;
use redrive_core::ids::BatchId;
use redrive_core::report::ReprocessingResult;
use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    SignalWorkflowOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView,
    WorkflowResult,
};

use crate::activities::{FinishBatch, OpenBatch, Reprocessing};
use crate::deadline::Deadline;
use crate::failure::{Cause, refuse};
use crate::input::{BatchInput, OrchestrationInput, PartOf};
use crate::options;
use crate::orchestration::{Progress, ReprocessingOrchestrationWorkflow};
use crate::telling::{Control, Report, Told};

/// The batch's run, by which a client follows it.
pub use reprocessing_batch_workflow::Run as BatchRun;

/// The workflow id of a batch's child.
pub fn orchestration_id(batch: &str) -> String {
    format!("{batch}-orchestration")
}

/// The batch.
#[workflow]
pub struct ReprocessingBatchWorkflow {
    input: BatchInput,
    told: Told,
    orchestration_id: String,
}

/// How far a batch has come: the answer of its query `progress`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BatchProgress {
    /// As its orchestration told last, a few chunks ago at most; with what operators told the batch since.
    #[serde(flatten)]
    pub progress: Progress,
    /// The workflow id of its orchestration, whose own `progress` is exact.
    pub orchestration_id: String,
}

#[workflow_methods]
impl ReprocessingBatchWorkflow {
    /// Keeps the input: the run reads it from the state.
    #[init]
    fn new(ctx: &WorkflowContextView, input: BatchInput) -> Self {
        Self {
            input,
            told: Told::default(),
            orchestration_id: orchestration_id(ctx.workflow_id()),
        }
    }

    /// The steps of a batch.
    #[run(name = "ReprocessingBatchWorkflow")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<ReprocessingResult> {
        let input = ctx.state(|state| state.input.clone());
        if let Some(refused) = &input.refused {
            return Err(refuse(refused));
        }
        let part = open(ctx, None, false).await?;
        let batch = part.batch.clone();
        match Self::orchestrate(ctx, &input, part).await {
            Ok(result) => Ok(result),
            Err(cause) => {
                let end = FinishBatch {
                    batch,
                    scan_failed: false,
                    settle_failed: false,
                    truncated: true,
                    error: Some(cause.sentence.clone()),
                };
                ctx.execute_activity(Reprocessing::finish_batch, end, options::recording())
                    .await?;
                Err(cause.ends())
            }
        }
    }

    /// Stops claiming until `resume`; the deadline stays.
    #[signal]
    pub fn pause(&mut self, _: &mut SyncWorkflowContext<Self>) {
        self.told.hear(Control::Pause);
    }

    /// Goes on.
    #[signal]
    pub fn resume(&mut self, _: &mut SyncWorkflowContext<Self>) {
        self.told.hear(Control::Resume);
    }

    /// Ends early; the result is recorded.
    #[signal]
    pub fn stop(&mut self, _: &mut SyncWorkflowContext<Self>) {
        self.told.hear(Control::Stop);
    }

    /// Its orchestration tells how far it has come.
    #[signal]
    pub fn orchestration_report(&mut self, _: &mut SyncWorkflowContext<Self>, report: Report) {
        self.told.report(report);
    }

    /// How far it has come.
    #[query]
    pub fn progress(&self, _: &WorkflowContextView) -> BatchProgress {
        BatchProgress {
            progress: self.told.progress(),
            orchestration_id: self.orchestration_id.clone(),
        }
    }
}

impl ReprocessingBatchWorkflow {
    /// Runs the child to its end and hands on to it what operators say meanwhile.
    async fn orchestrate(
        ctx: &WorkflowContext<Self>,
        input: &BatchInput,
        part: PartOf,
    ) -> Result<ReprocessingResult, Cause> {
        let child_id = orchestration_id(ctx.workflow_id());
        let left = part.deadline.left(timestamp(ctx.workflow_time()));
        let input = OrchestrationInput {
            max_orders: input.max_orders,
            part_of: Some(part),
            ..Default::default()
        };
        let child = ctx
            .start_child_workflow(
                ReprocessingOrchestrationWorkflow::run,
                input,
                options::child(child_id.clone(), left),
            )
            .await?;
        let mut result = Box::pin(child.result()).fuse();
        loop {
            let mut told =
                Box::pin(ctx.wait_condition(|state| !state.told.to_hand_on.is_empty())).fuse();
            let heard = select_biased! {
                done = result => return Ok(done?),
                heard = told => heard,
            };
            drop(told);
            if heard.is_err() {
                // It is cancelled, and with it its child, which gives back what it has not touched and records the rest.
                return Ok(result.await?);
            }
            Self::hand_on(ctx, &child_id).await;
        }
    }

    /// A child that has just ended cannot be told any more: that is no error.
    async fn hand_on(ctx: &WorkflowContext<Self>, child_id: &str) {
        type Child = ReprocessingOrchestrationWorkflow;
        let child = ctx.external_workflow(child_id.to_owned(), None);
        for control in ctx.state_mut(|state| std::mem::take(&mut state.told.to_hand_on)) {
            let opts = SignalWorkflowOptions::default();
            let _ended = match control {
                Control::Pause => child.signal(Child::pause, (), opts).await,
                Control::Resume => child.signal(Child::resume, (), opts).await,
                Control::Stop => child.signal(Child::stop, (), opts).await,
            };
        }
    }
}

/// Opens the batch that a workflow is by itself, with chunks of so many orders, or of as many as the policy says.
pub(crate) async fn open<W>(
    ctx: &WorkflowContext<W>,
    batch_size: Option<u32>,
    one_order: bool,
) -> WorkflowResult<PartOf> {
    let (batch, timeout) = identity(&ctx.info());
    let started_at = timestamp(ctx.workflow_time());
    let opened = OpenBatch {
        batch: batch.clone(),
        workflow_id: ctx.workflow_id().to_owned(),
        started_at,
        one_order,
    };
    let plan = ctx
        .execute_activity(Reprocessing::open_batch, opened, options::ledger_work())
        .await?;
    let interval = Duration::from_secs(plan.interval_seconds);
    Ok(PartOf {
        batch,
        deadline: Deadline::of(started_at, timeout, interval),
        batch_size: batch_size.unwrap_or(plan.batch_size),
        due_by: None,
        next_chunk: 0,
        width: 0,
        scan_failed: false,
        settle_failed: false,
        unfinished: false,
        own: false,
        so_far: Progress::default(),
    })
}

/// The batch that a workflow is by itself (its first run id), and the time it may take.
fn identity(info: &WorkflowContextView) -> (BatchId, Duration) {
    let timeout = info
        .execution_timeout()
        .filter(|timeout| !timeout.is_zero());
    (
        BatchId::from(info.first_execution_run_id()),
        timeout.unwrap_or(options::EXECUTION_TIMEOUT),
    )
}

/// The workflow's time, which every activation carries.
pub(crate) fn timestamp(time: Option<SystemTime>) -> Timestamp {
    time.and_then(|time| Timestamp::try_from(time).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
