//! An operator was first: whatever the order's later run became, nothing is started, and the verdict says why.

use redrive_core::states::State;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    RequestCancelWorkflowExecutionRequest, ResetWorkflowExecutionRequest,
    TerminateWorkflowExecutionRequest,
};
use tonic::Request;

use crate::world::{End, World};

/// After an operator's run that ended so: runs a chunk and returns the order's state and verdict. The latest run is
/// still the operator's.
async fn after_operators_run(world: &World, run: &str) -> (State, String) {
    world.run_chunk("b1").await;
    assert_eq!(
        world.latest_run("order-1").await,
        run,
        "a run was started beside the operator's"
    );
    let story = world.story("order-1").await;
    assert_eq!(
        story.order.retry_count, 0,
        "nothing was started, so nothing is counted"
    );
    (
        story.order.state,
        world.verdicts("order-1").await.pop().unwrap(),
    )
}

#[tokio::test]
async fn a_running_run_is_followed() {
    let world = World::new("op-running").await;
    world.failed_order("order-1", &[]).await;
    let run = world.start_by_hand("order-1", &[End::Runs]).await;
    assert_eq!(
        after_operators_run(&world, &run).await,
        (State::InFlight, "skipped: already_running".into())
    );
}

#[tokio::test]
async fn a_completed_run_ends_the_story() {
    let world = World::new("op-completed").await;
    world.failed_order("order-1", &[]).await;
    let run = world.start_by_hand("order-1", &[End::Completes]).await;
    world.await_status("order-1", Status::Completed).await;
    assert_eq!(
        after_operators_run(&world, &run).await,
        (State::Recovered, "skipped: completed".into())
    );
}

#[tokio::test]
async fn a_failed_run_is_the_new_failed_run_and_the_next_batch_restarts_it() {
    let world = World::new("op-failed").await;
    world.failed_order("order-1", &[]).await;
    let run = world
        .start_by_hand("order-1", &[End::Fails, End::Completes])
        .await;
    world.await_status("order-1", Status::Failed).await;
    assert_eq!(
        after_operators_run(&world, &run).await,
        (State::Failed, "skipped: newer_failure".into())
    );
    assert_eq!(world.story("order-1").await.order.failed_run.as_str(), run);
    world.run_chunk("b2").await;
    world.await_status("order-1", Status::Completed).await;
    assert_ne!(world.latest_run("order-1").await, run);
}

#[tokio::test]
async fn a_terminated_run_is_never_restarted() {
    let world = World::new("op-terminated").await;
    world.failed_order("order-1", &[]).await;
    let run = world.start_by_hand("order-1", &[End::Runs]).await;
    let request = TerminateWorkflowExecutionRequest {
        namespace: world.bed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: "order-1".into(),
            run_id: run.clone(),
        }),
        ..Default::default()
    };
    world
        .bed
        .service()
        .terminate_workflow_execution(Request::new(request))
        .await
        .unwrap();
    world.await_status("order-1", Status::Terminated).await;
    assert_eq!(
        after_operators_run(&world, &run).await,
        (State::Stopped, "skipped: stopped".into())
    );
    assert_eq!(world.run_chunk("b2").await.claimed, 0);
    assert_eq!(world.latest_run("order-1").await, run);
}

#[tokio::test]
async fn a_cancelled_run_is_never_restarted() {
    let world = World::new("op-cancelled").await;
    world.failed_order("order-1", &[]).await;
    let run = world.start_by_hand("order-1", &[End::Runs]).await;
    let request = RequestCancelWorkflowExecutionRequest {
        namespace: world.bed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: "order-1".into(),
            run_id: run.clone(),
        }),
        ..Default::default()
    };
    world
        .bed
        .service()
        .request_cancel_workflow_execution(Request::new(request))
        .await
        .unwrap();
    world.await_status("order-1", Status::Canceled).await;
    assert_eq!(
        after_operators_run(&world, &run).await,
        (State::Stopped, "skipped: stopped".into())
    );
}

#[tokio::test]
async fn an_operators_reset_is_followed_to_its_end() {
    let world = World::new("op-reset").await;
    let order = world.failed_order("order-1", &[End::Completes]).await;
    let request = ResetWorkflowExecutionRequest {
        namespace: world.bed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: order.to_string(),
            run_id: world.latest_run("order-1").await,
        }),
        reason: "the carrier is back".into(),
        workflow_task_finish_event_id: 4,
        request_id: "reset-1".into(),
        ..Default::default()
    };
    let reset = world
        .bed
        .service()
        .reset_workflow_execution(Request::new(request))
        .await
        .unwrap()
        .into_inner();
    world.await_status("order-1", Status::Completed).await;
    assert_eq!(
        after_operators_run(&world, &reset.run_id).await,
        (State::Recovered, "skipped: completed".into())
    );
}

#[tokio::test]
async fn a_dead_letter_that_was_repaired_by_hand_is_resolved_within_a_day() {
    let world = World::new("op-repaired").await;
    world.failed_order("order-1", &[]).await;
    let parked = world
        .ledger
        .park(
            &"order-1".into(),
            &crate::retries::operator().into(),
            world.engine.clock.now(),
        )
        .await;
    assert!(parked.unwrap().is_some());
    world.start_by_hand("order-1", &[End::Completes]).await;
    world.await_status("order-1", Status::Completed).await;
    world.settle("b1").await;
    assert_eq!(
        world.story("order-1").await.order.state,
        State::DeadLettered,
        "it is not due to be looked at yet"
    );
    world
        .clock
        .advance(std::time::Duration::from_secs(25 * 3600));
    world.settle("b2").await;
    let story = world.story("order-1").await;
    assert_eq!(story.order.state, State::Resolved);
    assert_eq!(
        story.order.resolution.as_deref(),
        Some("recovered_elsewhere")
    );
    assert!(story.dead_letters[0].resolved_at.is_some());
}
