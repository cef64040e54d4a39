//! Committing: each outcome, under the fence it was claimed with, once.

use redrive_core::decide::DeadLetterReason;
use redrive_core::states::State;
use redrive_ledger::{AttemptOutcome, Commit, Committed, LedgerError, OurRun, Outcome, Plan};

use super::world::{World, at, first_failure, latest, request, run, verdict};

#[tokio::test]
async fn a_restart_is_followed_from_now_on() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    let story = world.story("a").await;
    let order = story.order;
    assert_eq!(
        (order.state, order.retry_count, order.followed_run),
        (State::InFlight, 1, Some(run("a-1")))
    );
    assert_eq!(
        order.next_check_at,
        Some(world.now() + world.policy.settle.first_check)
    );
    let attempt = &story.attempts[0];
    assert_eq!(
        (attempt.run.clone(), attempt.started_at),
        (Some(run("a-1")), Some(world.now()))
    );
    assert_eq!(attempt.outcome, None);
    assert_eq!(
        world.verdicts("a").await,
        [verdict("b1", "restarted", None)]
    );
    assert_eq!(
        world.start_request("a").await,
        Some(request("a")),
        "kept until the order closes"
    );
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn an_outcome_is_committed_once() {
    let world = World::new().await;
    world
        .observe(&[first_failure("a"), first_failure("b")])
        .await;
    let claimed = world.restart("a", "a-1", "b1").await;
    let before = world.story("a").await;
    for outcome in [
        Outcome::Restarted(run("a-1")),
        Outcome::Gone,
        Outcome::Released,
        Outcome::AnswerUnknown,
    ] {
        assert_eq!(
            world.commit("b1", &claimed, outcome).await,
            Committed::Fenced
        );
    }
    assert_eq!(world.story("a").await, before);

    // Twice in one call is once, and an order that nobody knows is nobody's.
    let b = world.claim_one("b", "b1").await;
    let outcome = Outcome::Restarted(run("b-1"));
    let commits = [
        Commit {
            pk: b.pk,
            fence: b.fence,
            outcome: outcome.clone(),
        },
        Commit {
            pk: b.pk,
            fence: b.fence,
            outcome: outcome.clone(),
        },
        Commit {
            pk: 987_654,
            fence: 1,
            outcome,
        },
    ];
    let committed = world
        .ledger
        .commit(&world.policy, &"b1".into(), 1, &commits, world.moment())
        .await
        .unwrap();
    assert_eq!(
        committed,
        [Committed::Done, Committed::Fenced, Committed::Fenced]
    );
    assert_eq!(world.order("b").await.retry_count, 1);
    assert!(
        world
            .ledger
            .commit(&world.policy, &"b1".into(), 1, &[], world.moment())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn under_an_old_fence_nothing_is_written() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let old = world.claim_one("a", "b1").await;
    let new = world
        .ledger
        .adopt(&world.policy, &"b1".into(), &"b2".into(), 0, 10)
        .await
        .unwrap();
    let before = world.story("a").await;
    let outcomes = [
        Outcome::Restarted(run("zombie")),
        Outcome::DeadLettered(DeadLetterReason::BudgetSpent),
        Outcome::Gone,
        Outcome::ItemError {
            message: "x".into(),
        },
        Outcome::AnswerUnknown,
        Outcome::Released,
        Outcome::Elsewhere {
            latest: latest("zombie", redrive_core::decide::RunStatus::Completed, 0, 0),
            ours: Some(OurRun {
                run: run("zombie"),
                end: AttemptOutcome::Recovered,
            }),
            failure: None,
        },
    ];
    for outcome in outcomes {
        assert_eq!(world.commit("b1", &old, outcome).await, Committed::Fenced);
        assert_eq!(world.story("a").await, before);
    }
    assert_eq!(
        world
            .commit("b2", &new[0], Outcome::Restarted(run("a-1")))
            .await,
        Committed::Done
    );
}

#[tokio::test]
async fn a_dead_letter_tells_what_happened() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    let outcome = Outcome::DeadLettered(DeadLetterReason::BudgetSpent);
    assert_eq!(world.commit("b1", &claimed, outcome).await, Committed::Done);
    let story = world.story("a").await;
    assert_eq!(story.order.state, State::DeadLettered);
    assert_eq!(
        story.order.next_check_at,
        Some(world.now() + world.policy.settle.recheck)
    );
    let entry = &story.dead_letters[0];
    assert_eq!(
        (entry.generation, entry.reason),
        (1, DeadLetterReason::BudgetSpent)
    );
    assert_eq!(
        (entry.failure_status.as_str(), entry.failure_reason.as_str()),
        ("shipping_failed", "a-0 found no carrier")
    );
    assert_eq!(
        (entry.batch.as_ref().unwrap().as_str(), entry.created_at),
        ("b1", world.now())
    );
    assert!(entry.resolved_at.is_none());
    assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::NotStarted));
    assert_eq!(
        world.verdicts("a").await,
        [verdict("b1", "dlq", Some("budget_spent"))]
    );
    assert_eq!(
        world.start_request("a").await,
        Some(request("a")),
        "a dead letter may be retried"
    );
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn an_order_that_temporal_does_not_know_is_dead_lettered() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    world.commit("b1", &claimed, Outcome::Gone).await;
    let story = world.story("a").await;
    assert_eq!(story.order.state, State::DeadLettered);
    assert_eq!(
        story.dead_letters[0].reason,
        DeadLetterReason::OutcomeUnknown
    );
    assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::Unknown));
    assert_eq!(
        world.verdicts("a").await,
        [verdict("b1", "dlq", Some("outcome_unknown"))]
    );
}

#[tokio::test]
async fn refused_starts_wait_and_enough_of_them_are_a_dead_letter() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    for n in 1..=world.policy.max_item_errors {
        let batch = format!("b{n}");
        let claimed = world.claim_one("a", &batch).await;
        assert!(
            matches!(claimed.plan, Plan::Restart { attempt: 1, .. }),
            "no attempt was spent"
        );
        world
            .commit(
                &batch,
                &claimed,
                Outcome::ItemError {
                    message: "no such search attribute".into(),
                },
            )
            .await;
        let story = world.story("a").await;
        assert_eq!(
            (
                story.order.state,
                story.order.item_errors,
                story.order.retry_count
            ),
            (State::Failed, n, 0)
        );
        let attempt = story.attempts.last().unwrap();
        assert_eq!(attempt.outcome, Some(AttemptOutcome::NotStarted));
        assert_eq!(attempt.note.as_deref(), Some("no such search attribute"));
        let wait = if n < world.policy.max_item_errors {
            world.backoff("a", n)
        } else {
            Default::default()
        };
        assert_eq!(story.order.due_at, world.now() + wait);
        assert_eq!(
            world.verdicts("a").await.last(),
            Some(&verdict(&batch, "error", Some("no such search attribute")))
        );
        world.wait(10_000);
    }
    let claimed = world.claim_one("a", "b-last").await;
    assert_eq!(
        claimed.plan,
        Plan::DeadLetter(DeadLetterReason::CannotStart)
    );
    let inherited = world.claim(&world.wanted("b-last", 1)).await.inherited;
    assert_eq!(
        inherited[0].plan,
        Plan::DeadLetter(DeadLetterReason::CannotStart)
    );
}

#[tokio::test]
async fn a_start_that_succeeds_ends_the_row_of_refusals() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    world
        .commit(
            "b1",
            &claimed,
            Outcome::ItemError {
                message: "x".into(),
            },
        )
        .await;
    world.wait(10_000);
    world.restart("a", "a-1", "b2").await;
    let order = world.order("a").await;
    assert_eq!((order.item_errors, order.retry_count), (0, 1));
}

#[tokio::test]
async fn an_unknown_answer_keeps_the_order_claimed_until_it_is_known() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    world.commit("b1", &claimed, Outcome::AnswerUnknown).await;
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.attempts[0].outcome),
        (State::Claimed, None)
    );
    assert_eq!(
        world.verdicts("a").await,
        [verdict("b1", "skipped", Some("answer_unknown"))]
    );

    // The same batch may still learn it: then its verdict is the real one.
    world.commit("b1", &claimed, Outcome::AnswerUnknown).await;
    world
        .commit("b1", &claimed, Outcome::Restarted(run("a-1")))
        .await;
    assert_eq!(
        world.verdicts("a").await,
        [verdict("b1", "restarted", None)]
    );
}

#[tokio::test]
async fn another_batch_that_learns_the_answer_counts_it_as_its_own() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    world.commit("b1", &claimed, Outcome::AnswerUnknown).await;
    let adopted = world
        .ledger
        .adopt(&world.policy, &"b1".into(), &"b2".into(), 0, 10)
        .await
        .unwrap();
    world.wait(1);
    world
        .commit("b2", &adopted[0], Outcome::Restarted(run("a-1")))
        .await;
    let expected = [
        verdict("b1", "skipped", Some("answer_unknown")),
        verdict("b2", "restarted", None),
    ];
    assert_eq!(world.verdicts("a").await, expected);
}

#[tokio::test]
async fn a_released_order_is_as_it_was() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let before = world.story("a").await;
    let claimed = world.claim_one("a", "b1").await;
    world.commit("b1", &claimed, Outcome::Released).await;
    assert_eq!(world.story("a").await, before);
    assert_eq!(
        world
            .commit("b1", &claimed, Outcome::Restarted(run("a-1")))
            .await,
        Committed::Fenced
    );
    let again = world.claim_one("a", "b1").await;
    assert!(again.fence > claimed.fence, "the fence only grows");
    assert_eq!(again.failed_at, at(-60));
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_writes_nothing() {
    let world = World::new().await;
    world
        .observe(&[first_failure("a"), first_failure("b")])
        .await;
    let (a, b) = (
        world.claim_one("a", "b1").await,
        world.claim_one("b", "b1").await,
    );
    let commits = [
        Commit {
            pk: a.pk,
            fence: a.fence,
            outcome: Outcome::Restarted(run("a-1")),
        },
        Commit {
            pk: b.pk,
            fence: b.fence,
            outcome: Outcome::Elsewhere {
                latest: latest("b-1", redrive_core::decide::RunStatus::Failed, 0, 0),
                ours: None,
                failure: None,
            },
        },
    ];
    let refused = world
        .ledger
        .commit(&world.policy, &"b1".into(), 1, &commits, world.moment())
        .await
        .unwrap_err();
    assert!(
        matches!(refused, LedgerError::Impossible { .. }),
        "{refused}"
    );
    for order in ["a", "b"] {
        assert_eq!(
            world.order(order).await.state,
            State::Claimed,
            "all of a commit is one transaction"
        );
    }
}
