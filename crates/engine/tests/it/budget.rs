//! What a batch may spend: one attempt an order, never before its backoff, never more than `maxOrders`.

use std::time::Duration;

use redrive_core::decide::BatchRules;
use redrive_core::states::State;
use redrive_engine::Steady;
use redrive_flows::activities::Chunk;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::world::{End, World, policy};

#[tokio::test]
async fn one_batch_never_spends_two_attempts_of_an_order() {
    let world = World::new("two-attempts").await;
    world.failed_order("order-1", &[End::Fails]).await;
    world.run_chunk("b1").await;
    world.await_status("order-1", Status::Failed).await;
    world.settles_as("order-1", State::Failed).await;
    let again = Chunk {
        chunk: 1,
        ..world.chunk("b1", 1)
    };
    assert_eq!(
        world
            .engine
            .process_chunk(&again, &Steady)
            .await
            .unwrap()
            .claimed,
        0
    );
    assert_eq!(world.run_chunk("b2").await.claimed, 1);
}

#[tokio::test]
async fn backoff_is_kept() {
    let mut policy = policy();
    policy.backoff.initial = Duration::from_secs(3600);
    policy.backoff.max = Duration::from_secs(4 * 3600);
    let world = World::with("backoff", policy).await;
    world.failed_order("order-1", &[End::Fails]).await;
    assert_eq!(
        world.run_chunk("b1").await.claimed,
        1,
        "a first failure is due at once"
    );
    world.await_status("order-1", Status::Failed).await;
    let story = world.settles_as("order-1", State::Failed).await;
    let wait = story.order.due_at.duration_since(world.engine.clock.now());
    assert!(
        wait.as_secs() <= 3600,
        "full jitter is at most the ceiling: {wait}"
    );
    assert_eq!(world.run_chunk("b2").await.claimed, 0, "due in {wait}");
    world.clock.advance(Duration::from_secs(3601));
    assert_eq!(world.run_chunk("b3").await.claimed, 1);
}

#[tokio::test]
async fn a_chunk_takes_no_more_than_its_limit_over_all_its_tries() {
    let world = World::new("limit").await;
    for n in 0..5 {
        world
            .start(&format!("order-{n}"), &[End::Fails, End::Completes])
            .await;
    }
    world.scan_sees(5).await;
    world.open_batch("b1").await;
    let chunk = Chunk {
        limit: 3,
        ..world.chunk("b1", 0)
    };
    for _ in 0..2 {
        assert_eq!(
            world
                .engine
                .process_chunk(&chunk, &Steady)
                .await
                .unwrap()
                .claimed,
            3
        );
    }
    let counts = world
        .ledger
        .batch_counts(&"b1".into(), world.engine.clock.now())
        .await
        .unwrap();
    assert_eq!((counts.found_count, counts.restarted_count), (3, 3));
}

#[tokio::test]
async fn a_lower_budget_of_a_batch_leaves_orders_waiting() {
    let world = World::new("lower-budget").await;
    world.failed_order("order-1", &[End::Fails]).await;
    world.run_chunk("b1").await;
    world.await_status("order-1", Status::Failed).await;
    world.settles_as("order-1", State::Failed).await;
    let rules = BatchRules {
        max_retries: Some(1),
        ..Default::default()
    };
    world.open_batch("b2").await;
    let chunk = Chunk {
        rules,
        ..world.chunk("b2", 0)
    };
    assert_eq!(
        world
            .engine
            .process_chunk(&chunk, &Steady)
            .await
            .unwrap()
            .claimed,
        0
    );
    assert_eq!(
        world.story("order-1").await.order.state,
        State::Failed,
        "the policy still allows it"
    );
}

#[tokio::test]
async fn statuses_that_the_policy_leaves_alone_are_shown_and_not_restarted() {
    let mut policy = policy();
    policy
        .statuses
        .get_mut("shipping_failed")
        .unwrap()
        .reprocess = false;
    let world = World::with("left-alone", policy).await;
    world.failed_order("order-1", &[End::Completes]).await;
    assert_eq!(world.run_chunk("b1").await.claimed, 0);
    let rules = BatchRules {
        failure_statuses: vec!["shipping_failed".into()],
        ..Default::default()
    };
    world.open_batch("b2").await;
    let chunk = Chunk {
        rules,
        ..world.chunk("b2", 0)
    };
    assert_eq!(
        world
            .engine
            .process_chunk(&chunk, &Steady)
            .await
            .unwrap()
            .claimed,
        1,
        "a batch may name them"
    );
}
