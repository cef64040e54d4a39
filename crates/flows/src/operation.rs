//! `DeadLetterOperationWorkflow`: starts many dead letters again, a page at a time, as a batch of its own. It has no deadline:
//! it runs until every entry is dealt with, or an operator stops it.
#![expect(missing_docs, reason = "the SDK's macros make items of their own")]

use jiff::Timestamp;
use redrive_core::ids::{BatchId, OperationId};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    ContinueAsNewOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
};

use crate::activities::{BeginOperation, FinishOperation, Reprocessing};
use crate::batch::timestamp;
use crate::failure::{Cause, refuse};
use crate::operation_input::{OperationInput, OperationPart, OperationProgress};
use crate::options;
use crate::rounds::{self, Ended};

/// The operation's run, by which a client asks how far it is.
pub use dead_letter_operation_workflow::Run as OperationRun;

/// What the workflow ids of operations begin with.
const PREFIX: &str = "dead-letters-";

/// The workflow id of an operation.
pub fn operation_workflow_id(id: &OperationId) -> String {
    format!("{PREFIX}{id}")
}

/// The operation that a workflow of that id runs, if it is one's.
pub fn operation_of(workflow_id: &str) -> Option<OperationId> {
    workflow_id.strip_prefix(PREFIX).map(OperationId::from)
}

/// The operation.
#[workflow]
pub struct DeadLetterOperationWorkflow {
    input: OperationInput,
    pub(crate) progress: OperationProgress,
}

#[workflow_methods]
impl DeadLetterOperationWorkflow {
    /// Keeps the input. What an earlier run has done and was told goes on.
    #[init]
    fn new(_: &WorkflowContextView, input: OperationInput) -> Self {
        let so_far = input.part.as_ref().map(|part| part.so_far.clone());
        Self {
            input,
            progress: OperationProgress {
                phase: "beginning".into(),
                ..so_far.unwrap_or_default()
            },
        }
    }

    /// The steps of an operation.
    #[run(name = "DeadLetterOperationWorkflow")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<OperationProgress> {
        let input = ctx.state(|state| state.input.clone());
        let (Some(id), None) = (&input.operation, &input.refused) else {
            return Err(refuse(&input.refused.unwrap_or_default()));
        };
        let mut part = match input.part.clone() {
            Some(part) => part,
            None => match Self::begin(ctx, id).await? {
                Some(part) => part,
                None => return Ok(Self::tell(ctx, "ended")),
            },
        };
        let error = match rounds::work(ctx, &mut part).await {
            Ok(Ended::More) => {
                part.so_far = ctx.state(|state| state.progress.clone());
                let next = OperationInput {
                    part: Some(part),
                    ..input
                };
                match ctx.continue_as_new(next, ContinueAsNewOptions::default())? {}
            }
            Ok(Ended::Done) => None,
            Err(cause) => Some(cause),
        };
        Self::finish(ctx, &part, error).await
    }

    /// Takes no more until `resume`; what it has taken is finished.
    #[signal]
    pub fn pause(&mut self, _: &mut SyncWorkflowContext<Self>) {
        self.progress.paused = true;
    }

    /// Goes on.
    #[signal]
    pub fn resume(&mut self, _: &mut SyncWorkflowContext<Self>) {
        self.progress.paused = false;
    }

    /// Ends early: what it has taken is finished, the rest stays in the queue.
    #[signal]
    pub fn stop(&mut self, _: &mut SyncWorkflowContext<Self>) {
        self.progress.stopping = true;
    }

    /// How far it has come.
    #[query]
    pub fn progress(&self, _: &WorkflowContextView) -> OperationProgress {
        self.progress.clone()
    }
}

impl DeadLetterOperationWorkflow {
    /// Opens the batch; `None` where the operation has ended already.
    async fn begin(
        ctx: &WorkflowContext<Self>,
        id: &OperationId,
    ) -> WorkflowResult<Option<OperationPart>> {
        let batch = BatchId::from(ctx.info().first_execution_run_id());
        let begin = BeginOperation {
            id: id.clone(),
            batch: batch.clone(),
            workflow_id: ctx.workflow_id().to_owned(),
            started_at: now(ctx),
        };
        let opts = options::operation_work();
        let report = ctx
            .execute_activity(Reprocessing::begin_operation, begin, opts)
            .await?;
        ctx.state_mut(|state| {
            state.progress.operation_id = id.to_string();
            state.progress.batch_id = batch.to_string();
            state.progress.learn(&report);
        });
        Ok((!report.ended).then(|| OperationPart {
            id: id.clone(),
            batch,
            next_page: report.pages,
            next_chunk: 0,
            idle: 0,
            so_far: OperationProgress::default(),
        }))
    }

    /// Ends the operation and its batch's row. The error that ended the work fails the workflow, after both are kept.
    async fn finish(
        ctx: &WorkflowContext<Self>,
        part: &OperationPart,
        error: Option<Cause>,
    ) -> WorkflowResult<OperationProgress> {
        let told = Self::tell(ctx, "ending");
        let end = FinishOperation {
            id: part.id.clone(),
            batch: part.batch.clone(),
            stopped: told.stopping,
            error: error.as_ref().map(|cause| cause.sentence.clone()),
        };
        let opts = options::operation_work();
        let report = ctx
            .execute_activity(Reprocessing::finish_operation, end, opts)
            .await?;
        ctx.state_mut(|state| state.progress.learn(&report));
        match error {
            Some(cause) => Err(cause.ends()),
            None => Ok(Self::tell(ctx, "ended")),
        }
    }

    /// Enters a phase, and tells how far it is.
    pub(crate) fn tell(ctx: &WorkflowContext<Self>, phase: &str) -> OperationProgress {
        ctx.state_mut(|state| {
            phase.clone_into(&mut state.progress.phase);
            state.progress.clone()
        })
    }
}

pub(crate) fn now(ctx: &WorkflowContext<DeadLetterOperationWorkflow>) -> Timestamp {
    timestamp(ctx.workflow_time())
}
