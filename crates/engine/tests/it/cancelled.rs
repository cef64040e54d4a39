//! A batch that is cancelled, as in Temporal's own pages: it ends as one that is stopped, and the worker goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redrive_core::states::State;
use redrive_engine::gateway::GatewayError;
use redrive_engine::{RunningWorker, run_worker};
use redrive_fulfillment::testbed::eventually;
use serde_json::json;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::workflowservice::v1::RequestCancelWorkflowExecutionRequest;
use tonic::Request;

use crate::batches::{failing, in_state};
use crate::hooks::{Call, Fate, Hooked};
use crate::workflows::{self, Started, result, start};
use crate::world::{World, policy};

async fn cancel(world: &World, workflow_id: &str) {
    let request = RequestCancelWorkflowExecutionRequest {
        namespace: world.bed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: workflow_id.into(),
            ..Default::default()
        }),
        reason: "a test".into(),
        ..Default::default()
    };
    let mut service = world.bed.service();
    let asked = service.request_cancel_workflow_execution(Request::new(request));
    asked.await.unwrap();
}

/// A worker whose starts are throttled while `full`, and a batch of many small chunks that has come to them.
async fn at_work(world: &World, full: &Arc<AtomicBool>, kind: &str) -> (RunningWorker, Started) {
    failing(world, 20).await;
    let asked = Arc::new(AtomicBool::new(false));
    let hook = {
        let (full, asked) = (Arc::clone(full), Arc::clone(&asked));
        move |call| match call {
            Call::Start if full.load(Ordering::SeqCst) => {
                asked.store(true, Ordering::SeqCst);
                Fate::Fails(GatewayError::Throttle("too much to do".into()))
            }
            _ => Fate::Passes,
        }
    };
    let mut policy = policy();
    policy.batch_size = 2;
    let engine = world
        .engine_with(Hooked::new(world.gateway.clone(), hook), policy)
        .await;
    let worker = run_worker(engine, world.bed.client.clone()).await.unwrap();
    let batch = start(&world.bed, kind, "batch-1", None).await;
    eventually("the first chunk to be at work", || async {
        asked.load(Ordering::SeqCst).then_some(())
    })
    .await;
    (worker, batch)
}

/// It has recorded what it did, left the rest, and another one does that.
async fn ends_as_one_that_is_stopped(world: &World, worker: RunningWorker, batch: &Started) {
    let told = result(&world.bed, batch).await.unwrap();
    assert_eq!(told["truncated"], json!(true), "{told}");
    let restarted = in_state(world, State::InFlight).await;
    assert_eq!(told["restartedCount"], json!(restarted), "{told}");
    assert_eq!(in_state(world, State::Claimed).await, 0);
    assert!(restarted < 20, "work is left: {told}");
    let next = start(&world.bed, redrive_flows::BATCH_WORKFLOW, "batch-2", None).await;
    let next = result(&world.bed, &next).await.unwrap();
    assert_eq!(next["truncated"], json!(false), "{next}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_ends_as_one_that_is_stopped() {
    let world = World::new("cancelled").await;
    let full = Arc::new(AtomicBool::new(true));
    let (worker, batch) = at_work(&world, &full, redrive_flows::BATCH_WORKFLOW).await;
    cancel(&world, "batch-1").await;
    full.store(false, Ordering::SeqCst);
    ends_as_one_that_is_stopped(&world, worker, &batch).await;
}

#[tokio::test]
async fn so_does_an_orchestration_by_itself_that_is_paused() {
    let world = World::new("cancelled-paused").await;
    let full = Arc::new(AtomicBool::new(true));
    let (worker, batch) = at_work(&world, &full, redrive_flows::ORCHESTRATION_WORKFLOW).await;
    workflows::signal(&world.bed, "batch-1", "pause").await;
    full.store(false, Ordering::SeqCst);
    eventually("what was begun to be at its end", || async {
        (in_state(&world, State::Claimed).await == 0).then_some(())
    })
    .await;
    cancel(&world, "batch-1").await;
    ends_as_one_that_is_stopped(&world, worker, &batch).await;
}
