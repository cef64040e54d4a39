//! Running a batch by hand, and waiting for its result.

use jiff::{SignedDuration, Timestamp};
use redrive_core::decide::BatchRules;
use redrive_core::ids::WorkflowId;
use redrive_core::report::{BatchStatus, ReprocessingResult};
use redrive_flows::batch::BatchRun;
use redrive_flows::input::{BatchInput, OrchestrationInput};
use redrive_flows::{ReprocessingBatchWorkflow, ReprocessingOrchestrationWorkflow, options};
use redrive_ledger::BatchRow;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowStartError};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};

use super::{Ops, OpsError, Result};
use crate::gateway::{GatewayError, twice_or_done};

/// How many more names are tried for a batch whose name is taken: each is one of 65,536 of its second.
const NAMES: u32 = 3;

/// What to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// Handle at most so many orders; `None`: all that are due.
    pub max_orders: Option<u32>,
    /// Only orders of these failure statuses, whatever the policy says of them; empty: the policy's.
    pub failure_statuses: Vec<String>,
    /// Only this order; nothing is scanned or settled for it.
    pub order: Option<WorkflowId>,
}

impl RunRequest {
    /// A batch for one order alone.
    pub fn for_order(order: WorkflowId) -> Self {
        Self {
            order: Some(order),
            ..Self::default()
        }
    }

    /// What the batch is told beside the policy.
    pub fn rules(&self) -> BatchRules {
        BatchRules {
            failure_statuses: self.failure_statuses.clone(),
            max_retries: None,
        }
    }

    /// Whether it is run by an orchestration of its own: the batch's workflow takes neither statuses nor an order.
    fn is_particular(&self) -> bool {
        self.order.is_some() || !self.failure_statuses.is_empty()
    }
}

/// Whether the batch can be running now: its row says so, and the server has not ended it for its time. Where all workers
/// died in the middle of it, the row says so until another batch looks at it.
pub fn may_run(batch: &BatchRow, now: Timestamp) -> bool {
    let longest = SignedDuration::try_from(options::EXECUTION_TIMEOUT);
    let longest = longest.unwrap_or(SignedDuration::MAX);
    batch.status == BatchStatus::Running && now.duration_since(batch.started_at) <= longest
}

/// A batch that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its workflow id.
    pub workflow_id: String,
    /// Its first run: the batch's id.
    pub batch_id: String,
    /// The workflow id of its orchestration: its child, or itself.
    pub orchestration_id: String,
}

impl Ops {
    /// Starts a batch, as the schedule does. It runs beside one that is running already: no order is handled by both.
    pub async fn start_batch(&self, request: &RunRequest) -> Result<Running> {
        let mut workflow_id = self.batch_workflow_id();
        let mut run = self.start_as(&workflow_id, request).await;
        // Another of the same second has taken the name.
        for _ in 0..NAMES {
            let Err(WorkflowStartError::AlreadyStarted { .. }) = run else {
                break;
            };
            workflow_id = self.batch_workflow_id();
            run = self.start_as(&workflow_id, request).await;
        }
        let run = run.map_err(|error| not_started(&workflow_id, &error))?;
        let orchestration_id = if request.is_particular() {
            workflow_id.clone()
        } else {
            redrive_flows::batch::orchestration_id(&workflow_id)
        };
        Ok(Running {
            workflow_id,
            batch_id: run.unwrap_or_default(),
            orchestration_id,
        })
    }

    /// Starts it under that workflow id. Returns its first run.
    async fn start_as(
        &self,
        workflow_id: &str,
        request: &RunRequest,
    ) -> std::result::Result<Option<String>, WorkflowStartError> {
        let start = || self.try_to_start_as(workflow_id, request);
        twice_or_done(start, |again| match again {
            Err(WorkflowStartError::AlreadyStarted { run_id, .. }) => Ok(run_id),
            again => again,
        })
        .await
    }

    async fn try_to_start_as(
        &self,
        workflow_id: &str,
        request: &RunRequest,
    ) -> std::result::Result<Option<String>, WorkflowStartError> {
        let options = self.start_options(workflow_id);
        if request.is_particular() {
            let input = OrchestrationInput {
                rules: request.rules(),
                max_orders: request.max_orders,
                order: request.order.clone(),
                ..Default::default()
            };
            let workflow = ReprocessingOrchestrationWorkflow::run;
            let handle = self.client.start_workflow(workflow, input, options).await;
            handle.map(|handle| handle.run_id().map(str::to_owned))
        } else {
            let input = BatchInput {
                max_orders: request.max_orders,
                refused: None,
            };
            let workflow = ReprocessingBatchWorkflow::run;
            let handle = self.client.start_workflow(workflow, input, options).await;
            handle.map(|handle| handle.run_id().map(str::to_owned))
        }
    }

    /// Waits for a batch to end.
    pub async fn await_batch(&self, running: &Running) -> Result<ReprocessingResult> {
        let handle = self
            .client
            .get_workflow_handle::<BatchRun>(&running.workflow_id);
        let result = handle.get_result(WorkflowGetResultOptions::default()).await;
        result.map_err(|error| ended_badly(&running.workflow_id, &error))
    }

    /// A workflow id of its own for a batch run by hand (spec: `reprocessing-batch-<time>`).
    fn batch_workflow_id(&self) -> String {
        let moment = self.engine.clock.moment();
        format!(
            "{}-{}-{:04x}",
            redrive_flows::ACTION_ID,
            moment.now.as_second(),
            moment.seed & 0xffff
        )
    }

    fn start_options(&self, workflow_id: &str) -> WorkflowStartOptions {
        WorkflowStartOptions::new(
            self.engine.settings.task_queue.clone(),
            workflow_id.to_owned(),
        )
        .execution_timeout(options::EXECUTION_TIMEOUT)
        .build()
    }
}

pub(super) fn batch_error(workflow_id: &str, what: String) -> OpsError {
    OpsError::Batch {
        workflow_id: workflow_id.to_owned(),
        what,
    }
}

pub(super) fn not_started(workflow_id: &str, error: &WorkflowStartError) -> OpsError {
    match error {
        WorkflowStartError::Rpc(status) => OpsError::NotStarted {
            workflow_id: workflow_id.to_owned(),
            error: GatewayError::from_status(status),
        },
        other => batch_error(workflow_id, format!("could not be started: {other}")),
    }
}

fn ended_badly(workflow_id: &str, error: &WorkflowGetResultError) -> OpsError {
    let what = match error {
        // Nobody can tell: it goes on by itself.
        WorkflowGetResultError::Rpc(status) => return GatewayError::from_status(status).into(),
        WorkflowGetResultError::Terminated { .. } => {
            "was terminated; the next one finishes what it began".to_owned()
        }
        WorkflowGetResultError::Cancelled { .. } => {
            "was cancelled; the next one finishes what it began".to_owned()
        }
        WorkflowGetResultError::TimedOut => {
            "ran into its timeout; the next one finishes what it began".to_owned()
        }
        other => format!("did not end well: {}", deepest(other)),
    };
    batch_error(workflow_id, what)
}

/// The deepest cause says what to mend; the wrappers only where it passed.
fn deepest(error: &dyn std::error::Error) -> &dyn std::error::Error {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
