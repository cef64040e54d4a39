//! A batch that is stopped, or whose time is over, while chunks of it wait for a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redrive_core::states::State;
use redrive_engine::gateway::GatewayError;
use redrive_engine::run_worker;
use redrive_fulfillment::testbed::eventually;
use serde_json::json;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::{
    EventType, PendingActivityState, TaskQueueType,
};
use temporalio_common::protos::temporal::api::taskqueue::v1::RateLimit;
use temporalio_common::protos::temporal::api::workflow::v1::PendingActivityInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, UpdateTaskQueueConfigRequest,
    update_task_queue_config_request::RateLimitUpdate,
};
use tonic::Request;

use crate::batches::{failing, in_state};
use crate::hooks::{Call, Fate, Hooked};
use crate::workflows::{self, result, start};
use crate::world::{World, policy};

/// So many chunks a second the server hands out to workers; without it as many as there are.
async fn hands_out(world: &World, per_second: Option<f32>) {
    let request = UpdateTaskQueueConfigRequest {
        namespace: world.bed.namespace.clone(),
        task_queue: redrive_flows::chunk_queue(redrive_flows::TASK_QUEUE),
        task_queue_type: TaskQueueType::Activity as i32,
        update_queue_rate_limit: Some(RateLimitUpdate {
            rate_limit: per_second.map(|requests_per_second| RateLimit {
                requests_per_second,
            }),
            reason: "a test".into(),
        }),
        ..Default::default()
    };
    let mut service = world.bed.service();
    let updated = service.update_task_queue_config(Request::new(request));
    updated.await.unwrap();
}

/// The activities that a workflow waits for.
async fn pending(world: &World, workflow_id: &str) -> Vec<PendingActivityInfo> {
    let request = DescribeWorkflowExecutionRequest {
        namespace: world.bed.namespace.clone(),
        execution: Some(WorkflowExecution {
            workflow_id: workflow_id.into(),
            ..Default::default()
        }),
    };
    let mut service = world.bed.service();
    let described = service.describe_workflow_execution(Request::new(request));
    described.await.unwrap().into_inner().pending_activities
}

fn kind(activity: &PendingActivityInfo) -> String {
    activity.activity_type.clone().unwrap_or_default().name
}

#[tokio::test]
async fn chunks_that_no_worker_has_begun_do_not_fail_it() {
    let world = World::new("stopped").await;
    failing(&world, 20).await;
    let (full, asked) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicBool::new(false)),
    );
    let hook = {
        let (full, asked) = (Arc::clone(&full), Arc::clone(&asked));
        move |call| match call {
            Call::Start if full.load(Ordering::SeqCst) => {
                asked.store(true, Ordering::SeqCst);
                Fate::Fails(GatewayError::Throttle("too much to do".into()))
            }
            _ => Fate::Passes,
        }
    };
    let hooked = Hooked::new(world.gateway.clone(), hook);
    let engine = world.engine_with(hooked, policy()).await;
    let worker = run_worker(engine, world.bed.client.clone()).await.unwrap();
    let input = json!({"batchSize": 2});
    let started = start(
        &world.bed,
        redrive_flows::ORCHESTRATION_WORKFLOW,
        "stopped-1",
        Some(input),
    )
    .await;
    eventually("the first chunk to be at work", || async {
        asked.load(Ordering::SeqCst).then_some(())
    })
    .await;
    hands_out(&world, Some(0.0)).await;
    full.store(false, Ordering::SeqCst);

    let chunk = eventually(
        "chunks that wait for a worker, and none at work",
        || async {
            let waiting = pending(&world, "stopped-1").await;
            let waits = |one: &PendingActivityInfo| {
                one.state == PendingActivityState::Scheduled as i32 && one.attempt == 1
            };
            let all = !waiting.is_empty() && waiting.iter().all(waits);
            (all && in_state(&world, State::Claimed).await == 0).then(|| kind(&waiting[0]))
        },
    )
    .await;
    workflows::signal(&world.bed, "stopped-1", "stop").await;
    eventually("the batch to go on to its end", || async {
        let waiting = pending(&world, "stopped-1").await;
        (!waiting.iter().any(|one| kind(one) == chunk)).then_some(())
    })
    .await;
    hands_out(&world, None).await;
    let result = result(&world.bed, &started).await.unwrap();
    assert_eq!(result["truncated"], json!(true), "{result}");
    let restarted = in_state(&world, State::InFlight).await;
    assert_eq!(result["restartedCount"], json!(restarted), "{result}");
    assert!(restarted < 20, "work is left: {result}");
    worker.stop().await.unwrap();
}

/// Whether the server says of a batch's chunk that no worker took it.
async fn a_chunk_ran_out_of_time(world: &World, batch: &str) -> bool {
    let child = redrive_flows::batch::orchestration_id(batch);
    let events = workflows::history(&world.bed, &child, "").await;
    events
        .iter()
        .any(|event| event.event_type() == EventType::ActivityTaskTimedOut)
}

#[tokio::test]
async fn chunks_that_no_worker_begins_in_time_do_not_fail_it() {
    // It takes no more orders after eight seconds: time enough for what comes before the first chunk.
    let world = World::ticking("no-room", policy(), Duration::from_secs(10)).await;
    failing(&world, 3).await;
    hands_out(&world, Some(0.0)).await;
    let worker = world.worker().await;
    let started = start(&world.bed, redrive_flows::BATCH_WORKFLOW, "batch-1", None).await;
    let told = result(&world.bed, &started).await.unwrap();
    assert_eq!(told["truncated"], json!(true), "{told}");
    assert_eq!(told["foundCount"], json!(0), "{told}");
    assert!(a_chunk_ran_out_of_time(&world, "batch-1").await);
    assert_eq!(in_state(&world, State::Failed).await, 3);
    hands_out(&world, None).await;
    let next = start(&world.bed, redrive_flows::BATCH_WORKFLOW, "batch-2", None).await;
    let next = result(&world.bed, &next).await.unwrap();
    assert_eq!(next["restartedCount"], json!(3), "{next}");
    worker.stop().await.unwrap();
}
