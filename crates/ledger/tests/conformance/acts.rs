//! Hold, release and reset.

use redrive_core::states::State;
use redrive_ledger::{Act, Acted, Resolution};

use super::world::{World, ann, first_failure};

async fn act(world: &World, order: &str, act: Act) -> Acted {
    world
        .ledger
        .act(
            &world.policy,
            &order.into(),
            act,
            &ann("why not"),
            world.now(),
        )
        .await
        .unwrap()
}

#[tokio::test]
async fn a_held_order_is_claimed_by_nobody_until_it_is_released() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    let Acted::Done(held) = act(&world, "a", Act::Hold).await else {
        panic!("a waiting order can be held")
    };
    assert_eq!(held.state, State::Held);
    assert!(world.claim(&world.wanted("b1", 1)).await.fresh.is_empty());
    assert_eq!(
        act(&world, "a", Act::Hold).await,
        Acted::NotNow(State::Held)
    );
    assert!(matches!(
        act(&world, "a", Act::Release).await,
        Acted::Done(_)
    ));
    assert_eq!(world.claim(&world.wanted("b2", 1)).await.fresh.len(), 1);
    assert_eq!(
        act(&world, "a", Act::Hold).await,
        Acted::NotNow(State::Claimed)
    );
    let story = world.story("a").await;
    let acts: Vec<_> = story.audit.iter().map(|act| act.action.as_str()).collect();
    assert_eq!(
        acts,
        ["hold", "release"],
        "what did not happen is not audited"
    );
    assert_eq!(act(&world, "nobody", Act::Hold).await, Acted::NoSuchOrder);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_reset_gives_a_fresh_budget_and_is_due_at_once() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world.restart("a", "a-1", "b1").await;
    assert_eq!(
        act(&world, "a", Act::Reset).await,
        Acted::NotNow(State::InFlight)
    );
    world.observe(&[super::world::failure("a", "a-1", 0)]).await;
    assert!(world.order("a").await.due_at > world.now());
    let Acted::Done(order) = act(&world, "a", Act::Reset).await else {
        panic!("a waiting order can be reset")
    };
    assert_eq!((order.generation, order.retry_count), (2, 0));
    assert_eq!((order.due_at, order.manual), (world.now(), false));
    assert_eq!(world.claim(&world.wanted("b2", 1)).await.fresh.len(), 1);
    assert_eq!(world.story("a").await.attempts.len(), 2, "history is kept");
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_reset_takes_an_order_out_of_the_queue() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    world
        .ledger
        .park(&"a".into(), &ann("look").into(), world.now())
        .await
        .unwrap();
    assert!(matches!(act(&world, "a", Act::Reset).await, Acted::Done(_)));
    let story = world.story("a").await;
    assert_eq!(story.order.state, State::Failed);
    let entry = &story.dead_letters[0];
    assert_eq!(
        (
            entry.resolution,
            entry.resolved_by.as_deref(),
            entry.notes.as_deref()
        ),
        (Some(Resolution::ManualRetry), Some("ann"), Some("why not"))
    );
}
