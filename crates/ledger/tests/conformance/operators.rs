//! The halt, the shared limits, and finding an order.

use jiff::SignedDuration;
use redrive_core::ids::WorkflowId;
use redrive_ledger::{AuditFilter, Failure, Halt, Limited};

use super::world::{World, ann, at, first_failure};

#[tokio::test]
async fn a_halt_lasts_until_it_is_ended() {
    let world = World::new().await;
    assert_eq!(world.ledger.halted().await.unwrap(), None);
    assert!(
        !world
            .ledger
            .unhalt(&ann("nothing"), world.now())
            .await
            .unwrap()
    );
    let halt = async |by| world.ledger.halt(&by, world.now()).await.unwrap();
    assert!(halt(ann("the carrier is down")).await);
    let stands = Halt {
        by: "ann".into(),
        reason: "the carrier is down".into(),
        at: at(0),
    };
    assert_eq!(world.ledger.halted().await.unwrap(), Some(stands.clone()));
    world.wait(10);
    assert!(!halt(ann("again")).await);
    assert_eq!(
        world.ledger.halted().await.unwrap(),
        Some(stands),
        "the first halt stands"
    );
    assert!(
        world
            .ledger
            .unhalt(&ann("it is up"), world.now())
            .await
            .unwrap()
    );
    assert_eq!(world.ledger.halted().await.unwrap(), None);
}

#[tokio::test]
async fn turns_are_one_line_for_everybody() {
    let world = World::new().await;
    let take = async |what, rate, count| {
        let turns = world.ledger.take_turns(what, rate, count, world.now());
        turns.await.unwrap().times().collect::<Vec<_>>()
    };
    // At 21 a second turns lie 50 ms apart: the rate, and a margin of a twentieth.
    let turns = tokio::join!(
        take(Limited::Starts, 21.0, 1),
        take(Limited::Starts, 21.0, 2),
        take(Limited::Starts, 21.0, 1),
    );
    let mut turns = [turns.0, turns.1, turns.2].concat();
    turns.sort();
    assert_eq!(
        turns,
        [0, 50, 100, 150].map(|ms| at(0) + SignedDuration::from_millis(ms))
    );
    world.wait(60);
    assert_eq!(
        take(Limited::Starts, 21.0, 1).await,
        [at(60)],
        "unused time is not saved up"
    );
    assert_eq!(
        take(Limited::Visibility, 21.0, 1).await,
        [at(60)],
        "each kind has a line of its own"
    );
    // A rate that changes holds from the next turn on.
    let slow = take(Limited::Starts, 0.525, 1).await;
    assert_eq!(slow, [at(60) + SignedDuration::from_millis(50)]);
    assert_eq!(
        take(Limited::Starts, 21.0, 1).await,
        [slow[0] + SignedDuration::from_secs(2)]
    );
}

#[tokio::test]
async fn an_operators_limit_holds_for_everybody_until_it_is_reset() {
    let world = World::new().await;
    let gap = async || {
        let turns = world
            .ledger
            .take_turns(Limited::Starts, 21.0, 2, world.now());
        turns.await.unwrap().gap
    };
    assert_eq!(world.reader.limits().await.unwrap(), []);
    let set = async |rate| {
        let by = ann("the carrier is slow");
        let done = world
            .ledger
            .set_limit(Limited::Starts, rate, &by, world.now());
        done.await.unwrap();
    };
    set(Some(10.5)).await;
    assert_eq!(gap().await, SignedDuration::from_millis(100));
    assert_eq!(
        world.reader.limits().await.unwrap(),
        [(Limited::Starts, 10.5)]
    );
    set(None).await;
    assert_eq!(gap().await, SignedDuration::from_millis(50));
    assert_eq!(world.reader.limits().await.unwrap(), []);
    let acts = world
        .reader
        .audit(&AuditFilter::default(), 2)
        .await
        .unwrap();
    let acts: Vec<_> = acts
        .iter()
        .map(|act| (act.action.as_str(), act.detail.as_deref()))
        .collect();
    assert_eq!(
        acts,
        [
            ("reset_limit", Some("starts")),
            ("set_limit", Some("starts to 10.5 a second"))
        ]
    );
}

#[tokio::test]
async fn a_turn_that_is_far_ahead_is_not_taken_and_comes_soon_at_another_rate() {
    let world = World::new().await;
    let (what, by) = (Limited::Starts, ann("the carrier is back"));
    let take = async || {
        let turns = world.ledger.take_turns(what, 0.01, 1, world.now()).await;
        let turns = turns.unwrap();
        (turns.count, turns.first.duration_since(at(0)))
    };
    let set = async |rate| {
        let set = world.ledger.set_limit(what, rate, &by, world.now());
        set.await.unwrap();
    };
    let seconds = SignedDuration::from_secs;
    assert_eq!(take().await, (1, seconds(0)));
    assert_eq!(take().await, (0, seconds(105)));
    assert_eq!(take().await, (0, seconds(105)), "asking moves nothing");
    set(None).await;
    assert_eq!(take().await, (0, seconds(105)), "nothing was changed");
    set(Some(0.02)).await;
    assert_eq!(take().await, (1, seconds(5)));
    assert_eq!(
        take().await,
        (0, seconds(57) + SignedDuration::from_millis(500))
    );
    set(Some(0.02)).await;
    assert_eq!(take().await.0, 0, "the same again");
}

#[tokio::test]
async fn an_order_is_found_by_either_of_its_ids() {
    let world = World::new().await;
    let twin = Failure {
        order_id: "id-of-a".into(),
        ..first_failure("twin")
    };
    let find = async |id: &str| {
        world
            .ledger
            .find_order(id)
            .await
            .unwrap()
            .map(|id| id.to_string())
    };
    world.observe(&[first_failure("a")]).await;
    assert_eq!(find("a").await.as_deref(), Some("a"));
    assert_eq!(find("id-of-a").await.as_deref(), Some("a"));
    assert_eq!(find("b").await, None);
    world.observe(&[twin]).await;
    assert_eq!(find("id-of-a").await, None, "it is not one order's");
    let named_so = Failure {
        workflow_id: "id-of-a".into(),
        ..first_failure("c")
    };
    world.observe(&[named_so]).await;
    assert_eq!(
        find("id-of-a").await.as_deref(),
        Some("id-of-a"),
        "a workflow id comes first"
    );
}

#[tokio::test]
async fn named_orders_are_found_all_at_once_as_each_is_alone() {
    let world = World::new().await;
    let named = async |ids: Vec<&str>| {
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        let found = world.reader.orders_named(&ids).await.unwrap();
        for (id, order) in ids.iter().zip(&found) {
            let alone = world.ledger.find_order(id).await.unwrap();
            assert_eq!(order.as_ref().map(|(order, _)| order), alone.as_ref());
        }
        found
    };
    let with_id = |order_id: &str, workflow_id: &str| Failure {
        order_id: order_id.into(),
        ..first_failure(workflow_id)
    };
    world
        .observe(&[
            first_failure("a"),
            first_failure("b"),
            with_id("of-c", "id-of-b"),
            with_id("shared", "d"),
            with_id("shared", "e"),
        ])
        .await;
    let order = |order: &str, order_id: &str| Some((WorkflowId::from(order), order_id.to_owned()));
    let ids = vec![
        "id-of-a", "b", "nobody", "id-of-b", "shared", "a", "id-of-a", "a\0", "",
    ];
    let found = named(ids).await;
    assert_eq!(
        found,
        [
            order("a", "id-of-a"),
            order("b", "id-of-b"),
            None,
            // Another order's id, and this one's workflow id, which comes first.
            order("id-of-b", "of-c"),
            // Nobody knows which of the two is meant.
            None,
            order("a", "id-of-a"),
            order("a", "id-of-a"),
            None,
            None,
        ]
    );
    assert!(named(vec![]).await.is_empty());
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn very_many_named_orders_are_found_in_the_order_that_they_are_named_in() {
    let world = World::new().await;
    let known: Vec<String> = (0..1_000).map(|n| format!("o{n:04}")).collect();
    let failures: Vec<Failure> = known.iter().map(|id| first_failure(id)).collect();
    world.observe(&failures).await;
    // From the last to the first, by turns as a workflow id and as an order id.
    let ids: Vec<String> = (0..1_000)
        .rev()
        .map(|n| match n % 2 {
            0 => known[n].clone(),
            _ => format!("id-of-{}", known[n]),
        })
        .collect();
    let found = world.reader.orders_named(&ids).await.unwrap();
    let found: Vec<String> = found
        .into_iter()
        .flatten()
        .map(|(workflow_id, _)| workflow_id.to_string())
        .collect();
    let expected: Vec<String> = known.into_iter().rev().collect();
    assert_eq!(found, expected);
    world.bystanders_are_unchanged().await;
}
