//! Runs with successors are not failures: workflow retry policies and continue-as-new are the order's own business.

use redrive_core::states::State;
use temporalio_common::protos::temporal::api::common::v1::RetryPolicy;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::world::{End, QUEUE, TYPE, World};

/// Starts an order whose workflow is retried by the server, at most so many times.
async fn start_with_retries(world: &World, ends: &[End], attempts: i32) {
    world.script("order-1", ends);
    let mut request = world.bed.start_request("order-1", TYPE, QUEUE);
    request.retry_policy = Some(RetryPolicy {
        initial_interval: prost_wkt_types::Duration {
            seconds: 0,
            nanos: 1_000_000,
        }
        .into(),
        backoff_coefficient: 1.0,
        maximum_attempts: attempts,
        ..Default::default()
    });
    world.bed.start(request).await;
}

#[tokio::test]
async fn a_run_that_the_server_retries_is_no_failure() {
    let world = World::new("chain-recovers").await;
    start_with_retries(&world, &[End::Fails, End::Completes], 3).await;
    world.await_status("order-1", Status::Completed).await;
    world.visibility_shows(1).await;
    let report = world
        .engine
        .scan_failures(&world.phase("b1"), &redrive_engine::Steady)
        .await
        .unwrap();
    assert_eq!(report.new_failures, 0);
    assert_eq!(world.ledger.story(&"order-1".into()).await.unwrap(), None);
}

#[tokio::test]
async fn a_chain_that_is_spent_is_one_failure_and_its_restart_has_a_chain_of_its_own() {
    let world = World::new("chain-spent").await;
    start_with_retries(
        &world,
        &[End::Fails, End::Fails, End::Fails, End::Completes],
        2,
    )
    .await;
    world.await_status("order-1", Status::Failed).await;
    world.scan_sees(1).await;
    assert_eq!(world.story("order-1").await.failures.len(), 1);
    world.run_chunk("b1").await;
    world.await_status("order-1", Status::Completed).await;
    let story = world.settles_as("order-1", State::Recovered).await;
    assert_eq!(
        story.order.retry_count, 1,
        "the restart's own retry is not ours"
    );
}

#[tokio::test]
async fn an_attempt_whose_run_continued_as_new_ends_with_its_chain() {
    let world = World::new("chain-continued").await;
    world
        .failed_order(
            "order-1",
            &[
                End::ContinuesAsNew,
                End::Fails,
                End::ContinuesAsNew,
                End::Completes,
            ],
        )
        .await;
    world.run_chunk("b1").await;
    world.await_status("order-1", Status::Failed).await;
    let story = world.settles_as("order-1", State::Failed).await;
    assert_eq!(
        story.attempts[0].outcome,
        Some(redrive_ledger::AttemptOutcome::FailedAgain)
    );
    assert_ne!(
        story.order.failed_run.as_str(),
        story.attempts[0].run.as_ref().unwrap().as_str()
    );
    world.run_chunk("b2").await;
    world.await_status("order-1", Status::Completed).await;
    world.settles_as("order-1", State::Recovered).await;
}
