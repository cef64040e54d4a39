//! Claiming: whose turn it is, and what an earlier try of the chunk left.

use redrive_core::decide::{BatchRules, DeadLetterReason};
use redrive_core::ids::request_id;
use redrive_core::states::State;
use redrive_ledger::{ClaimRequest, Committed, Failure, Outcome, Plan, Resolution, Resolve};

use super::world::{World, ann, at, failure, first_failure, ids, noise, request, run, with_status};

fn statuses(statuses: &[&str]) -> BatchRules {
    BatchRules {
        failure_statuses: statuses.iter().map(|s| (*s).to_owned()).collect(),
        max_retries: None,
    }
}

#[tokio::test]
async fn a_claim_comes_with_its_intent() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim(&world.wanted("b1", 3)).await;
    assert!(claimed.inherited.is_empty());
    assert_eq!((ids(&claimed.fresh), claimed.done), (vec!["a"], 0));
    let order = &claimed.fresh[0];
    let request_id = request_id(&world.home, &"a".into(), &run("a-0"));
    assert_eq!(
        order.plan,
        Plan::Restart {
            attempt: 1,
            request_id,
            intent_at: world.now(),
        }
    );
    assert_eq!(
        (order.from_run.clone(), order.failed_at),
        (run("a-0"), at(-60))
    );
    let story = world.story("a").await;
    assert_eq!(
        (story.order.state, story.order.next_check_at),
        (State::Claimed, None)
    );
    let intent = &story.attempts[0];
    assert_eq!(
        (intent.number, intent.request_id, intent.from_run.clone()),
        (1, request_id, run("a-0"))
    );
    assert_eq!(
        (intent.batch.as_str(), intent.intent_at),
        ("b1", world.now())
    );
    assert!(intent.run.is_none() && intent.outcome.is_none() && !intent.manual);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_claim_brings_the_start_requests_that_are_short() {
    let world = World::new().await;
    let long = Failure {
        start_request: noise(0, 64 << 10),
        ..first_failure("long")
    };
    let given = long.start_request.clone();
    world.observe(&[first_failure("short"), long]).await;
    let claimed = world.claim(&world.wanted("b1", 9)).await.fresh;
    let of = |id: &str| {
        let order = claimed
            .iter()
            .find(|order| order.workflow_id.as_str() == id);
        order.expect("it is claimed").start_request.as_ref()
    };
    let short = of("short").expect("a short one comes with its order");
    assert_eq!(short.read().unwrap(), request("short"));
    assert_eq!(of("long"), None);
    assert_eq!(world.start_request("long").await, Some(given));
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn only_orders_whose_turn_it_is_are_claimed() {
    let world = World::new().await;
    let later = failure("due-later", "due-later-0", 30);
    let fraud = with_status("fraud_suspected", first_failure("ineligible"));
    world
        .observe(&[
            first_failure("claimed-by-another"),
            first_failure("waiting"),
        ])
        .await;
    world.claim_one("claimed-by-another", "b2").await;
    world.restart("waiting", "waiting-1", "b0").await;
    world.wait(1);
    world.observe(&[failure("waiting", "waiting-1", 1)]).await;
    let due_by = world.now();
    world.wait(60);
    world.observe(&[later, fraud, first_failure("due")]).await;
    assert!(world.order("waiting").await.due_at > world.now());

    let claimed = world
        .claim(&ClaimRequest {
            due_by,
            ..world.wanted("b1", 1)
        })
        .await;
    assert_eq!(ids(&claimed.fresh), ["due"]);
    let next = world.claim(&world.wanted("b1", 2)).await;
    assert_eq!(ids(&next.fresh), ["due-later"]);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_batch_never_handles_an_order_twice() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    world
        .commit(
            "b1",
            &claimed,
            Outcome::ItemError {
                message: "refused".into(),
            },
        )
        .await;
    world.wait(100_000);
    assert!(world.claim(&world.wanted("b1", 2)).await.fresh.is_empty());
    assert_eq!(ids(&world.claim(&world.wanted("b2", 1)).await.fresh), ["a"]);
}

#[tokio::test]
async fn nor_where_another_batch_has_handled_it_since() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    for (n, batch) in ["b1", "b2"].into_iter().enumerate() {
        let restart = format!("a-{}", n + 1);
        world.restart("a", &restart, batch).await;
        world.observe(&[failure("a", &restart, n as i64)]).await;
        world.wait(10_000);
    }
    let only = ClaimRequest {
        only: Some("a".into()),
        ..world.wanted("b1", 3)
    };
    let rules = statuses(&["shipping_failed"]);
    let by_status = ClaimRequest {
        rules,
        ..world.wanted("b1", 4)
    };
    for request in [world.wanted("b1", 2), only, by_status] {
        assert!(world.claim(&request).await.fresh.is_empty());
    }
    assert_eq!(ids(&world.claim(&world.wanted("b3", 1)).await.fresh), ["a"]);
}

#[tokio::test]
async fn the_longest_due_come_first_and_an_operators_retries_before_them() {
    let world = World::new().await;
    world
        .observe(&[
            failure("new", "n-0", -10),
            failure("old", "o-0", -90),
            failure("mid", "m-0", -50),
        ])
        .await;
    world
        .observe(&[with_status("fraud_suspected", first_failure("manual"))])
        .await;
    world
        .ledger
        .park(&"manual".into(), &ann("x").into(), world.now())
        .await
        .unwrap();
    let retry = Resolve {
        workflow_id: "manual".into(),
        resolution: Resolution::ManualRetry,
        by: ann("fixed"),
    };
    world
        .ledger
        .resolve(&world.policy, &retry, world.now())
        .await
        .unwrap();
    for expected in [["manual", "old"], ["mid", "new"]] {
        let request = ClaimRequest {
            limit: 2,
            ..world.wanted("b1", if expected[0] == "mid" { 2 } else { 1 })
        };
        assert_eq!(ids(&world.claim(&request).await.fresh), expected);
    }
}

#[tokio::test]
async fn a_retried_chunk_takes_its_own_claims_over_and_counts_what_is_done() {
    let world = World::new().await;
    let orders: Vec<_> = (0..9)
        .map(|n| failure(&format!("o-{n}"), &format!("o-{n}-0"), -90 + n))
        .collect();
    world.observe(&orders).await;
    let request = ClaimRequest {
        limit: 5,
        ..world.wanted("b1", 1)
    };
    let first = world.claim(&request).await;
    assert_eq!(ids(&first.fresh), ["o-0", "o-1", "o-2", "o-3", "o-4"]);
    world
        .commit("b1", &first.fresh[0], Outcome::Restarted(run("o-0-1")))
        .await;
    world
        .commit(
            "b1",
            &first.fresh[1],
            Outcome::ItemError {
                message: "refused".into(),
            },
        )
        .await;
    world.commit("b1", &first.fresh[2], Outcome::Released).await;
    world
        .commit("b1", &first.fresh[3], Outcome::AnswerUnknown)
        .await;

    let again = world.claim(&request).await;
    assert_eq!(
        again.done, 2,
        "the one whose answer is unknown is claimed still"
    );
    assert_eq!(ids(&again.inherited), ["o-3", "o-4"]);
    assert_eq!(
        ids(&again.fresh),
        ["o-2"],
        "five in all, however often the chunk is tried"
    );
    for order in &again.inherited {
        let before = first
            .fresh
            .iter()
            .find(|before| before.pk == order.pk)
            .unwrap();
        assert_eq!(order.fence, before.fence + 1);
        assert_eq!(
            (&order.plan, &order.from_run),
            (&before.plan, &before.from_run),
            "the same intent"
        );
        assert_eq!(
            world
                .commit("b1", before, Outcome::Restarted(run("zombie")))
                .await,
            Committed::Fenced
        );
    }
    assert_eq!(
        world.story("o-3").await.attempts.len(),
        1,
        "no new attempt is opened"
    );
    let third = world
        .claim(&ClaimRequest {
            limit: 0,
            ..request
        })
        .await;
    assert_eq!(
        (third.inherited.len(), third.fresh.len()),
        (3, 0),
        "a limit of none only takes over"
    );
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_batch_may_have_statuses_of_its_own() {
    let world = World::new().await;
    world
        .observe(&[
            with_status("fraud_suspected", failure("fraud", "f-0", -10)),
            with_status("slam_failed", failure("slam", "s-0", -20)),
            first_failure("shipping"),
        ])
        .await;
    let rules = statuses(&["fraud_suspected", "slam_failed", "slam_failed"]);
    let request = ClaimRequest {
        rules: rules.clone(),
        limit: 2,
        ..world.wanted("b1", 1)
    };
    // The bystander that the policy ignores has this status as well, and failed before the others.
    let claimed = world.claim(&request).await;
    assert_eq!(ids(&claimed.fresh), ["bystander-ignored", "slam"]);
    let request = ClaimRequest {
        rules,
        ..world.wanted("b1", 2)
    };
    assert_eq!(ids(&world.claim(&request).await.fresh), ["fraud"]);
    assert_eq!(world.order("shipping").await.state, State::Failed);
}

#[tokio::test]
async fn orders_that_a_batch_leaves_alone_make_place_for_others() {
    let world = World::new().await;
    for n in 0..150 {
        let order = format!("spent-{n}");
        world
            .observe(&[failure(&order, &format!("{order}-0"), -900)])
            .await;
        world
            .restart(&order, &format!("{order}-1"), &format!("before-{n}"))
            .await;
        world
            .observe(&[failure(&order, &format!("{order}-1"), -890)])
            .await;
    }
    world.wait(10_000);
    world.observe(&[first_failure("fresh")]).await;
    let lower = BatchRules {
        max_retries: Some(1),
        ..Default::default()
    };
    let request = ClaimRequest {
        rules: lower,
        limit: 1,
        ..world.wanted("b1", 1)
    };
    assert_eq!(ids(&world.claim(&request).await.fresh), ["fresh"]);
    let spent = world.story("spent-7").await;
    assert_eq!(
        (spent.order.state, spent.dead_letters.len()),
        (State::Failed, 0),
        "a lower budget buries nothing"
    );
    // They were passed over for that batch; the next one takes them.
    assert_eq!(world.claim(&world.wanted("b2", 1)).await.fresh.len(), 100);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_spent_budget_is_claimed_to_be_dead_lettered() {
    let mut world = World::new().await;
    world.policy.max_retries = 0;
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    assert_eq!(
        claimed.plan,
        Plan::DeadLetter(DeadLetterReason::BudgetSpent)
    );
    assert!(world.story("a").await.attempts.is_empty(), "no intent");
    assert_eq!(claimed.start_request, None, "nothing is to be started");
    let again = world.claim(&world.wanted("b1", 1)).await;
    assert_eq!(
        again.inherited[0].plan,
        Plan::DeadLetter(DeadLetterReason::BudgetSpent)
    );
}

#[tokio::test]
async fn one_order_may_be_asked_for() {
    let world = World::new().await;
    world
        .observe(&[
            first_failure("a"),
            first_failure("b"),
            failure("c", "c-0", 0),
        ])
        .await;
    let due_by = world.now() - jiff::SignedDuration::from_secs(1);
    let only = |order: &str, batch: &str| ClaimRequest {
        only: Some(order.into()),
        due_by,
        ..world.wanted(batch, 1)
    };
    assert_eq!(ids(&world.claim(&only("b", "b1")).await.fresh), ["b"]);
    assert!(
        world.claim(&only("c", "b1")).await.fresh.is_empty(),
        "it is not due"
    );
    assert!(world.claim(&only("nobody", "b1")).await.fresh.is_empty());
    assert!(
        world
            .claim(&only("bystander-ignored", "b1"))
            .await
            .fresh
            .is_empty()
    );

    world
        .ledger
        .park(&"c".into(), &ann("x").into(), world.now())
        .await
        .unwrap();
    let retry = Resolve {
        workflow_id: "c".into(),
        resolution: Resolution::ManualRetry,
        by: ann("fixed"),
    };
    world
        .ledger
        .resolve(&world.policy, &retry, world.now())
        .await
        .unwrap();
    let manual = world.claim(&only("c", "b2")).await.fresh;
    assert_eq!(ids(&manual), ["c"]);
    assert!(manual[0].manual && world.story("c").await.attempts[0].manual);
    assert_eq!(world.order("a").await.state, State::Failed);
}

#[tokio::test]
async fn two_batches_at_once_share_the_orders_without_overlap() {
    let world = World::new().await;
    let orders: Vec<_> = (0..40).map(|n| first_failure(&format!("o-{n}"))).collect();
    world.observe(&orders).await;
    let request = |batch: &str, chunk| ClaimRequest {
        limit: 10,
        ..world.wanted(batch, chunk)
    };
    let asked = [
        request("b1", 1),
        request("b1", 2),
        request("b2", 1),
        request("b2", 2),
    ];
    let (one, two, three, four) = tokio::join!(
        world.claim(&asked[0]),
        world.claim(&asked[1]),
        world.claim(&asked[2]),
        world.claim(&asked[3])
    );
    let mut pks: Vec<_> = [one, two, three, four]
        .iter()
        .flat_map(|c| &c.fresh)
        .map(|order| order.pk)
        .collect();
    pks.sort_unstable();
    pks.dedup();
    assert_eq!(pks.len(), 40);
}
