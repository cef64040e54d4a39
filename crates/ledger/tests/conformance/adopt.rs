//! Adopting the claims of a batch that has closed, or of other chunks of the same batch.

use redrive_core::states::State;
use redrive_ledger::{ClaimRequest, Committed, Outcome};

use super::world::{World, failure, first_failure, ids, run, verdict};

/// Six orders, claimed by `b1` in chunks 1 and 2, and one by `b9`.
async fn claimed() -> World {
    let world = World::new().await;
    let orders: Vec<_> = (0..7)
        .map(|n| failure(&format!("o-{n}"), &format!("o-{n}-0"), -90 + n))
        .collect();
    world.observe(&orders).await;
    for (batch, chunk, limit) in [("b1", 1, 3), ("b1", 2, 3), ("b9", 1, 1)] {
        let got = world
            .claim(&ClaimRequest {
                limit,
                ..world.wanted(batch, chunk)
            })
            .await;
        assert_eq!(got.fresh.len(), limit as usize);
    }
    world
}

#[tokio::test]
async fn claims_change_hands_under_new_fences_with_the_same_intents() {
    let world = claimed().await;
    let before = world.story("o-0").await;
    let adopt = async |limit| {
        world
            .ledger
            .adopt(&world.policy, &"b1".into(), &"b2".into(), 0, limit)
            .await
            .unwrap()
    };
    let first = adopt(4).await;
    assert_eq!(ids(&first), ["o-0", "o-1", "o-2", "o-3"]);
    assert_eq!(ids(&adopt(4).await), ["o-4", "o-5"]);
    assert!(adopt(4).await.is_empty());
    assert_eq!(
        world.story("o-0").await,
        before,
        "what is to be done is the same"
    );
    assert!(first.iter().all(|order| order.fence == 2));

    // They are the new chunk's now, also when it is tried again.
    let inherited = world
        .claim(&ClaimRequest {
            limit: 0,
            ..world.wanted("b2", 0)
        })
        .await
        .inherited;
    assert_eq!(inherited.len(), 6);
    assert_eq!(world.claim(&world.wanted("b1", 1)).await.inherited.len(), 0);
    assert_eq!(
        world
            .commit("b2", &first[0], Outcome::Restarted(run("o-0-1")))
            .await,
        Committed::Fenced
    );
    assert_eq!(
        world
            .commit("b2", &inherited[0], Outcome::Restarted(run("o-0-1")))
            .await,
        Committed::Done
    );
    assert_eq!(
        world.verdicts("o-0").await,
        [verdict("b2", "restarted", None)]
    );
    assert_eq!(
        world.order("o-6").await.state,
        State::Claimed,
        "another batch's claim is not touched"
    );
    assert_eq!(
        world
            .claim(&ClaimRequest {
                limit: 0,
                ..world.wanted("b9", 1)
            })
            .await
            .inherited[0]
            .fence,
        2
    );
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn an_adopted_order_is_not_handled_again_by_the_batch_that_adopted_it() {
    let world = claimed().await;
    let adopted = world
        .ledger
        .adopt(&world.policy, &"b1".into(), &"b2".into(), 0, 1)
        .await
        .unwrap();
    world
        .commit(
            "b2",
            &adopted[0],
            Outcome::ItemError {
                message: "refused".into(),
            },
        )
        .await;
    world.wait(100_000);
    assert!(world.claim(&world.wanted("b2", 1)).await.fresh.is_empty());
    assert_eq!(
        ids(&world.claim(&world.wanted("b3", 1)).await.fresh),
        ["o-0"]
    );
}

#[tokio::test]
async fn a_claim_on_an_order_that_the_batch_has_counted_is_left_to_the_next() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b2").await;
    world.observe(&[failure("a", "a-1", 0)]).await;
    world.wait(10_000);
    world.claim_one("a", "b1").await;
    let adopt = async |to: &str| {
        let (ledger, policy) = (&world.ledger, &world.policy);
        ledger
            .adopt(policy, &"b1".into(), &to.into(), 0, 9)
            .await
            .unwrap()
    };
    assert!(adopt("b2").await.is_empty());
    assert_eq!(ids(&adopt("b3").await), ["a"]);
}

#[tokio::test]
async fn a_batch_adopts_the_claims_of_its_own_other_chunks() {
    let world = claimed().await;
    let adopted = world
        .ledger
        .adopt(&world.policy, &"b1".into(), &"b1".into(), 1, 100)
        .await
        .unwrap();
    assert_eq!(ids(&adopted), ["o-3", "o-4", "o-5"]);
    let again = world
        .ledger
        .adopt(&world.policy, &"b1".into(), &"b1".into(), 1, 100)
        .await
        .unwrap();
    assert!(again.is_empty(), "its own claims are not adopted");
}

#[tokio::test]
async fn nobody_has_nothing_to_adopt() {
    let world = claimed().await;
    assert!(
        world
            .ledger
            .adopt(&world.policy, &"none".into(), &"b2".into(), 0, 9)
            .await
            .unwrap()
            .is_empty()
    );
}
