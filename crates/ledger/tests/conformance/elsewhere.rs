//! Committing that the failed run is not the latest any more: for every status of the latest, with and without a run that
//! the intent had started before.

use redrive_core::decide::RunStatus;
use redrive_core::states::State;
use redrive_ledger::{AttemptOutcome, Failure, OurRun, Outcome, Resolution, Resolve};

use super::world::{World, ann, at, failure, first_failure, latest, run, verdict, with_status};

fn elsewhere(status: RunStatus, ours: Option<AttemptOutcome>) -> Outcome {
    let failed = status
        .is_failure()
        .then(|| Box::new(failure("a", "a-x", -5)));
    Outcome::Elsewhere {
        latest: latest("a-x", status, -20, -5),
        ours: ours.map(|end| OurRun {
            run: run("a-ours"),
            end,
        }),
        failure: failed,
    }
}

/// The order after such an outcome.
async fn after(status: RunStatus, ours: Option<AttemptOutcome>) -> World {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    world.commit("b1", &claimed, elsewhere(status, ours)).await;
    world.bystanders_are_unchanged().await;
    world
}

#[tokio::test]
async fn the_order_becomes_what_its_latest_run_is() {
    let table = [
        (RunStatus::Running, State::InFlight, "already_running"),
        (
            RunStatus::ContinuedAsNew,
            State::InFlight,
            "already_running",
        ),
        (RunStatus::Completed, State::Recovered, "completed"),
        (RunStatus::Failed, State::Failed, "newer_failure"),
        (RunStatus::TimedOut, State::Failed, "newer_failure"),
        (RunStatus::Terminated, State::Stopped, "stopped"),
        (RunStatus::Canceled, State::Stopped, "stopped"),
    ];
    for (status, state, reason) in table {
        let world = after(status, None).await;
        let story = world.story("a").await;
        assert_eq!(
            (story.order.state, story.order.retry_count),
            (state, 0),
            "{status}"
        );
        let intent = &story.attempts[0];
        assert_eq!(
            (intent.outcome, intent.note.as_deref()),
            (Some(AttemptOutcome::NotStarted), Some(reason))
        );
        assert!(intent.run.is_none());
        assert_eq!(
            world.verdicts("a").await,
            [verdict("b1", "skipped", Some(reason))]
        );
    }
}

#[tokio::test]
async fn a_run_of_ours_that_came_before_it_counts() {
    for status in [
        RunStatus::Running,
        RunStatus::Completed,
        RunStatus::Failed,
        RunStatus::Terminated,
    ] {
        let world = after(status, Some(AttemptOutcome::FailedAgain)).await;
        let story = world.story("a").await;
        assert_eq!(story.order.retry_count, 1, "{status}");
        let attempt = &story.attempts[0];
        assert_eq!(
            (attempt.run.clone(), attempt.outcome),
            (Some(run("a-ours")), Some(AttemptOutcome::FailedAgain))
        );
        assert_eq!(
            (attempt.started_at, attempt.settled_at),
            (Some(world.now()), Some(world.now()))
        );
        assert_eq!(
            world.verdicts("a").await,
            [verdict("b1", "restarted", None)]
        );
    }
}

#[tokio::test]
async fn a_running_one_is_followed() {
    let order = after(RunStatus::Running, None).await.order("a").await;
    assert_eq!(
        (order.followed_run, order.next_check_at),
        (Some(run("a-x")), Some(at(60)))
    );
    // What closed before it began is history; what closes after is its end.
    let world = after(RunStatus::Running, None).await;
    world
        .observe(&[failure("a", "a-before", -21), failure("a", "a-x", -4)])
        .await;
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.failed_run),
        (State::Failed, run("a-x"))
    );
    assert_eq!(story.order.due_at, at(-4), "no retry of ours: no backoff");
}

#[tokio::test]
async fn a_completed_or_stopped_one_closes_the_order() {
    let order = after(RunStatus::Completed, None).await.order("a").await;
    assert_eq!(
        (order.closed_at, order.resolution.as_deref()),
        (Some(at(-5)), Some("recovered"))
    );
    assert_eq!(order.failed_run, run("a-0"));
    for status in [RunStatus::Terminated, RunStatus::Canceled] {
        let world = after(status, None).await;
        let order = world.order("a").await;
        assert_eq!(
            (order.closed_at, order.resolution.as_deref()),
            (Some(at(-5)), Some("stopped"))
        );
        assert_eq!(
            order.failed_run,
            run("a-x"),
            "an explicit retry starts from the run that was stopped"
        );
        assert_eq!(world.start_request("a").await, None);
    }
}

#[tokio::test]
async fn a_failed_one_is_the_new_failed_run() {
    let world = after(RunStatus::Failed, None).await;
    let story = world.story("a").await;
    assert_eq!(
        (story.order.failed_run, story.order.failed_at),
        (run("a-x"), at(-5))
    );
    assert_eq!((story.failures.len(), story.order.due_at), (2, at(-5)));
    assert!(world.start_request("a").await.is_some());
    assert_eq!(
        world.observe(&[failure("a", "a-x", -5)]).await.new_failures,
        0,
        "it is known"
    );
    world.wait(10_000);
    assert!(
        world.claim(&world.wanted("b1", 2)).await.fresh.is_empty(),
        "the next batch's"
    );
    assert_eq!(
        world.claim(&world.wanted("b2", 1)).await.fresh[0].from_run,
        run("a-x")
    );

    let order = after(RunStatus::Failed, Some(AttemptOutcome::FailedAgain)).await;
    assert_eq!(
        order.order("a").await.due_at,
        at(-5) + order.backoff("a", 1),
        "a retry of ours costs its backoff"
    );
}

#[tokio::test]
async fn a_failed_one_that_bears_our_memo_is_ours() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    let ours = Failure {
        from_run: Some(run("a-0")),
        ..failure("a", "a-x", -5)
    };
    let outcome = Outcome::Elsewhere {
        latest: latest("a-x", RunStatus::Failed, -20, -5),
        ours: None,
        failure: Some(Box::new(ours)),
    };
    world.commit("b1", &claimed, outcome).await;
    let story = world.story("a").await;
    assert_eq!(
        (story.order.retry_count, story.attempts[0].run.clone()),
        (1, Some(run("a-x")))
    );
    assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::FailedAgain));
    assert_eq!(
        world.verdicts("a").await,
        [verdict("b1", "restarted", None)]
    );
    assert_eq!(story.order.due_at, at(-5) + world.backoff("a", 1));
}

#[tokio::test]
async fn an_operators_retry_that_met_a_newer_failure_stays_first_in_line() {
    let world = World::new().await;
    let fraud = |failure| with_status("fraud_suspected", failure);
    world.observe(&[fraud(first_failure("a"))]).await;
    world
        .ledger
        .park(&"a".into(), &ann("x").into(), world.now())
        .await
        .unwrap();
    let retry = Resolve {
        workflow_id: "a".into(),
        resolution: Resolution::ManualRetry,
        by: ann("fixed"),
    };
    world
        .ledger
        .resolve(&world.policy, &retry, world.now())
        .await
        .unwrap();
    let claimed = world.claim_one("a", "b1").await;
    let outcome = Outcome::Elsewhere {
        latest: latest("a-x", RunStatus::Failed, -20, -5),
        ours: None,
        failure: Some(Box::new(fraud(failure("a", "a-x", -5)))),
    };
    world.commit("b1", &claimed, outcome).await;
    assert!(
        world.order("a").await.manual,
        "nothing was started for it yet"
    );
    let next = world.claim(&world.wanted("b2", 1)).await.fresh;
    assert_eq!(
        (next.len(), next[0].from_run.clone(), next[0].manual),
        (1, run("a-x"), true)
    );
    world
        .commit("b2", &next[0], Outcome::Restarted(run("a-1")))
        .await;
    assert!(
        !world.order("a").await.manual,
        "once started it is an order as any"
    );
}
