//! Settling a run that was started after its intent had been given up: by a try that was taken for dead, say.

use redrive_core::decide::RunStatus;
use redrive_core::states::State;
use redrive_ledger::{AttemptOutcome, Checked, OurRun, Outcome};

use super::settle::failed;
use super::world::{World, ann, latest, run, verdict};

/// A world whose order's one intent was given up, its start refused.
async fn given_up() -> World {
    let world = World::new().await;
    world.observe(&[super::world::first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    let refused = Outcome::ItemError {
        message: "refused".into(),
    };
    world.commit("b1", &claimed, refused).await;
    world.wait(100);
    world
}

/// Settles it: the run `a-late` of ours was found, which ended so, and the latest run stands so.
async fn found(world: &World, end: AttemptOutcome, latest: redrive_ledger::Latest) -> u64 {
    let check = world.check("a").await;
    assert_eq!(
        check.given_up,
        Some(world.story("a").await.attempts[0].request_id)
    );
    let ours = OurRun {
        run: run("a-late"),
        end,
    };
    world
        .settle_as(Checked {
            check,
            latest: Some(latest),
            attempt: None,
            ours: Some(ours),
            failure: None,
        })
        .await
}

#[tokio::test]
async fn the_run_goes_to_its_attempt_and_the_restart_counts() {
    let cases = [
        (
            RunStatus::Completed,
            AttemptOutcome::Recovered,
            State::Resolved,
        ),
        (
            RunStatus::Terminated,
            AttemptOutcome::Stopped,
            State::Stopped,
        ),
    ];
    for (status, end, state) in cases {
        let world = given_up().await;
        assert_eq!(
            found(&world, end, latest("a-late", status, 10, 20)).await,
            1
        );
        let story = world.story("a").await;
        assert_eq!((story.order.state, story.order.retry_count), (state, 1));
        let attempt = &story.attempts[0];
        assert_eq!(
            (attempt.run.clone(), attempt.outcome),
            (Some(run("a-late")), Some(end))
        );
        assert_eq!(
            world.verdicts("a").await,
            [
                verdict("b1", "error", Some("refused")),
                verdict("settling", "restarted", None)
            ]
        );
        world.bystanders_are_unchanged().await;
    }
}

#[tokio::test]
async fn a_run_that_goes_on_is_followed_as_any_restart() {
    let world = given_up().await;
    found(
        &world,
        AttemptOutcome::Unknown,
        latest("a-late", RunStatus::Running, 10, 0),
    )
    .await;
    let story = world.story("a").await;
    let attempt = &story.attempts[0];
    assert_eq!(
        (
            story.order.state,
            story.order.followed_run,
            story.order.retry_count
        ),
        (State::InFlight, Some(run("a-late")), 1)
    );
    assert_eq!((attempt.outcome, attempt.note.clone()), (None, None));
    assert!(world.check("a").await.has_attempt);
    world
        .settle("a", Some(latest("a-late", RunStatus::Completed, 10, 90)))
        .await;
    let story = world.story("a").await;
    assert_eq!(story.order.state, State::Recovered);
    assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::Recovered));
}

#[tokio::test]
async fn an_operators_run_after_it_decides_what_the_order_becomes() {
    let world = given_up().await;
    found(
        &world,
        AttemptOutcome::Recovered,
        latest("a-op", RunStatus::Running, 40, 0),
    )
    .await;
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.followed_run),
        (State::InFlight, Some(run("a-op")))
    );
    assert_eq!(
        (story.attempts[0].run.clone(), story.attempts[0].outcome),
        (Some(run("a-late")), Some(AttemptOutcome::Recovered))
    );
}

#[tokio::test]
async fn a_dead_letter_learns_of_it_when_the_run_has_ended() {
    let world = given_up().await;
    world
        .ledger
        .park(&"a".into(), &ann("x").into(), world.now())
        .await
        .unwrap();
    let running = latest("a-late", RunStatus::Running, 10, 0);
    assert_eq!(found(&world, AttemptOutcome::Unknown, running).await, 0);
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.attempts[0].run.clone()),
        (State::DeadLettered, None)
    );
    let completed = latest("a-late", RunStatus::Completed, 10, 20);
    assert_eq!(found(&world, AttemptOutcome::Recovered, completed).await, 1);
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.attempts[0].run.clone()),
        (State::Resolved, Some(run("a-late")))
    );
}

#[tokio::test]
async fn a_failure_of_it_waits_as_that_of_any_restart() {
    let world = given_up().await;
    let check = world.check("a").await;
    assert!(check.given_up.is_some());
    // The failure itself says whose it is: by our memo.
    let late = super::world::failure("a", "a-late", 50);
    let late = redrive_ledger::Failure {
        from_run: Some(run("a-0")),
        ..late
    };
    let ours = OurRun {
        run: run("a-late"),
        end: AttemptOutcome::FailedAgain,
    };
    let checked = Checked {
        check,
        latest: Some(latest("a-late", RunStatus::Failed, 10, 50)),
        attempt: None,
        ours: Some(ours),
        failure: Some(Box::new(late)),
    };
    assert_eq!(world.settle_as(checked).await, 1);
    let story = world.story("a").await;
    assert_eq!(
        (
            story.order.state,
            story.order.failed_run,
            story.order.retry_count
        ),
        (State::Failed, run("a-late"), 1)
    );
    assert_eq!(
        story.order.due_at,
        super::world::at(50) + world.backoff("a", 1)
    );
    assert_eq!(
        failed(&world, latest("a-late", RunStatus::Failed, 10, 50), None).await,
        0
    );
}
