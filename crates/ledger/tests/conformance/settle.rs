//! Settling: open orders become what the server says of them.

use jiff::SignedDuration;
use redrive_core::decide::{DeadLetterReason, RunStatus};
use redrive_core::states::State;
use redrive_ledger::{AttemptOutcome, Checked, Latest};

use super::world::{World, at, failure, first_failure, latest, request, run, verdict};

/// A world with one order in flight as `a-1`.
pub async fn in_flight() -> World {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    world.wait(100);
    world
}

/// Settles `a` by its latest run, which has failed.
pub async fn failed(world: &World, latest: Latest, attempt: Option<AttemptOutcome>) -> u64 {
    let failure = failure("a", latest.run_id.as_str(), 50);
    let check = world.check("a").await;
    world
        .settle_as(Checked {
            ours: None,
            check,
            latest: Some(latest),
            attempt,
            failure: Some(Box::new(failure)),
        })
        .await
}

#[tokio::test]
async fn orders_are_due_to_be_described_the_longest_due_first() {
    let world = World::new().await;
    world
        .observe(&[
            first_failure("failed"),
            first_failure("flying"),
            first_failure("claimed"),
        ])
        .await;
    world.restart("flying", "flying-1", "b1").await;
    world.claim_one("claimed", "b1").await;
    let due = async |seconds: i64, limit| {
        let checks = world.ledger.due_checks(at(seconds), limit).await.unwrap();
        checks
            .into_iter()
            .map(|check| check.workflow_id.to_string())
            .collect::<Vec<_>>()
    };
    assert!(due(59, 9).await.is_empty());
    assert_eq!(due(60, 9).await, ["flying"]);
    let a_day = due(86_400, 9).await;
    assert_eq!(
        a_day.len(),
        4,
        "every open order but the claimed one: {a_day:?}"
    );
    assert_eq!(due(86_400, 1).await, ["flying"]);
    let check = &world.ledger.due_checks(at(60), 1).await.unwrap()[0];
    assert_eq!(
        (check.state, check.followed_run.clone(), check.has_attempt),
        (State::InFlight, Some(run("flying-1")), true)
    );
    assert_eq!(*check, world.check("flying").await);
}

#[tokio::test]
async fn a_running_one_is_described_again_each_time_after_a_longer_while() {
    let world = in_flight().await;
    let mut gaps = Vec::new();
    for _ in 0..9 {
        assert_eq!(
            world
                .settle("a", Some(latest("a-1", RunStatus::Running, 0, 0)))
                .await,
            0
        );
        let next = world.order("a").await.next_check_at.unwrap();
        gaps.push(next.duration_since(world.now()).as_secs() / 60);
    }
    assert_eq!(gaps, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(world.order("a").await.state, State::InFlight);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_completed_restart_is_a_recovery() {
    let world = in_flight().await;
    assert_eq!(
        world
            .settle("a", Some(latest("a-1", RunStatus::Completed, 0, 70)))
            .await,
        1
    );
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.closed_at),
        (State::Recovered, Some(at(70)))
    );
    assert_eq!(story.order.resolution.as_deref(), Some("recovered"));
    assert_eq!(
        (story.order.next_check_at, story.order.followed_run),
        (None, None)
    );
    assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::Recovered));
    assert_eq!(world.start_request("a").await, None);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_failed_restart_waits_for_its_next_turn() {
    let world = in_flight().await;
    assert_eq!(
        failed(&world, latest("a-1", RunStatus::Failed, 0, 50), None).await,
        1
    );
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.failed_run),
        (State::Failed, run("a-1"))
    );
    assert_eq!(story.order.due_at, at(50) + world.backoff("a", 1));
    assert_eq!(
        (story.attempts[0].outcome, story.failures.len()),
        (Some(AttemptOutcome::FailedAgain), 2)
    );
    assert_eq!(world.start_request("a").await, Some(request("a")));
    assert_eq!(
        world.observe(&[failure("a", "a-1", 50)]).await.new_failures,
        0
    );
}

#[tokio::test]
async fn a_restart_that_a_person_stopped_is_stopped() {
    for status in [RunStatus::Terminated, RunStatus::Canceled] {
        let world = in_flight().await;
        assert_eq!(
            world.settle("a", Some(latest("a-1", status, 0, 70))).await,
            1
        );
        let story = world.story("a").await;
        assert_eq!(
            (story.order.state, story.order.failed_run),
            (State::Stopped, run("a-1"))
        );
        assert_eq!(story.order.resolution.as_deref(), Some("stopped"));
        assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::Stopped));
    }
}

#[tokio::test]
async fn a_restart_whose_history_is_gone_is_a_dead_letter_of_the_batch_that_learns_it() {
    let world = in_flight().await;
    assert_eq!(world.settle("a", None).await, 1);
    let story = world.story("a").await;
    assert_eq!(story.order.state, State::DeadLettered);
    assert_eq!(
        story.dead_letters[0].reason,
        DeadLetterReason::OutcomeUnknown
    );
    assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::Unknown));
    assert_eq!(
        world.verdicts("a").await.last(),
        Some(&verdict("settling", "dlq", Some("outcome_unknown")))
    );
    // The failed run is the latest again, after its restart was deleted: it is never started a second time by itself.
    let world = in_flight().await;
    assert_eq!(
        world
            .settle("a", Some(latest("a-0", RunStatus::Failed, -90, -60)))
            .await,
        1
    );
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.dead_letters[0].reason),
        (State::DeadLettered, DeadLetterReason::OutcomeUnknown)
    );
}

#[tokio::test]
async fn an_operators_run_after_ours_is_followed_instead() {
    let world = in_flight().await;
    let check = world.check("a").await;
    let latest_run = Some(latest("a-op", RunStatus::Running, 60, 0));
    let checked = Checked {
        ours: None,
        check,
        latest: latest_run,
        attempt: Some(AttemptOutcome::Stopped),
        failure: None,
    };
    assert_eq!(world.settle_as(checked).await, 1);
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.followed_run),
        (State::InFlight, Some(run("a-op")))
    );
    assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::Stopped));
    assert_eq!(
        story.order.next_check_at,
        Some(world.now() + world.policy.settle.first_check)
    );
    // It is nobody's attempt, so its end ends none.
    assert!(!world.ledger.due_checks(at(1000), 9).await.unwrap()[0].has_attempt);
    assert_eq!(
        world
            .settle("a", Some(latest("a-op", RunStatus::Completed, 60, 90)))
            .await,
        0
    );
    assert_eq!(world.order("a").await.state, State::Recovered);
}

#[tokio::test]
async fn an_operators_run_that_has_ended_decides_and_our_attempt_ends_as_it_did() {
    for (status, state) in [
        (RunStatus::Completed, State::Recovered),
        (RunStatus::Terminated, State::Stopped),
        (RunStatus::Failed, State::Failed),
    ] {
        let world = in_flight().await;
        let check = world.check("a").await;
        let checked = Checked {
            ours: None,
            check,
            latest: Some(latest("a-op", status, 40, 50)),
            attempt: Some(AttemptOutcome::FailedAgain),
            failure: status
                .is_failure()
                .then(|| Box::new(failure("a", "a-op", 50))),
        };
        assert_eq!(world.settle_as(checked).await, 1);
        let story = world.story("a").await;
        assert_eq!(story.order.state, state);
        assert_eq!(
            story.attempts[0].outcome,
            Some(AttemptOutcome::FailedAgain),
            "{status}"
        );
    }
}

#[tokio::test]
async fn an_answer_for_an_order_that_has_moved_on_changes_nothing() {
    let world = in_flight().await;
    let stale = world.check("a").await;
    failed(&world, latest("a-1", RunStatus::Failed, 0, 50), None).await;
    let answer = |check: &redrive_ledger::Check| Checked {
        ours: None,
        check: check.clone(),
        latest: Some(latest("a-1", RunStatus::Completed, 0, 70)),
        attempt: None,
        failure: None,
    };
    let before = world.story("a").await;
    assert_eq!(world.settle_as(answer(&stale)).await, 0);
    assert_eq!(world.story("a").await, before);

    let stale = world.check("a").await;
    world.wait(10_000);
    let claimed = world.claim_one("a", "b2").await;
    let before = world.story("a").await;
    assert_eq!(world.settle_as(answer(&stale)).await, 0);
    assert_eq!(
        world.story("a").await,
        before,
        "a claimed order is its chunk's"
    );
    assert_eq!(claimed.failed_at, at(0) + SignedDuration::from_secs(50));
    assert_eq!(
        world
            .ledger
            .settle(&world.policy, &"s".into(), &[], world.moment())
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn a_batch_does_not_bury_what_it_has_restarted() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "settling").await;
    world.wait(100);
    assert_eq!(world.settle("a", None).await, 0);
    let order = world.order("a").await;
    assert_eq!(
        (order.state, order.next_check_at),
        (State::InFlight, Some(world.now()))
    );
    let checked = Checked {
        ours: None,
        check: world.check("a").await,
        latest: None,
        attempt: None,
        failure: None,
    };
    let (ledger, policy) = (&world.ledger, &world.policy);
    assert_eq!(
        ledger
            .settle(policy, &"next".into(), &[checked], world.moment())
            .await
            .unwrap(),
        1
    );
    let expected = [
        verdict("settling", "restarted", None),
        verdict("next", "dlq", Some("outcome_unknown")),
    ];
    assert_eq!(world.verdicts("a").await, expected);
}

#[tokio::test]
async fn settling_twice_is_settling_once() {
    let world = in_flight().await;
    let check = world.check("a").await;
    let checked = Checked {
        ours: None,
        check,
        latest: Some(latest("a-1", RunStatus::Completed, 0, 70)),
        attempt: None,
        failure: None,
    };
    let both = [checked.clone(), checked.clone()];
    assert_eq!(
        world
            .ledger
            .settle(&world.policy, &"s".into(), &both, world.moment())
            .await
            .unwrap(),
        1
    );
    let before = world.story("a").await;
    assert_eq!(world.settle_as(checked).await, 0);
    assert_eq!(world.story("a").await, before);
}
