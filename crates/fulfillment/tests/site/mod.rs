//! A server namespace, a warehouse that follows a plan, and a worker: what the tests of orders stand on.

use jiff::Timestamp;
use redrive_fulfillment::{
    FaultPlan, FulfillmentWorker, PlannedOrder, StartOptions, TASK_QUEUE, Warehouse,
    starter::{self, start_orders},
    testbed::{Testbed, eventually},
};
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::{EventType, WorkflowExecutionStatus as Status},
    history::v1::{HistoryEvent, history_event::Attributes},
    query::v1::WorkflowQuery,
    workflowservice::v1::{GetWorkflowExecutionHistoryRequest, QueryWorkflowRequest},
};

/// A server namespace, a warehouse that follows a plan, and a worker.
pub struct Site {
    pub bed: Testbed,
    pub plan: FaultPlan,
    pub dir: tempfile::TempDir,
    pub warehouse: Warehouse,
    pub worker: FulfillmentWorker,
}

impl Site {
    pub async fn open(name: &str, plan: FaultPlan) -> Self {
        let bed = Testbed::connect(name).await;
        let dir = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::create(dir.path(), &plan, Timestamp::UNIX_EPOCH).unwrap();
        let worker = FulfillmentWorker::spawn(bed.client.clone(), TASK_QUEUE, dir.path())
            .await
            .unwrap();
        Self {
            bed,
            plan,
            dir,
            warehouse,
            worker,
        }
    }

    pub async fn start_all(&self) {
        let options = StartOptions::default();
        let started = start_orders(&self.bed.client, &self.plan, &options)
            .await
            .unwrap();
        assert_eq!(started.len(), self.plan.orders.len());
    }

    /// Starts an order anew, as a redrive would: the same request with another request id.
    pub async fn restart(&self, order: &PlannedOrder) {
        let options = StartOptions::default();
        let mut request = starter::request(&self.bed.client, &self.plan, order, &options);
        request.request_id = uuid::Uuid::new_v4().to_string();
        self.bed.start(request).await;
    }

    /// How the latest run of an order closed, once it has.
    pub async fn close(&self, order: &PlannedOrder) -> Status {
        let id = order.workflow_id();
        eventually(&format!("{id} to close"), || async {
            let run = self.bed.latest(&id).await?;
            (run.status() != Status::Running).then(|| run.status())
        })
        .await
    }

    /// How the chain of an order ended: a run that continued as new is not the end.
    pub async fn close_chain(&self, order: &PlannedOrder) -> Status {
        let id = order.workflow_id();
        eventually(&format!("the chain of {id} to end"), || async {
            let run = self.bed.latest(&id).await?;
            let ended = !matches!(run.status(), Status::Running | Status::ContinuedAsNew);
            ended.then(|| run.status())
        })
        .await
    }

    pub async fn history(&self, workflow_id: &str) -> Vec<HistoryEvent> {
        let request = GetWorkflowExecutionHistoryRequest {
            namespace: self.bed.namespace.clone(),
            execution: Some(latest(workflow_id)),
            ..Default::default()
        };
        let answer = self
            .bed
            .service()
            .get_workflow_execution_history(tonic::Request::new(request))
            .await
            .unwrap();
        answer.into_inner().history.unwrap().events
    }

    pub async fn status(&self, workflow_id: &str) -> serde_json::Value {
        let request = QueryWorkflowRequest {
            namespace: self.bed.namespace.clone(),
            execution: Some(latest(workflow_id)),
            query: Some(WorkflowQuery {
                query_type: "getStatus".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let answer = self
            .bed
            .service()
            .query_workflow(tonic::Request::new(request))
            .await
            .unwrap();
        let payloads = answer.into_inner().query_result.unwrap().payloads;
        serde_json::from_slice(&payloads[0].data).unwrap()
    }

    pub async fn shut(self) {
        self.worker.stop().await.unwrap();
    }
}

fn latest(workflow_id: &str) -> WorkflowExecution {
    WorkflowExecution {
        workflow_id: workflow_id.to_owned(),
        run_id: String::new(),
    }
}

pub fn failure_of(history: &[HistoryEvent]) -> (String, String) {
    let Some(Attributes::WorkflowExecutionFailedEventAttributes(failed)) =
        &history.last().unwrap().attributes
    else {
        panic!("the run did not fail: {:?}", history.last());
    };
    let failure = failed.failure.clone().unwrap();
    let r#type = failure.maybe_application_failure().unwrap().r#type.clone();
    (r#type, failure.message)
}

pub fn scheduled_activities(history: &[HistoryEvent]) -> Vec<String> {
    history
        .iter()
        .filter(|event| event.event_type() == EventType::ActivityTaskScheduled)
        .map(|event| match &event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => {
                scheduled.activity_type.clone().unwrap().name
            }
            other => panic!("not a scheduled activity: {other:?}"),
        })
        .collect()
}
