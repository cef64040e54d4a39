//! What a worker's clock does to turns and descriptions: one that is set back holds up nobody, and what took long is late.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redrive_engine::Steady;
use tokio::time::{Instant, timeout};

use crate::hooks::{Call, Fate, Hooked};
use crate::world::{End, World, policy};

/// So far ahead the clock was.
const AHEAD: Duration = Duration::from_secs(300);
/// An order that need not wait for its turn is started within so long, on a busy machine too.
const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn turns_that_were_taken_by_a_clock_ahead_are_waited_for_by_nobody() {
    let mut policy = policy();
    policy.starts_per_second = 20.0;
    let world = World::with("clock-ahead", policy).await;
    let [one, other] = ["order-1", "order-2"];
    world.failed_order(one, &[End::Completes]).await;
    world.clock.advance(AHEAD);
    assert_eq!(world.run_chunk("b1").await.claimed, 1);
    world.clock.set_back(AHEAD);
    world.failed_order(other, &[End::Completes]).await;
    let began = Instant::now();
    let report = timeout(SOON, world.run_chunk("b2")).await;
    let report = report.unwrap_or_else(|_| panic!("it still waits after {:?}", began.elapsed()));
    assert_eq!(report.claimed, 1);
    assert_eq!(world.verdicts(other).await, ["restarted"]);
}

/// How often an order is described by which it is started, where the first description takes so long.
async fn descriptions(name: &str, first_takes: Duration) -> usize {
    let mut policy = policy();
    policy.starts_per_second = 20.0;
    let world = World::with(name, policy.clone()).await;
    world.failed_order("order-1", &[End::Completes]).await;
    let (clock, described) = (Arc::clone(&world.clock), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&described);
    let hook = move |call| {
        if call == Call::Describe && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            clock.advance(first_takes);
        }
        Fate::Passes
    };
    let hooked = Hooked::new(world.gateway.clone(), hook);
    let engine = world.engine_with(hooked, policy).await;
    world.open_batch("b1").await;
    let chunk = world.chunk("b1", 0);
    engine.process_chunk(&chunk, &Steady).await.unwrap();
    assert_eq!(world.verdicts("order-1").await, ["restarted"]);
    described.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_turn_that_was_lost_to_a_slow_description_costs_no_second_one() {
    // The turn is over, and the description is fresh still.
    let took = descriptions("slow-description", Duration::from_millis(500)).await;
    assert_eq!(took, 1);
}

#[tokio::test]
async fn a_description_that_has_grown_old_is_made_again() {
    let took = descriptions("old-description", Duration::from_secs(3)).await;
    assert_eq!(took, 2);
}
