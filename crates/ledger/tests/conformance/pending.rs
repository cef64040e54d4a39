//! Failures whose meaning waits: of an order that is claimed, or beside a chain that is followed.

use redrive_core::decide::RunStatus;
use redrive_core::states::State;
use redrive_ledger::{AttemptOutcome, Failure, Outcome};

use super::world::{World, at, failure, first_failure, latest, request, run, verdict};

#[tokio::test]
async fn a_claimed_orders_failure_waits_until_its_outcome_is_committed() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    let ours = Failure {
        from_run: Some(run("a-0")),
        ..failure("a", "a-1", -10)
    };
    world.observe(std::slice::from_ref(&ours)).await;
    world.observe_pending().await;
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.failed_run),
        (State::Claimed, run("a-0"))
    );
    assert_eq!(
        (story.failures.len(), story.attempts[0].run.clone()),
        (2, None)
    );

    world
        .commit("b1", &claimed, Outcome::Restarted(run("a-1")))
        .await;
    assert_eq!(world.order("a").await.state, State::InFlight);
    assert_eq!(world.observe_pending().await.failed_again, 1);
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.retry_count),
        (State::Failed, 1)
    );
    assert_eq!(
        (story.order.failed_run, story.order.failed_at),
        (run("a-1"), at(-10))
    );
    assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::FailedAgain));
    assert_eq!(
        world.start_request("a").await,
        Some(request("a")),
        "it was kept while it waited"
    );
    assert_eq!(world.observe_pending().await, Default::default());
    assert_eq!(
        world.verdicts("a").await,
        [verdict("b1", "restarted", None)]
    );
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_pending_failure_with_our_memo_counts_when_its_intent_was_given_up() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    world
        .observe(&[Failure {
            from_run: Some(run("a-0")),
            ..failure("a", "a-1", -10)
        }])
        .await;
    world
        .commit(
            "b1",
            &claimed,
            Outcome::ItemError {
                message: "no such search attribute".into(),
            },
        )
        .await;
    assert_eq!(world.observe_pending().await.failed_again, 1);
    let story = world.story("a").await;
    assert_eq!((story.order.retry_count, story.order.item_errors), (1, 0));
    assert_eq!(
        (story.order.failed_run, story.attempts[0].run.clone()),
        (run("a-1"), Some(run("a-1")))
    );
    let expected = [
        verdict("b1", "error", Some("no such search attribute")),
        verdict("scan", "restarted", None),
    ];
    assert_eq!(world.verdicts("a").await, expected);
}

#[tokio::test]
async fn beside_a_followed_chain_a_later_failure_waits_and_asks_for_a_description() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    world.wait(50);
    world.observe(&[failure("a", "a-elsewhere", 40)]).await;
    let order = world.order("a").await;
    assert_eq!(
        (order.state, order.next_check_at),
        (State::InFlight, Some(world.now()))
    );
    assert_eq!(world.observe_pending().await, Default::default());
    assert_eq!(world.order("a").await, order, "it waits on");

    // The followed run turns out to have completed before; so the later failure begins a generation.
    world
        .settle("a", Some(latest("a-1", RunStatus::Completed, 5, 30)))
        .await;
    assert_eq!(world.order("a").await.state, State::Recovered);
    assert!(
        world.ledger.next_work_at().await.unwrap().is_some(),
        "the failure is work that is left"
    );
    world.observe_pending().await;
    let order = world.order("a").await;
    assert_eq!(
        (order.state, order.generation, order.failed_run),
        (State::Failed, 2, run("a-elsewhere"))
    );
    assert_eq!(world.start_request("a").await, Some(request("a")));
}

#[tokio::test]
async fn a_pending_failure_that_settling_brings_too_is_taken_up_once() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    world.wait(50);
    let theirs = failure("a", "a-elsewhere", 40);
    world.observe(std::slice::from_ref(&theirs)).await;
    let checked = redrive_ledger::Checked {
        ours: None,
        check: world.check("a").await,
        latest: Some(latest("a-elsewhere", RunStatus::Failed, 30, 40)),
        attempt: Some(AttemptOutcome::FailedAgain),
        failure: Some(Box::new(theirs)),
    };
    assert_eq!(world.settle_as(checked).await, 1);
    let before = world.story("a").await;
    assert_eq!(
        (before.order.state, before.order.failed_run.clone()),
        (State::Failed, run("a-elsewhere"))
    );
    assert_eq!(world.observe_pending().await, Default::default());
    assert_eq!(world.story("a").await, before);
    assert_eq!(world.start_request("a").await, Some(request("a")));
}

#[tokio::test]
async fn more_pending_failures_than_one_transaction_takes_are_all_taken() {
    let world = World::new().await;
    let firsts: Vec<_> = (0..1100)
        .map(|n| first_failure(&format!("o-{n}")))
        .collect();
    world.observe(&firsts).await;
    let request = redrive_ledger::ClaimRequest {
        limit: 2000,
        ..world.wanted("b1", 1)
    };
    let claimed = world.claim(&request).await.fresh;
    assert_eq!(claimed.len(), 1100);
    let seconds: Vec<_> = (0..1100)
        .map(|n| failure(&format!("o-{n}"), &format!("o-{n}-1"), -10))
        .collect();
    world.observe(&seconds).await;
    let commits: Vec<_> = claimed
        .iter()
        .map(|order| redrive_ledger::Commit {
            pk: order.pk,
            fence: order.fence,
            outcome: Outcome::Released,
        })
        .collect();
    world
        .ledger
        .commit(&world.policy, &"b1".into(), 1, &commits, world.moment())
        .await
        .unwrap();
    world.observe_pending().await;
    for n in [0, 500, 1099] {
        assert_eq!(
            world.order(&format!("o-{n}")).await.failed_run,
            run(&format!("o-{n}-1"))
        );
    }
}
