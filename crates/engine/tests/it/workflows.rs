//! Our workflows as a foreign client sees them: started by name with JSON, their result or failure read back.

use redrive_fulfillment::testbed::{Testbed, eventually_within, json_input};
use serde_json::Value;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_common::protos::temporal::api::history::v1::{
    HistoryEvent, history_event::Attributes,
};
use temporalio_common::protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    GetWorkflowExecutionHistoryRequest, QueryWorkflowRequest, SignalWorkflowExecutionRequest,
    TerminateWorkflowExecutionRequest,
};
use tonic::Request;

/// A workflow that was started.
#[derive(Debug, Clone)]
pub struct Started {
    pub workflow_id: String,
    pub run_id: String,
}

/// Starts one of our workflows with that argument, or none.
pub async fn start(bed: &Testbed, kind: &str, workflow_id: &str, input: Option<Value>) -> Started {
    let mut request = bed.start_request(workflow_id, kind, redrive_flows::TASK_QUEUE);
    request.input = input.as_ref().map(json_input);
    Started {
        workflow_id: workflow_id.to_owned(),
        run_id: bed.start(request).await,
    }
}

/// Its result, or the sentence it failed with. Follows continue-as-new.
pub async fn result(bed: &Testbed, started: &Started) -> Result<Value, String> {
    let within = std::time::Duration::from_secs(180);
    eventually_within(
        within,
        &format!("{} to close", started.workflow_id),
        || async {
            match close_event(bed, &started.workflow_id).await? {
                Attributes::WorkflowExecutionCompletedEventAttributes(close) => {
                    let payload = close
                        .result
                        .unwrap_or_default()
                        .payloads
                        .pop()
                        .unwrap_or_default();
                    Some(Ok(serde_json::from_slice(&payload.data).unwrap()))
                }
                Attributes::WorkflowExecutionFailedEventAttributes(close) => {
                    Some(Err(close.failure.unwrap().message))
                }
                Attributes::WorkflowExecutionTerminatedEventAttributes(_) => {
                    Some(Err("terminated".into()))
                }
                Attributes::WorkflowExecutionTimedOutEventAttributes(_) => {
                    Some(Err("timed out".into()))
                }
                _ => None,
            }
        },
    )
    .await
}

/// Runs one of our workflows to its end.
pub async fn run(
    bed: &Testbed,
    kind: &str,
    workflow_id: &str,
    input: Option<Value>,
) -> Result<Value, String> {
    let started = start(bed, kind, workflow_id, input).await;
    result(bed, &started).await
}

async fn close_event(bed: &Testbed, workflow_id: &str) -> Option<Attributes> {
    let events = page(
        bed,
        workflow_id,
        "",
        HistoryEventFilterType::CloseEvent,
        Vec::new(),
    )
    .await
    .0;
    events.into_iter().next()?.attributes
}

/// Every event of a run.
pub async fn history(bed: &Testbed, workflow_id: &str, run_id: &str) -> Vec<HistoryEvent> {
    let (mut all, mut token) = (Vec::new(), Vec::new());
    loop {
        let (events, next) = page(
            bed,
            workflow_id,
            run_id,
            HistoryEventFilterType::AllEvent,
            token,
        )
        .await;
        all.extend(events);
        if next.is_empty() {
            return all;
        }
        token = next;
    }
}

async fn page(
    bed: &Testbed,
    workflow_id: &str,
    run_id: &str,
    filter: HistoryEventFilterType,
    next_page_token: Vec<u8>,
) -> (Vec<HistoryEvent>, Vec<u8>) {
    let request = GetWorkflowExecutionHistoryRequest {
        namespace: bed.namespace.clone(),
        execution: Some(WorkflowExecution {
            workflow_id: workflow_id.into(),
            run_id: run_id.into(),
        }),
        history_event_filter_type: filter as i32,
        next_page_token,
        ..Default::default()
    };
    let response = bed
        .service()
        .get_workflow_execution_history(Request::new(request))
        .await
        .unwrap()
        .into_inner();
    (
        response.history.unwrap_or_default().events,
        response.next_page_token,
    )
}

/// Sends a signal without arguments.
pub async fn signal(bed: &Testbed, workflow_id: &str, name: &str) {
    let request = SignalWorkflowExecutionRequest {
        namespace: bed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: workflow_id.into(),
            run_id: String::new(),
        }),
        signal_name: name.into(),
        ..Default::default()
    };
    bed.service()
        .signal_workflow_execution(Request::new(request))
        .await
        .unwrap();
}

/// Terminates the latest run.
pub async fn terminate(bed: &Testbed, workflow_id: &str) {
    let request = TerminateWorkflowExecutionRequest {
        namespace: bed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: workflow_id.into(),
            run_id: String::new(),
        }),
        ..Default::default()
    };
    bed.service()
        .terminate_workflow_execution(Request::new(request))
        .await
        .unwrap();
}

/// The answer to a query without arguments. A closed workflow answers too.
pub async fn query(bed: &Testbed, workflow_id: &str, name: &str) -> Value {
    let request = QueryWorkflowRequest {
        namespace: bed.namespace.clone(),
        execution: Some(WorkflowExecution {
            workflow_id: workflow_id.into(),
            run_id: String::new(),
        }),
        query: Some(WorkflowQuery {
            query_type: name.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = bed.service().query_workflow(Request::new(request)).await;
    let payloads = answer.unwrap().into_inner().query_result.unwrap().payloads;
    serde_json::from_slice(&payloads[0].data).unwrap()
}
