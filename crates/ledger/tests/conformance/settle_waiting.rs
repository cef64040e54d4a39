//! Settling orders that wait, in the dead letter queue too: they are described once a day.

use redrive_core::decide::{DeadLetterReason, RunStatus};
use redrive_core::states::State;
use redrive_ledger::{Checked, Resolution};

use super::settle::{failed, in_flight};
use super::world::{World, ann, at, failure, first_failure, latest, run};

/// A world with one order in that state, its failed run `a-0`.
async fn waiting(state: State) -> World {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    if state == State::DeadLettered {
        world
            .ledger
            .park(&"a".into(), &ann("x").into(), world.now())
            .await
            .unwrap();
    }
    world.wait(100);
    world
}

#[tokio::test]
async fn a_later_run_that_was_deleted_leaves_the_order_as_it_was() {
    let world = waiting(State::Failed).await;
    world
        .settle("a", Some(latest("a-op", RunStatus::Running, 10, 0)))
        .await;
    assert_eq!(world.order("a").await.state, State::InFlight);
    assert_eq!(
        world
            .settle("a", Some(latest("a-0", RunStatus::Failed, -90, -60)))
            .await,
        0
    );
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.failed_run),
        (State::Failed, run("a-0"))
    );
    assert_eq!(world.claim(&world.wanted("b1", 1)).await.fresh.len(), 1);
}

#[tokio::test]
async fn a_waiting_order_that_is_as_it_was_is_described_again_a_day_later() {
    for state in [State::Failed, State::DeadLettered] {
        let world = waiting(state).await;
        let before = world.order("a").await;
        world
            .settle("a", Some(latest("a-0", RunStatus::Failed, -90, -60)))
            .await;
        let order = world.order("a").await;
        assert_eq!(
            order.next_check_at,
            Some(world.now() + world.policy.settle.recheck)
        );
        assert_eq!(
            redrive_ledger::OrderRow {
                next_check_at: before.next_check_at,
                ..order
            },
            before
        );
    }
}

#[tokio::test]
async fn a_waiting_order_that_was_repaired_elsewhere_is_resolved() {
    for state in [State::Failed, State::DeadLettered] {
        let world = waiting(state).await;
        world
            .settle("a", Some(latest("a-op", RunStatus::Completed, 10, 20)))
            .await;
        let story = world.story("a").await;
        assert_eq!(
            (story.order.state, story.order.closed_at),
            (State::Resolved, Some(at(20)))
        );
        assert_eq!(
            story.order.resolution.as_deref(),
            Some("recovered_elsewhere")
        );
        for entry in &story.dead_letters {
            assert_eq!(
                (entry.resolution, entry.resolved_at),
                (Some(Resolution::RecoveredElsewhere), Some(world.now()))
            );
        }
        assert!(world.verdicts("a").await.is_empty());
        world.bystanders_are_unchanged().await;
    }
}

#[tokio::test]
async fn a_waiting_order_that_runs_is_followed_but_a_dead_letter_stays() {
    let world = waiting(State::Failed).await;
    world
        .settle("a", Some(latest("a-op", RunStatus::Running, 10, 0)))
        .await;
    assert_eq!(world.order("a").await.followed_run, Some(run("a-op")));
    let world = waiting(State::DeadLettered).await;
    world
        .settle("a", Some(latest("a-op", RunStatus::Running, 10, 0)))
        .await;
    let order = world.order("a").await;
    assert_eq!(
        (order.state, order.followed_run),
        (State::DeadLettered, None)
    );
    let soon = world.now() + world.policy.settle.longest_check;
    assert_eq!(
        order.next_check_at,
        Some(soon),
        "its end is learnt before the day is over"
    );
}

#[tokio::test]
async fn a_waiting_order_that_a_person_stopped_is_stopped() {
    for state in [State::Failed, State::DeadLettered] {
        let world = waiting(state).await;
        world
            .settle("a", Some(latest("a-op", RunStatus::Terminated, 10, 20)))
            .await;
        let story = world.story("a").await;
        assert_eq!(
            (story.order.state, story.order.failed_run),
            (State::Stopped, run("a-op"))
        );
        assert!(
            story
                .dead_letters
                .iter()
                .all(|entry| entry.resolution == Some(Resolution::Stopped))
        );
    }
}

#[tokio::test]
async fn a_waiting_order_that_failed_anew_follows_that_failure() {
    for state in [State::Failed, State::DeadLettered] {
        let world = waiting(state).await;
        assert_eq!(
            failed(&world, latest("a-op", RunStatus::TimedOut, 10, 50), None).await,
            0
        );
        let story = world.story("a").await;
        assert_eq!(
            (story.order.state, story.order.failed_run),
            (state, run("a-op"))
        );
        assert!(
            story
                .dead_letters
                .iter()
                .all(|entry| entry.failure_reason == "a-op found no carrier")
        );
        assert_eq!(story.failures.len(), 2);
    }
}

#[tokio::test]
async fn a_waiting_order_whose_history_is_gone_is_a_dead_letter_and_a_dead_letter_stays_as_it_is() {
    let world = waiting(State::Failed).await;
    world.settle("a", None).await;
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.dead_letters[0].reason),
        (State::DeadLettered, DeadLetterReason::OutcomeUnknown)
    );
    let world = waiting(State::DeadLettered).await;
    world.settle("a", None).await;
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.dead_letters.len()),
        (State::DeadLettered, 1)
    );
    assert_eq!(story.dead_letters[0].reason, DeadLetterReason::Parked);
    assert!(story.verdicts.is_empty());
    assert_eq!(
        story.order.next_check_at,
        Some(world.now() + world.policy.settle.recheck)
    );
}

#[tokio::test]
async fn an_answer_for_another_run_than_the_orders_changes_nothing() {
    // The failed run has moved while the server was asked.
    let world = waiting(State::Failed).await;
    let stale = world.check("a").await;
    world.observe(&[failure("a", "a-op", 50)]).await;
    let before = world.story("a").await;
    let answer = |check, latest| Checked {
        ours: None,
        check,
        latest: Some(latest),
        attempt: None,
        failure: None,
    };
    assert_eq!(
        world
            .settle_as(answer(stale, latest("a-0", RunStatus::Failed, -90, -60)))
            .await,
        0
    );
    assert_eq!(world.story("a").await, before);
    // Another chain is followed by now.
    let world = in_flight().await;
    let stale = world.check("a").await;
    world
        .settle("a", Some(latest("a-op", RunStatus::Running, 60, 0)))
        .await;
    let before = world.story("a").await;
    assert_eq!(
        world
            .settle_as(answer(stale, latest("a-1", RunStatus::Completed, 0, 70)))
            .await,
        0
    );
    assert_eq!(world.story("a").await, before);
}
