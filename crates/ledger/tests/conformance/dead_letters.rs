//! The dead letter queue: entries are closed once, by a decision that is written down, and never deleted.

use redrive_core::decide::{DeadLetterReason, RunStatus};
use redrive_core::states::State;
use redrive_ledger::{
    Checked, DeadLetter, LedgerError, Outcome, Plan, Resolution, Resolve, Resolved,
};

use super::world::{World, ann, first_failure, latest, request, run};

async fn resolve(world: &World, order: &str, resolution: Resolution) -> Resolved {
    let resolve = Resolve {
        workflow_id: order.into(),
        resolution,
        by: ann("because"),
    };
    world
        .ledger
        .resolve(&world.policy, &resolve, world.now())
        .await
        .unwrap()
}

fn entry(resolved: Resolved) -> DeadLetter {
    match resolved {
        Resolved::Done(entry) | Resolved::Already(entry) => entry,
        other => panic!("no entry: {other:?}"),
    }
}

/// A world with one order in the queue.
async fn dead_lettered() -> World {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    bury(&world, "b1").await;
    world.wait(10);
    world
}

async fn bury(world: &World, batch: &str) {
    let claimed = world.claim_one("a", batch).await;
    world
        .commit(
            batch,
            &claimed,
            Outcome::DeadLettered(DeadLetterReason::BudgetSpent),
        )
        .await;
}

#[tokio::test]
async fn a_manual_retry_opens_a_generation_and_comes_first() {
    let world = dead_lettered().await;
    let closed = entry(resolve(&world, "a", Resolution::ManualRetry).await);
    assert_eq!(
        (closed.resolution, closed.resolved_at),
        (Some(Resolution::ManualRetry), Some(world.now()))
    );
    assert_eq!(
        (closed.resolved_by.as_deref(), closed.notes.as_deref()),
        (Some("ann"), Some("because"))
    );
    let story = world.story("a").await;
    assert_eq!(
        (
            story.order.state,
            story.order.generation,
            story.order.retry_count
        ),
        (State::Failed, 2, 0)
    );
    assert!(story.order.manual);
    assert_eq!(
        (story.order.due_at, story.order.item_errors),
        (world.now(), 0)
    );
    assert_eq!(
        (
            story.audit[0].action.as_str(),
            story.audit[0].reason.as_str()
        ),
        ("manual_retry", "because")
    );
    assert_eq!(world.start_request("a").await, Some(request("a")));
    // The batch that buried it has said what it did with it; any other may retry it.
    assert!(world.claim(&world.wanted("b1", 1)).await.fresh.is_empty());
    let claimed = world.claim_one("a", "b2").await;
    assert!(
        matches!(claimed.plan, Plan::Restart { attempt: 1, .. })
            && claimed.manual
            && claimed.generation == 2
    );
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn cancelled_and_escalated_close_the_order() {
    for resolution in [Resolution::Cancelled, Resolution::Escalated] {
        let world = dead_lettered().await;
        let closed = entry(resolve(&world, "a", resolution).await);
        assert_eq!(closed.resolution, Some(resolution));
        let story = world.story("a").await;
        assert_eq!(
            (story.order.state, story.order.closed_at),
            (State::Resolved, Some(world.now()))
        );
        assert_eq!(story.order.resolution.as_deref(), Some(resolution.as_str()));
        assert_eq!(story.audit[0].action, resolution.as_str());
        assert_eq!(world.start_request("a").await, None);
        world.bystanders_are_unchanged().await;
    }
}

#[tokio::test]
async fn the_second_decision_is_told_of_the_first() {
    for first in [
        Resolution::ManualRetry,
        Resolution::Cancelled,
        Resolution::Escalated,
    ] {
        let world = dead_lettered().await;
        let closed = entry(resolve(&world, "a", first).await);
        let before = world.story("a").await;
        world.wait(10);
        for second in [Resolution::Cancelled, Resolution::Escalated] {
            assert_eq!(
                resolve(&world, "a", second).await,
                Resolved::Already(closed.clone())
            );
        }
        if first == Resolution::ManualRetry {
            assert_eq!(resolve(&world, "a", first).await, Resolved::Already(closed));
        }
        assert_eq!(
            world.story("a").await,
            before,
            "no second audit event either"
        );
    }
}

#[tokio::test]
async fn an_order_that_never_was_in_the_queue_or_never_was_is_told_apart() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    for resolution in [
        Resolution::ManualRetry,
        Resolution::Cancelled,
        Resolution::Escalated,
    ] {
        assert_eq!(
            resolve(&world, "a", resolution).await,
            Resolved::NotDeadLettered
        );
        assert_eq!(
            resolve(&world, "nobody", resolution).await,
            Resolved::NoSuchOrder
        );
    }
    assert_eq!(world.order("a").await.state, State::Failed);
}

#[tokio::test]
async fn only_an_operators_decisions_are_carried_out() {
    let world = dead_lettered().await;
    for resolution in [Resolution::RecoveredElsewhere, Resolution::Stopped] {
        let resolve = Resolve {
            workflow_id: "a".into(),
            resolution,
            by: ann("x"),
        };
        let refused = world
            .ledger
            .resolve(&world.policy, &resolve, world.now())
            .await
            .unwrap_err();
        assert!(
            matches!(refused, LedgerError::Impossible { .. }),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_retry_may_reopen_what_was_stopped_or_resolved() {
    let world = dead_lettered().await;
    world
        .settle("a", Some(latest("a-op", RunStatus::Terminated, 1, 2)))
        .await;
    assert_eq!(world.order("a").await.state, State::Stopped);
    let reopened = entry(resolve(&world, "a", Resolution::ManualRetry).await);
    assert_eq!(
        reopened.resolution,
        Some(Resolution::Stopped),
        "the entry tells how it was closed"
    );
    let claimed = world.claim_one("a", "b2").await;
    assert_eq!(
        (claimed.from_run.clone(), claimed.manual),
        (run("a-op"), true)
    );

    let world = dead_lettered().await;
    resolve(&world, "a", Resolution::Escalated).await;
    resolve(&world, "a", Resolution::ManualRetry).await;
    assert_eq!(world.order("a").await.state, State::Failed);
}

#[tokio::test]
async fn an_order_may_be_dead_lettered_again_in_a_later_generation() {
    let world = dead_lettered().await;
    resolve(&world, "a", Resolution::ManualRetry).await;
    world.restart("a", "a-1", "b2").await;
    world.observe(&[super::world::failure("a", "a-1", 5)]).await;
    world.wait(100_000);
    bury(&world, "b3").await;
    let entries = world.story("a").await.dead_letters;
    assert_eq!(
        entries
            .iter()
            .map(|entry| entry.generation)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!((entries[1].retry_count, entries[1].resolution), (1, None));
}

#[tokio::test]
async fn a_retry_goes_on_from_the_restart_that_vanished() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    world.settle("a", None).await;
    resolve(&world, "a", Resolution::ManualRetry).await;
    let claimed = world.restart("a", "a-2", "b2").await;
    assert_eq!((claimed.from_run, claimed.generation), (run("a-1"), 2));
}

/// An order whose failed run `a-0` was restarted; then the restart was deleted, and `a-0` is the latest run again.
async fn restart_deleted() -> World {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    let failed = Some(latest("a-0", RunStatus::Failed, -90, -60));
    world.settle("a", failed.clone()).await;
    let checked = Checked {
        ours: None,
        check: world.check("a").await,
        latest: failed,
        attempt: None,
        failure: Some(Box::new(first_failure("a"))),
    };
    world.settle_as(checked).await;
    assert_eq!(world.order("a").await.failed_run, run("a-0"));
    resolve(&world, "a", Resolution::ManualRetry).await;
    world
}

#[tokio::test]
async fn a_run_that_was_started_once_is_started_again_for_an_operator() {
    let world = restart_deleted().await;
    let claimed = world.restart("a", "a-2", "b2").await;
    assert_eq!(claimed.from_run, run("a-0"));
    let attempts = world.story("a").await.attempts;
    assert!(
        attempts
            .iter()
            .all(|attempt| attempt.from_run == run("a-0"))
    );
    let manual: Vec<_> = attempts.iter().map(|attempt| attempt.manual).collect();
    assert_eq!(manual, [false, true]);
}

#[tokio::test]
async fn and_for_nobody_else() {
    let world = restart_deleted().await;
    // The operator's own run is found first, so nothing is started; then that one is deleted, too.
    let claimed = world.claim_one("a", "b2").await;
    let elsewhere = Outcome::Elsewhere {
        latest: latest("a-op", RunStatus::Running, 10, 0),
        ours: None,
        failure: None,
    };
    world.commit("b2", &claimed, elsewhere).await;
    let again = Some(latest("a-0", RunStatus::Failed, -90, -60));
    world.settle("a", again).await;
    let order = world.order("a").await;
    assert_eq!((order.state, order.manual), (State::Failed, false));
    let unknown = Plan::DeadLetter(DeadLetterReason::OutcomeUnknown);
    assert_eq!(world.claim_one("a", "b3").await.plan, unknown);
    let inherited = world.claim(&world.wanted("b3", 1)).await.inherited;
    assert_eq!(inherited[0].plan, unknown);
}

#[tokio::test]
async fn an_operator_may_park_a_waiting_order_and_nothing_else() {
    let world = World::new().await;
    world
        .observe(&[
            first_failure("a"),
            first_failure("claimed"),
            first_failure("flying"),
        ])
        .await;
    world.claim_one("claimed", "b1").await;
    world.restart("flying", "flying-1", "b1").await;
    let park = async |order: &str| {
        world
            .ledger
            .park(&order.into(), &ann("look").into(), world.now())
            .await
            .unwrap()
    };
    let entry = park("a").await.unwrap();
    assert_eq!(
        (entry.reason, entry.batch),
        (DeadLetterReason::Parked, None)
    );
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.audit[0].action.as_str()),
        (State::DeadLettered, "park")
    );
    for order in ["a", "claimed", "flying", "bystander-recovered", "nobody"] {
        assert_eq!(park(order).await, None, "{order}");
    }
    world.bystanders_are_unchanged().await;
}
