//! Starting the orders of a plan, as an order service does it.

use std::collections::HashMap;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use temporalio_client::{Client, grpc::WorkflowService};
use temporalio_common::protos::temporal::api::{
    common::v1::{Header, Memo, Payload, Payloads, RetryPolicy, WorkflowType},
    enums::v1::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    sdk::v1::UserMetadata,
    taskqueue::v1::TaskQueue,
    workflowservice::v1::StartWorkflowExecutionRequest,
};
use tonic::{Code, Request};
use uuid::Uuid;

use crate::{Class, FaultPlan, PlannedOrder, TASK_QUEUE, WORKFLOW_TYPE};

/// Wait of a workflow retry policy between two runs: a real one would take minutes, a demo has a few in all.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// How to start the orders of a plan.
#[derive(Debug, Clone)]
pub struct StartOptions {
    /// The task queue of the order workers.
    pub task_queue: String,
    /// The workflow type.
    pub workflow_type: String,
    /// Starts under way at a time.
    pub concurrency: usize,
}

impl Default for StartOptions {
    fn default() -> Self {
        Self {
            task_queue: TASK_QUEUE.to_owned(),
            workflow_type: WORKFLOW_TYPE.to_owned(),
            concurrency: 16,
        }
    }
}

/// One order that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its workflow id.
    pub workflow_id: String,
    /// Its first run.
    pub run_id: String,
}

/// An order that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("order {order_id} cannot be started")]
pub struct StartError {
    /// Which.
    pub order_id: String,
    /// The server's words.
    #[source]
    pub source: Box<tonic::Status>,
}

/// Starts every order of `plan` in the client's namespace, in no particular order.
///
/// An interrupted start can be repeated: an order whose first run is still its latest gives that run again, and one
/// that runs or has completed by another run is left out. Only an order that another run failed is started anew.
///
/// # Errors
/// With the first order that the server refuses for another reason; orders under way at that moment may be started.
pub async fn start_orders(
    client: &Client,
    plan: &FaultPlan,
    options: &StartOptions,
) -> Result<Vec<Started>, StartError> {
    stream::iter(&plan.orders)
        .map(|order| start(client, request(client, plan, order, options), order))
        .buffer_unordered(options.concurrency.max(1))
        .try_filter_map(|started| async { Ok(started) })
        .try_collect()
        .await
}

/// Through the connection, which tries again when the server is busy; the request id makes that harmless.
async fn start(
    client: &Client,
    request: StartWorkflowExecutionRequest,
    order: &PlannedOrder,
) -> Result<Option<Started>, StartError> {
    let mut connection = client.connection().clone();
    let started =
        WorkflowService::start_workflow_execution(&mut connection, Request::new(request)).await;
    match started {
        Ok(started) => Ok(Some(Started {
            workflow_id: order.workflow_id(),
            run_id: started.into_inner().run_id,
        })),
        Err(status) if status.code() == Code::AlreadyExists => Ok(None),
        Err(status) => Err(StartError {
            order_id: order.order_id.clone(),
            source: Box::new(status),
        }),
    }
}

/// The start request of `order`, with all that an order service puts into one.
#[must_use]
pub fn request(
    client: &Client,
    plan: &FaultPlan,
    order: &PlannedOrder,
    options: &StartOptions,
) -> StartWorkflowExecutionRequest {
    let workflow_id = order.workflow_id();
    StartWorkflowExecutionRequest {
        namespace: client.options().namespace.clone(),
        request_id: Uuid::new_v5(&Uuid::NAMESPACE_OID, workflow_id.as_bytes()).to_string(),
        workflow_type: Some(WorkflowType {
            name: options.workflow_type.clone(),
        }),
        task_queue: Some(TaskQueue {
            name: options.task_queue.clone(),
            ..Default::default()
        }),
        input: Some(Payloads {
            payloads: vec![json(&plan.input(order))],
        }),
        identity: "order-service".to_owned(),
        workflow_id_reuse_policy: WorkflowIdReusePolicy::AllowDuplicateFailedOnly as i32,
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::Fail as i32,
        workflow_run_timeout: run_timeout(&order.class).and_then(|time| time.try_into().ok()),
        retry_policy: retry_policy(&order.class),
        memo: Some(memo(order)),
        header: Some(header(&workflow_id)),
        user_metadata: Some(UserMetadata {
            summary: Some(json(&format!("Order {}", order.order_id))),
            details: None,
        }),
        workflow_id,
        ..Default::default()
    }
}

fn run_timeout(class: &Class) -> Option<Duration> {
    match class {
        Class::Slow { run_timeout_ms, .. } => Some(Duration::from_millis(*run_timeout_ms)),
        _ => None,
    }
}

fn retry_policy(class: &Class) -> Option<RetryPolicy> {
    let Class::RetryPolicy {
        maximum_attempts, ..
    } = class
    else {
        return None;
    };
    Some(RetryPolicy {
        initial_interval: RETRY_INTERVAL.try_into().ok(),
        backoff_coefficient: 1.0,
        maximum_attempts: i32::try_from(*maximum_attempts).unwrap_or(i32::MAX),
        ..Default::default()
    })
}

fn memo(order: &PlannedOrder) -> Memo {
    let fields = [("orderId", order.order_id.as_str()), ("source", "web-shop")];
    Memo {
        fields: fields
            .map(|(key, value)| (key.to_owned(), json(&value)))
            .into(),
    }
}

/// A trace of the shop's request, as interceptors carry it.
fn header(workflow_id: &str) -> Header {
    let trace = Uuid::new_v5(&Uuid::NAMESPACE_URL, workflow_id.as_bytes()).simple();
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    Header {
        fields: HashMap::from([("traceparent".to_owned(), json(&parent))]),
    }
}

/// A value as every Temporal SDK writes it by default.
fn json(value: &impl serde::Serialize) -> Payload {
    Payload {
        metadata: HashMap::from([("encoding".to_owned(), b"json/plain".to_vec())]),
        data: serde_json::to_vec(value).expect("plain data with string keys is always JSON"),
        ..Default::default()
    }
}
