//! An operator's retry of a dead letter: really restarts the order, or says why not.

use redrive_core::states::State;
use redrive_engine::ops::RetryEnd;
use redrive_fulfillment::testbed::eventually_within;
use redrive_ledger::NewAuditEvent;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_common::protos::temporal::api::workflowservice::v1::DeleteWorkflowExecutionRequest;
use tonic::Request;

use crate::world::{End, World};

/// Somebody on call.
pub fn operator() -> NewAuditEvent {
    NewAuditEvent {
        actor: "ada".into(),
        reason: "the carrier is back".into(),
    }
}

/// Deletes an order's runs and waits until the server knows it no more.
pub async fn delete(world: &World, workflow_id: &str) {
    let request = DeleteWorkflowExecutionRequest {
        namespace: world.bed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: workflow_id.into(),
            run_id: String::new(),
        }),
    };
    world
        .bed
        .service()
        .delete_workflow_execution(Request::new(request))
        .await
        .unwrap();
    eventually_within(
        std::time::Duration::from_secs(120),
        "the deletion to take effect",
        || async { world.bed.latest(workflow_id).await.is_none().then_some(()) },
    )
    .await;
}

/// A dead letter of order-1.
async fn parked(world: &World, then: &[End]) {
    world.failed_order("order-1", then).await;
    let parked = world
        .ledger
        .park(
            &"order-1".into(),
            &operator().into(),
            world.engine.clock.now(),
        )
        .await
        .unwrap();
    assert!(parked.is_some());
}

#[tokio::test]
async fn a_retry_restarts_the_order_and_tells_the_run() {
    let world = World::new("retry").await;
    parked(&world, &[End::Runs]).await;
    let worker = world.worker().await;
    let retried = world
        .ops()
        .retry_dead_letter("order-1", operator())
        .await
        .unwrap();
    let run_id = world.latest_run("order-1").await;
    assert_eq!(retried.end, RetryEnd::Started { run_id });
    let story = world.story("order-1").await;
    assert_eq!(
        (story.order.state, story.order.generation),
        (State::InFlight, 2)
    );
    assert_eq!(story.dead_letters[0].resolved_by.as_deref(), Some("ada"));
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_retry_of_the_same_entry_is_told_who_was_first() {
    let world = World::new("retry-twice").await;
    parked(&world, &[End::Runs]).await;
    let worker = world.worker().await;
    world
        .ops()
        .retry_dead_letter("order-1", operator())
        .await
        .unwrap();
    let second = world
        .ops()
        .retry_dead_letter("order-1", operator())
        .await
        .unwrap();
    let RetryEnd::AlreadyResolved(entry) = second.end else {
        panic!("{second:?}")
    };
    assert_eq!(entry.resolved_by.as_deref(), Some("ada"));
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_retry_that_no_worker_is_there_for_says_so_and_the_next_one_does_it() {
    let world = World::new("retry-nobody").await;
    parked(&world, &[End::Completes]).await;
    let retried = world.ops().retry_dead_letter("order-1", operator()).await;
    let end = retried.unwrap().end;
    let RetryEnd::NotStarted { state, reason } = end else {
        panic!("{end:?}")
    };
    assert_eq!(state, State::Failed);
    assert!(reason.starts_with("no worker polls task queue"), "{reason}");
    let worker = world.worker().await;
    world.await_status("order-1", Status::Completed).await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_retry_works_after_the_server_has_forgotten_the_order() {
    let world = World::new("retry-deleted").await;
    parked(&world, &[End::Completes]).await;
    delete(&world, "order-1").await;
    let worker = world.worker().await;
    let retried = world
        .ops()
        .retry_dead_letter("order-1", operator())
        .await
        .unwrap();
    assert!(
        matches!(retried.end, RetryEnd::Started { .. }),
        "{retried:?}"
    );
    world.await_status("order-1", Status::Completed).await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_retry_works_for_an_order_whose_restart_has_vanished() {
    let world = World::new("retry-vanished").await;
    world.failed_order("order-1", &[End::Runs]).await;
    world.run_chunk("b1").await;
    delete(&world, "order-1").await;
    let story = world.settles_as("order-1", State::DeadLettered).await;
    assert_eq!(
        story.dead_letters[0].reason,
        redrive_core::decide::DeadLetterReason::OutcomeUnknown
    );
    let worker = world.worker().await;
    let retried = world.ops().retry_dead_letter("order-1", operator()).await;
    let end = retried.unwrap().end;
    assert!(matches!(end, RetryEnd::Started { .. }), "{end:?}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_retry_tells_that_the_order_turned_out_running() {
    let world = World::new("retry-running").await;
    parked(&world, &[]).await;
    let by_hand = world.start_by_hand("order-1", &[End::Runs]).await;
    let worker = world.worker().await;
    let retried = world
        .ops()
        .retry_dead_letter("order-1", operator())
        .await
        .unwrap();
    let expected = RetryEnd::NotStarted {
        state: State::InFlight,
        reason: "already_running".into(),
    };
    assert_eq!(retried.end, expected);
    assert_eq!(world.latest_run("order-1").await, by_hand);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_retry_whose_caller_died_is_done_by_the_next_batch_and_first() {
    let world = World::new("retry-died").await;
    parked(&world, &[End::Completes]).await;
    let resolve = redrive_ledger::Resolve {
        workflow_id: "order-1".into(),
        resolution: redrive_ledger::Resolution::ManualRetry,
        by: operator(),
    };
    world
        .ledger
        .resolve(&world.engine.policy, &resolve, world.engine.clock.now())
        .await
        .unwrap();
    assert_eq!(world.run_chunk("b1").await.claimed, 1);
    world.await_status("order-1", Status::Completed).await;
}

#[tokio::test]
async fn an_order_can_be_dead_lettered_a_second_time() {
    let mut policy = crate::world::policy();
    policy.max_retries = 1;
    let world = World::with("second-letter", policy).await;
    world.failed_order("order-1", &[End::Fails]).await;
    let exhaust = async |first: u32| {
        for n in first..first + 2 {
            assert_eq!(
                world.run_chunk(&format!("b{n}")).await.claimed,
                1,
                "batch {n}"
            );
            world.await_status("order-1", Status::Failed).await;
            world.settle("settle").await;
        }
        assert_eq!(
            world.story("order-1").await.order.state,
            State::DeadLettered
        );
    };
    exhaust(1).await;
    let worker = world.worker().await;
    world
        .ops()
        .retry_dead_letter("order-1", operator())
        .await
        .unwrap();
    worker.stop().await.unwrap();
    world.await_status("order-1", Status::Failed).await;
    world.settles_as("order-1", State::Failed).await;
    assert_eq!(world.run_chunk("b9").await.claimed, 1);
    let story = world.story("order-1").await;
    assert_eq!(story.order.state, State::DeadLettered);
    let generations: Vec<_> = story
        .dead_letters
        .iter()
        .map(|entry| entry.generation)
        .collect();
    assert_eq!(generations, [1, 2]);
}
