//! One order: restarted while its failed run is the latest, and left alone otherwise.

use redrive_core::states::State;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use crate::world::{End, World};

#[tokio::test]
async fn a_failed_order_is_restarted_and_recovers() {
    let world = World::new("recovers").await;
    world.failed_order("order-1", &[End::Completes]).await;
    let report = world.run_chunk("b1").await;
    assert_eq!(report.claimed, 1);
    assert_eq!(world.verdicts("order-1").await, ["restarted"]);
    world
        .await_status("order-1", WorkflowExecutionStatus::Completed)
        .await;
    let story = world.settles_as("order-1", State::Recovered).await;
    assert_eq!(story.attempts.len(), 1);
    assert_eq!(
        story.attempts[0].run.as_ref().unwrap().as_str(),
        world.latest_run("order-1").await
    );
    assert_eq!(story.order.order_id, "1");
}

#[tokio::test]
async fn five_restarts_then_the_batch_that_finds_it_dead_letters() {
    let world = World::new("exhausted").await;
    world.failed_order("order-1", &[End::Fails]).await;
    for attempt in 1..=5 {
        let batch = format!("b{attempt}");
        assert_eq!(
            world.run_chunk(&batch).await.claimed,
            1,
            "attempt {attempt}"
        );
        world
            .await_status("order-1", WorkflowExecutionStatus::Failed)
            .await;
        world.settles_as("order-1", State::Failed).await;
    }
    world.run_chunk("b6").await;
    let story = world.story("order-1").await;
    assert_eq!(story.order.state, State::DeadLettered);
    assert_eq!(story.order.retry_count, 5);
    assert_eq!(story.failures.len(), 6, "five attempts are six runs");
    assert_eq!(
        world.verdicts("order-1").await.last().unwrap(),
        "dlq: budget_spent"
    );
}
