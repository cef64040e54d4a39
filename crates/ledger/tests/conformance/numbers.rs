//! What is counted for ever, by how it ended and by failure status; what is oldest; and which batches have ended.

use jiff::{SignedDuration, Timestamp};
use redrive_core::decide::RunStatus;
use redrive_core::report::VerdictKind;
use redrive_ledger::{AttemptOutcome, Numbers, Outcome};

use super::world::{World, at, failure, first_failure, latest, run, with_status};

async fn numbers(world: &World) -> Numbers {
    world.reader.numbers().await.unwrap()
}

fn verdicts(numbers: &Numbers) -> Vec<(VerdictKind, &str, u64)> {
    let verdicts = numbers.verdicts.iter();
    verdicts
        .map(|(verdict, status, count)| (*verdict, status.as_str(), *count))
        .collect()
}

fn outcomes(numbers: &Numbers) -> Vec<(AttemptOutcome, &str, u64)> {
    let outcomes = numbers.outcomes.iter();
    outcomes
        .map(|(outcome, status, count)| (*outcome, status.as_str(), *count))
        .collect()
}

/// Orders by how many seconds they took at most, without those stretches that have none.
fn recoveries(numbers: &Numbers) -> Vec<(Option<i64>, u64)> {
    let some = numbers.recoveries.iter().filter(|some| some.orders > 0);
    some.map(|some| (some.within.map(|within| within.as_secs()), some.orders))
        .collect()
}

#[tokio::test]
async fn what_was_done_is_counted_by_how_it_ended_and_by_failure_status() {
    let world = World::new().await;
    // The bystander that recovered failed at -60, and its restart ended at -40.
    let before = numbers(&world).await;
    assert_eq!(
        verdicts(&before),
        [(VerdictKind::Restarted, "shipping_failed", 1)]
    );
    assert_eq!(
        outcomes(&before),
        [(AttemptOutcome::Recovered, "shipping_failed", 1)]
    );
    assert_eq!(recoveries(&before), [(Some(60), 1)]);
    assert_eq!(before.recovering, SignedDuration::from_secs(20));

    world
        .observe(&[
            first_failure("a"),
            with_status("slam_failed", first_failure("b")),
        ])
        .await;
    world.open("b1").await;
    world.restart("a", "a-1", "b1").await;
    let claimed = world.claim_one("b", "b1").await;
    let refused = Outcome::ItemError {
        message: "no such queue".into(),
    };
    world.commit("b1", &claimed, refused).await;
    // It fails again, in another way, and its second restart recovers it: an hour and more after its first failure.
    let again = with_status("pick_timeout", failure("a", "a-1", 10));
    assert_eq!(world.observe(&[again]).await.failed_again, 1);
    world.wait(700);
    world.restart("a", "a-2", "b2").await;
    let completed = latest("a-2", RunStatus::Completed, 700, 4_000);
    assert_eq!(world.settle("a", Some(completed)).await, 1);

    let expected = (
        vec![
            (VerdictKind::Error, "slam_failed", 1),
            (VerdictKind::Restarted, "pick_timeout", 1),
            (VerdictKind::Restarted, "shipping_failed", 2),
        ],
        vec![
            (AttemptOutcome::FailedAgain, "shipping_failed", 1),
            (AttemptOutcome::NotStarted, "slam_failed", 1),
            (AttemptOutcome::Recovered, "pick_timeout", 1),
            (AttemptOutcome::Recovered, "shipping_failed", 1),
        ],
        vec![(Some(60), 1), (Some(7_200), 1)],
    );
    let after = numbers(&world).await;
    let told = |numbers: &Numbers| (verdicts(numbers).len(), recoveries(numbers));
    assert_eq!(verdicts(&after), expected.0);
    assert_eq!(outcomes(&after), expected.1);
    assert_eq!(recoveries(&after), expected.2);
    assert_eq!(after.recovering, SignedDuration::from_secs(20 + 4_060));
    // A batch's end adds counters up, and changes none.
    world.finish("b1").await;
    let added_up = numbers(&world).await;
    assert_eq!(told(&added_up), told(&after));
    assert_eq!(
        (verdicts(&added_up), outcomes(&added_up)),
        (verdicts(&after), outcomes(&after))
    );
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_verdict_that_is_corrected_counts_again_and_nothing_is_taken_back() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    for _ in 0..2 {
        world.commit("b1", &claimed, Outcome::AnswerUnknown).await;
    }
    let skipped = (VerdictKind::Skipped, "shipping_failed", 1);
    assert_eq!(
        verdicts(&numbers(&world).await),
        [(VerdictKind::Restarted, "shipping_failed", 1), skipped]
    );
    world
        .commit("b1", &claimed, Outcome::Restarted(run("a-1")))
        .await;
    assert_eq!(
        verdicts(&numbers(&world).await),
        [(VerdictKind::Restarted, "shipping_failed", 2), skipped]
    );
}

#[tokio::test]
async fn recoveries_have_bounds_that_grow_and_the_last_has_none() {
    let world = World::new().await;
    let numbers = numbers(&world).await;
    let within: Vec<_> = numbers.recoveries.iter().map(|some| some.within).collect();
    let (last, bounded) = within.split_last().unwrap();
    assert_eq!(*last, None);
    assert!(bounded.iter().all(Option::is_some), "{within:?}");
    assert!(bounded.is_sorted(), "{within:?}");
    // The order that took the longest of all, which every bound is shorter than.
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    let late = latest("a-1", RunStatus::Completed, 0, 30 * 86_400);
    assert_eq!(world.settle("a", Some(late)).await, 1);
    let after = world.reader.numbers().await.unwrap();
    assert_eq!(recoveries(&after), [(Some(60), 1), (None, 1)]);
}

async fn due(world: &World) -> Option<Timestamp> {
    numbers(world).await.oldest_due_at
}

#[tokio::test]
async fn the_oldest_that_is_due_is_one_that_batches_owe_a_restart() {
    let world = World::new().await;
    assert_eq!(
        due(&world).await,
        None,
        "what is left alone or parked is not due"
    );
    world
        .observe(&[failure("a", "a-0", -30), failure("b", "b-0", -20)])
        .await;
    assert_eq!(due(&world).await, Some(at(-30)));
    world.open("b1").await;
    world.restart("a", "a-1", "b1").await;
    assert_eq!(due(&world).await, Some(at(-20)));
    world.claim_one("b", "b1").await;
    assert_eq!(due(&world).await, None);
    world.observe(&[failure("a", "a-1", 5)]).await;
    let waits = due(&world).await.unwrap();
    assert!(waits > at(5), "its second restart waits: {waits}");
    // An operator's retry is due at once, whatever waits beside it.
    world.wait(1);
    let reset = redrive_ledger::Act::Reset;
    let by = super::world::ann("it is mended");
    let id = "bystander-parked".into();
    let act = world
        .ledger
        .act(&world.policy, &id, reset, &by, world.now());
    act.await.unwrap();
    assert_eq!(due(&world).await, Some(at(1)));
}

#[tokio::test]
async fn batches_that_ended_are_told_without_an_operators_retries() {
    let world = World::new().await;
    let ended = async |limit| {
        let rows = world.reader.ended_batches(limit).await.unwrap();
        let ids = rows.into_iter().map(|row| row.result.batch_id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(numbers(&world).await.last_batch_began_at, None);
    for batch in ["b1", "b2", "b3"] {
        world.open(batch).await;
        world.wait(10);
    }
    assert!(ended(9).await.is_empty(), "they run");
    // The one that began last ends first, and an operator's retry after all of them.
    for batch in ["b3", "b1"] {
        world.finish(batch).await;
        world.wait(10);
    }
    world.open_retry("retry").await;
    world.finish("retry").await;
    assert_eq!(ended(9).await, ["b1", "b3"]);
    assert_eq!(ended(1).await, ["b1"]);
    let began = numbers(&world).await.last_batch_began_at;
    assert_eq!(began, Some(at(20)), "b3 began last");
}
