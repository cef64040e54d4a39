//! Failures that somebody reports: taken in once, and counted by no batch but the one that learns what they mean.

use redrive_core::states::State;
use redrive_ledger::{AttemptOutcome, Failure};

use super::world::{World, failure, first_failure, run, verdict};

async fn report(world: &World, failure: &Failure) -> bool {
    world
        .ledger
        .report(&world.policy, failure, world.moment())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_reported_failure_is_taken_in_once() {
    let world = World::new().await;
    assert!(
        report(&world, &first_failure("a")).await,
        "an order that was not known"
    );
    assert!(!report(&world, &first_failure("a")).await);
    assert_eq!(
        world.observe(&[first_failure("a")]).await,
        Default::default(),
        "nor by the scan"
    );
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.failures.len()),
        (State::Failed, 1)
    );

    // Somebody else started it again, and that failed, too.
    assert!(report(&world, &failure("a", "a-hand", -30)).await);
    let story = world.story("a").await;
    assert_eq!(
        (story.order.failed_run, story.order.retry_count),
        (run("a-hand"), 0)
    );
    assert!(
        report(&world, &failure("a", "a-before", -50)).await,
        "what came before is history"
    );
    assert_eq!(world.order("a").await.failed_run, run("a-hand"));
    assert!(world.verdicts("a").await.is_empty());
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn what_an_attempt_of_ours_may_explain_waits_for_a_batch() {
    let world = World::new().await;
    world
        .observe(&[first_failure("a"), first_failure("b")])
        .await;
    world.open("b1").await;
    world.restart("a", "a-1", "b1").await;
    world.claim_one("b", "b1").await;
    for order in ["a", "b"] {
        let ours = Failure {
            from_run: Some(format!("{order}-0").as_str().into()),
            ..failure(order, &format!("{order}-1"), 5)
        };
        assert!(report(&world, &ours).await);
        assert!(!report(&world, &ours).await);
    }
    assert_eq!(world.order("a").await.state, State::InFlight);
    assert_eq!(world.order("b").await.state, State::Claimed);
    assert_eq!(world.observe_pending().await.failed_again, 1);
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.retry_count),
        (State::Failed, 1),
        "it counts as ours, once"
    );
    assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::FailedAgain));
    assert_eq!(
        world.verdicts("a").await,
        [verdict("b1", "restarted", None)]
    );
}
