//! An operator's hand: what a person does to a workflow through Temporal itself, past Redrive.

use anyhow::{Context, bail};
use redrive_core::decide::Latest;
use redrive_engine::ops::Ops;
use redrive_fulfillment::{FaultPlan, PlannedOrder, StartOptions, starter};
use temporalio_client::grpc::WorkflowService;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    RequestCancelWorkflowExecutionRequest, ResetWorkflowExecutionRequest,
    TerminateWorkflowExecutionRequest,
};
use tonic::{Code, Request, Status};
use uuid::Uuid;

/// What the operator is called, and why it does what it does.
const OPERATOR: &str = "chaos-operator";
const REASON: &str = "chaos";

/// The event of a puppet's run that its only workflow task completed with: what a reset goes back to.
const TASK_COMPLETED: i64 = 4;

/// A hand over a namespace.
#[derive(Clone, Copy)]
pub(crate) struct Hand<'a>(pub &'a Ops);

/// What came of a grip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grip {
    /// Done.
    Done,
    /// The workflow has moved on meanwhile.
    TooLate,
}

impl Hand<'_> {
    /// An order's latest run.
    pub async fn latest(self, workflow_id: &str) -> anyhow::Result<Option<Latest>> {
        let gateway = &self.0.engine.gateway;
        Ok(gateway.describe(&workflow_id.into(), None).await?)
    }

    /// Starts an order as the order service does.
    pub async fn start(self, plan: &FaultPlan, order: &PlannedOrder) -> anyhow::Result<Grip> {
        let client = &self.0.client;
        let mut request = starter::request(client, plan, order, &StartOptions::default());
        request.request_id = Uuid::new_v4().to_string();
        let started = self
            .service()
            .start_workflow_execution(Request::new(request))
            .await;
        grip(started, &[Code::AlreadyExists])
    }

    /// Terminates that run, or the latest if it is empty.
    pub async fn terminate(self, workflow_id: &str, run_id: &str) -> anyhow::Result<Grip> {
        let request = TerminateWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_execution: Some(execution(workflow_id, run_id)),
            reason: REASON.to_owned(),
            identity: OPERATOR.to_owned(),
            ..Default::default()
        };
        let done = self
            .service()
            .terminate_workflow_execution(Request::new(request))
            .await;
        grip(done, &[Code::NotFound])
    }

    /// Asks that run to cancel.
    pub async fn cancel(self, workflow_id: &str, run_id: &str) -> anyhow::Result<Grip> {
        let request = RequestCancelWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_execution: Some(execution(workflow_id, run_id)),
            reason: REASON.to_owned(),
            identity: OPERATOR.to_owned(),
            ..Default::default()
        };
        let done = self
            .service()
            .request_cancel_workflow_execution(Request::new(request))
            .await;
        grip(done, &[Code::NotFound])
    }

    /// Resets that run to its beginning.
    pub async fn reset(self, workflow_id: &str, run_id: &str) -> anyhow::Result<Grip> {
        let request = ResetWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_execution: Some(execution(workflow_id, run_id)),
            reason: REASON.to_owned(),
            workflow_task_finish_event_id: TASK_COMPLETED,
            request_id: Uuid::new_v4().to_string(),
            ..Default::default()
        };
        let done = self
            .service()
            .reset_workflow_execution(Request::new(request))
            .await;
        // Its first task may not be answered yet.
        grip(done, &[Code::NotFound, Code::InvalidArgument])
    }

    fn service(self) -> Box<dyn WorkflowService> {
        self.0.client.connection().workflow_service()
    }

    fn namespace(self) -> String {
        self.0.client.options().namespace.clone()
    }
}

fn execution(workflow_id: &str, run_id: &str) -> WorkflowExecution {
    WorkflowExecution {
        workflow_id: workflow_id.to_owned(),
        run_id: run_id.to_owned(),
    }
}

fn grip<T>(done: Result<T, Status>, too_late: &[Code]) -> anyhow::Result<Grip> {
    match done {
        Ok(_) => Ok(Grip::Done),
        Err(status) if too_late.contains(&status.code()) => Ok(Grip::TooLate),
        Err(status) if status.message().is_empty() => bail!("{status}"),
        Err(status) => Err(status).context("Temporal refuses an operator"),
    }
}
