//! The halt, the shared start rate, and finding an order.

use jiff::SignedDuration;
use redrive_ledger::{Failure, Halt};

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
    world
        .ledger
        .halt(&ann("the carrier is down"), world.now())
        .await
        .unwrap();
    let halt = Halt {
        by: "ann".into(),
        reason: "the carrier is down".into(),
        at: at(0),
    };
    assert_eq!(world.ledger.halted().await.unwrap(), Some(halt.clone()));
    world.wait(10);
    world.ledger.halt(&ann("again"), world.now()).await.unwrap();
    assert_eq!(
        world.ledger.halted().await.unwrap(),
        Some(halt),
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
async fn starts_are_paced_over_everybody_who_starts() {
    let world = World::new().await;
    let reserve = async || world.ledger.reserve_start(20.0, world.now()).await.unwrap();
    let slots = tokio::join!(reserve(), reserve(), reserve(), reserve());
    let mut slots = [slots.0, slots.1, slots.2, slots.3];
    slots.sort();
    assert_eq!(
        slots,
        [0, 50, 100, 150].map(|ms| at(0) + SignedDuration::from_millis(ms))
    );
    world.wait(60);
    assert_eq!(reserve().await, at(60), "unused time is not saved up");
    assert_eq!(reserve().await, at(60) + SignedDuration::from_millis(50));
    // A rate that changes holds from the next start on.
    let slow = world.ledger.reserve_start(0.5, world.now()).await.unwrap();
    assert_eq!(slow, at(60) + SignedDuration::from_millis(100));
    assert_eq!(reserve().await, slow + SignedDuration::from_secs(2));
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
