//! A worker's clock that is set back: what it took while it was ahead holds up nobody.

use std::time::Duration;

use tokio::time::{Instant, timeout};

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
