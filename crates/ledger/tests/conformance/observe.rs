//! The one door: what a failed run means for its order, and that it means it once.

use redrive_core::decide::RunStatus;
use redrive_core::policy::Policy;
use redrive_core::states::State;
use redrive_ledger::{AttemptOutcome, Failure, ObserveSummary, Outcome};

use super::world::{
    World, ann, at, failure, first_failure, latest, noise, request, run, verdict, with_status,
};

fn summary(new_failures: u64, new_orders: u64, failed_again: u64) -> ObserveSummary {
    ObserveSummary {
        new_failures,
        new_orders,
        eligible_orders: new_orders,
        failed_again,
    }
}

#[tokio::test]
async fn a_first_failure_makes_an_order_that_is_due() {
    let world = World::new().await;
    let timed_out = Failure {
        timed_out: true,
        ..first_failure("a")
    };
    assert_eq!(world.observe(&[timed_out]).await, summary(1, 1, 0));
    let story = world.story("a").await;
    let order = story.order;
    assert_eq!(
        (order.state, order.generation, order.retry_count),
        (State::Failed, 1, 0)
    );
    assert_eq!(
        (order.order_id.as_str(), order.failed_run),
        ("id-of-a", run("a-0"))
    );
    assert_eq!((order.failed_at, order.due_at), (at(-60), at(-60)));
    assert_eq!(order.failure_reason, "a-0 found no carrier");
    assert!(order.eligible && !order.manual && !order.has_parent);
    assert_eq!(
        order.next_check_at,
        Some(world.now() + world.policy.settle.recheck)
    );
    assert_eq!(story.failures.len(), 1);
    assert!(story.failures[0].timed_out);
    assert_eq!(world.start_request("a").await, Some(request("a")));
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn observing_twice_is_free() {
    let world = World::new().await;
    let failures = [
        first_failure("a"),
        first_failure("b"),
        failure("a", "a-9", -30),
    ];
    assert_eq!(world.observe(&failures).await, summary(3, 2, 0));
    let before = world.ledger.stories_after(None, 100).await.unwrap();
    world.wait(1000);
    assert_eq!(world.observe(&failures).await, summary(0, 0, 0));
    // A run named twice in one call is one run, too.
    let twice = [failure("b", "b-5", -20), failure("b", "b-5", -20)];
    assert_eq!(world.observe(&twice).await, summary(1, 0, 0));
    let after = world.ledger.stories_after(None, 100).await.unwrap();
    assert_eq!(before.len(), after.len());
    let of = |stories: &[redrive_ledger::Story]| {
        stories
            .iter()
            .find(|s| s.order.workflow_id.as_str() == "a")
            .cloned()
    };
    assert_eq!(of(&before), of(&after));
}

#[tokio::test]
async fn statuses_that_are_left_alone_and_children_are_kept_and_shown() {
    let world = World::new().await;
    let child = Failure {
        has_parent: true,
        ..first_failure("child")
    };
    world
        .observe(&[
            with_status("fraud_suspected", first_failure("fraud")),
            child,
        ])
        .await;
    for order in ["fraud", "child"] {
        let order = world.order(order).await;
        assert_eq!(order.state, State::Failed);
        assert!(!order.eligible);
    }
    assert!(world.claim(&world.wanted("b1", 1)).await.fresh.is_empty());
}

#[tokio::test]
async fn a_policy_may_keep_no_start_requests() {
    let world = World::with_policy(Policy {
        keep_start_requests: false,
        ..Policy::default()
    })
    .await;
    world.observe(&[first_failure("a")]).await;
    assert_eq!(world.start_request("a").await, None);
}

#[tokio::test]
async fn the_order_of_arrival_does_not_matter() {
    let failures = [
        failure("a", "a-0", -60),
        failure("a", "a-1", -50),
        failure("a", "a-2", -40),
    ];
    for arrival in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let together = World::new().await;
        let arrived = arrival.map(|n: usize| failures[n].clone());
        assert_eq!(together.observe(&arrived).await, summary(3, 1, 0));
        let one_by_one = World::new().await;
        for failure in &arrived {
            one_by_one.observe(std::slice::from_ref(failure)).await;
        }
        for world in [together, one_by_one] {
            let story = world.story("a").await;
            assert_eq!(
                (story.order.failed_run, story.order.failed_at),
                (run("a-2"), at(-40))
            );
            assert_eq!(story.failures.len(), 3);
            assert_eq!(world.start_request("a").await, Some(request("a")));
        }
    }
}

#[tokio::test]
async fn a_newer_failure_moves_the_failed_run_of_a_waiting_order() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let newer = with_status("fraud_suspected", failure("a", "a-1", -10));
    assert_eq!(world.observe(&[newer]).await, summary(1, 0, 0));
    let order = world.order("a").await;
    assert_eq!(
        (order.state, order.failed_run, order.generation),
        (State::Failed, run("a-1"), 1)
    );
    assert_eq!(order.failure_status, "fraud_suspected");
    assert!(!order.eligible, "eligibility follows the status");
    assert_eq!(
        order.due_at,
        at(-60),
        "somebody else's run costs no waiting"
    );
}

#[tokio::test]
async fn a_restart_that_fails_again_waits_for_its_backoff() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    world.wait(100);
    let mut last_of_chain = failure("a", "a-1-retried", 90);
    last_of_chain.first_run_id = run("a-1");
    last_of_chain.from_run = Some(run("a-0"));
    assert_eq!(world.observe(&[last_of_chain]).await, summary(1, 0, 1));
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.retry_count),
        (State::Failed, 1)
    );
    assert_eq!(story.order.failed_run, run("a-1-retried"));
    assert_eq!(story.order.due_at, at(90) + world.backoff("a", 1));
    assert!(story.order.followed_run.is_none());
    let attempt = &story.attempts[0];
    assert_eq!(
        (attempt.run.clone(), attempt.outcome),
        (Some(run("a-1")), Some(AttemptOutcome::FailedAgain))
    );
    assert_eq!(attempt.settled_at, Some(world.now()));
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn the_last_failure_of_a_budget_does_not_wait() {
    let world = World::with_policy(Policy {
        max_retries: 1,
        ..Policy::default()
    })
    .await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    world.wait(100);
    world.observe(&[failure("a", "a-1", 90)]).await;
    assert_eq!(world.order("a").await.due_at, at(90));
}

#[tokio::test]
async fn a_recovered_order_that_fails_anew_begins_a_generation() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    world
        .settle("a", Some(latest("a-1", RunStatus::Completed, -50, -40)))
        .await;
    assert_eq!(
        world.start_request("a").await,
        None,
        "dropped when the order closed"
    );

    assert_eq!(
        world.observe(&[failure("a", "a-between", -45)]).await,
        summary(1, 0, 0)
    );
    assert_eq!(
        world.order("a").await.state,
        State::Recovered,
        "a failure before the recovery is history"
    );

    world.observe(&[failure("a", "a-2", -30)]).await;
    let order = world.order("a").await;
    assert_eq!(
        (order.state, order.generation, order.retry_count),
        (State::Failed, 2, 0)
    );
    assert_eq!((order.failed_run, order.due_at), (run("a-2"), at(-30)));
    assert!(order.closed_at.is_none() && order.resolution.is_none());
    assert_eq!(world.start_request("a").await, Some(request("a")));
    assert_eq!(
        world.story("a").await.attempts.len(),
        1,
        "the history is kept"
    );
}

#[tokio::test]
async fn after_a_cancellation_failures_are_only_shown() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world
        .ledger
        .park(&"a".into(), &ann("x").into(), world.now())
        .await
        .unwrap();
    world.cancel("a").await;
    world.wait(100);
    world.observe(&[failure("a", "a-1", 90)]).await;
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.failures.len()),
        (State::Resolved, 2)
    );
    assert_eq!(world.start_request("a").await, None);
}

#[tokio::test]
async fn a_dead_letter_follows_a_newer_failure() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world
        .ledger
        .park(&"a".into(), &ann("x").into(), world.now())
        .await
        .unwrap();
    world
        .observe(&[with_status("slam_failed", failure("a", "a-1", -10))])
        .await;
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.failed_run),
        (State::DeadLettered, run("a-1"))
    );
    let entry = &story.dead_letters[0];
    assert_eq!(
        (entry.failure_status.as_str(), entry.failure_reason.as_str()),
        ("slam_failed", "a-1 found no carrier")
    );
    world.bystanders_are_unchanged().await;
}

/// An intent whose reply was lost: the order was found running as somebody else's `a-x`, and our `a-ours` is not known.
async fn lost_reply(world: &World) {
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    let elsewhere = Outcome::Elsewhere {
        latest: latest("a-x", RunStatus::Running, -20, 0),
        ours: None,
        failure: None,
    };
    world.commit("b1", &claimed, elsewhere).await;
}

#[tokio::test]
async fn a_restart_whose_reply_was_lost_counts_when_its_memo_is_seen() {
    let world = World::new().await;
    lost_reply(&world).await;
    let ours = Failure {
        from_run: Some(run("a-0")),
        ..failure("a", "a-ours", -30)
    };
    assert_eq!(
        world.observe(std::slice::from_ref(&ours)).await,
        summary(1, 0, 1)
    );
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.retry_count),
        (State::InFlight, 1),
        "it closed before a-x began"
    );
    let attempt = &story.attempts[0];
    assert_eq!(
        (attempt.run.clone(), attempt.outcome),
        (Some(run("a-ours")), Some(AttemptOutcome::FailedAgain))
    );
    assert_eq!(attempt.note, None);
    let expected = [
        verdict("b1", "skipped", Some("already_running")),
        verdict("scan", "restarted", None),
    ];
    assert_eq!(world.verdicts("a").await, expected);
    assert_eq!(world.observe(&[ours]).await, summary(0, 0, 0));
}

#[tokio::test]
async fn one_run_never_answers_two_attempts_and_one_failed_run_never_two() {
    let world = World::new().await;
    lost_reply(&world).await;
    let ours = |name: &str, closed| Failure {
        from_run: Some(run("a-0")),
        ..failure("a", name, closed)
    };
    world.observe(&[ours("a-ours", -30)]).await;
    // Another run with the same memo is no restart of ours: there can be only one.
    assert_eq!(
        world.observe(&[ours("a-copy", -25)]).await,
        summary(1, 0, 0)
    );
    // Nor is a later run of the same chain another one.
    let mut retried = ours("a-ours-2", -24);
    retried.first_run_id = run("a-ours");
    assert_eq!(world.observe(&[retried]).await, summary(1, 0, 0));
    // A memo that names no intent of the order names nothing.
    let stray = Failure {
        from_run: Some(run("q-0")),
        ..failure("a", "a-stray", -23)
    };
    assert_eq!(world.observe(&[stray]).await, summary(1, 0, 0));
    let story = world.story("a").await;
    assert_eq!((story.attempts.len(), story.order.retry_count), (1, 1));
}

#[tokio::test]
async fn a_recognised_restart_of_a_waiting_order_waits_as_any() {
    let world = World::new().await;
    lost_reply(&world).await;
    world.wait(100);
    // a-x fails: the order waits, with no attempt spent.
    world.observe(&[failure("a", "a-x", 50)]).await;
    assert_eq!(world.order("a").await.retry_count, 0);
    let ours = Failure {
        from_run: Some(run("a-0")),
        ..failure("a", "a-ours", 60)
    };
    assert_eq!(world.observe(&[ours]).await, summary(1, 0, 1));
    let order = world.order("a").await;
    assert_eq!(
        (order.state, order.retry_count, order.failed_run),
        (State::Failed, 1, run("a-ours"))
    );
    assert_eq!(order.due_at, at(60) + world.backoff("a", 1));
    // The batch that counted it does not handle it a second time.
    world.wait(100_000);
    assert!(world.claim(&world.wanted("scan", 1)).await.fresh.is_empty());
    assert_eq!(world.claim(&world.wanted("b2", 1)).await.fresh.len(), 1);
}

#[tokio::test]
async fn a_recognised_restart_of_an_earlier_generation_costs_nothing() {
    let world = World::new().await;
    lost_reply(&world).await;
    world
        .settle("a", Some(latest("a-x", RunStatus::Completed, -20, -10)))
        .await;
    world.wait(100);
    world.observe(&[failure("a", "a-2", 50)]).await;
    let ours = Failure {
        from_run: Some(run("a-0")),
        ..failure("a", "a-ours", -30)
    };
    assert_eq!(world.observe(&[ours]).await, summary(1, 0, 1));
    let story = world.story("a").await;
    assert_eq!((story.order.generation, story.order.retry_count), (2, 0));
    assert_eq!(story.attempts[0].run, Some(run("a-ours")));
}

#[tokio::test]
async fn a_batch_counts_one_restart_of_an_order_and_the_next_batch_another() {
    let world = World::new().await;
    lost_reply(&world).await;
    world.wait(100);
    world.observe(&[failure("a", "a-x", 50)]).await;
    world.restart("a", "a-2", "scan").await;
    // The batch has restarted it; now the run of the earlier attempt comes to light.
    let ours = Failure {
        from_run: Some(run("a-0")),
        ..failure("a", "a-ours", -30)
    };
    assert_eq!(world.observe(&[ours]).await, summary(1, 0, 0));
    assert_eq!(world.observe_pending().await, summary(0, 0, 0));
    assert_eq!(world.order("a").await.retry_count, 1);
    let (ledger, policy) = (&world.ledger, &world.policy);
    let later = ledger
        .observe_pending(policy, &"b9".into(), world.moment())
        .await
        .unwrap();
    assert_eq!(later, summary(0, 0, 1));
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.retry_count),
        (State::InFlight, 2)
    );
    assert_eq!(story.attempts[0].run, Some(run("a-ours")));
    let counted = world
        .verdicts("a")
        .await
        .into_iter()
        .filter(|(_, said, _)| said == "restarted");
    assert_eq!(counted.count(), 2);
}

#[tokio::test]
async fn a_restart_that_is_recognised_after_all_is_what_the_batch_did() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "scan").await;
    let refused = Outcome::ItemError {
        message: "refused".into(),
    };
    world.commit("scan", &claimed, refused).await;
    assert_eq!(
        world.verdicts("a").await,
        [verdict("scan", "error", Some("refused"))]
    );
    let ours = Failure {
        from_run: Some(run("a-0")),
        ..failure("a", "a-1", -10)
    };
    world.observe(&[ours]).await;
    assert_eq!(
        world.verdicts("a").await,
        [verdict("scan", "restarted", None)]
    );
}

#[tokio::test]
async fn a_thousand_failures_are_one_call() {
    let world = World::new().await;
    let failures: Vec<Failure> = (0..1000)
        .map(|n| first_failure(&format!("order-{n}")))
        .collect();
    assert_eq!(world.observe(&failures).await, summary(1000, 1000, 0));
    assert_eq!(
        world.start_request("order-999").await,
        Some(request("order-999"))
    );
    assert_eq!(world.observe(&failures).await, summary(0, 0, 0));
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn start_requests_of_any_length_are_kept_byte_for_byte() {
    let world = World::new().await;
    let lengths = [40, 700 << 10, 0, 700 << 10, 3 << 20, 8];
    let failures: Vec<Failure> = (0..)
        .zip(lengths)
        .map(|(n, length)| Failure {
            start_request: noise(n, length),
            ..first_failure(&format!("order-{n}"))
        })
        .collect();
    world.observe(&failures).await;
    for given in &failures {
        let kept = world.start_request(given.workflow_id.as_str()).await;
        assert!(
            kept.as_ref() == Some(&given.start_request),
            "{}",
            given.workflow_id
        );
    }
    world.bystanders_are_unchanged().await;
}
