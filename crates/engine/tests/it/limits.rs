//! Limits that are changed, and stops, while calls wait for turns that are far ahead.

use std::time::Duration;

use jiff::SignedDuration;
use redrive_engine::gateway::GatewayError;
use redrive_engine::{Clock, EngineError, Steady};
use redrive_fulfillment::testbed::eventually;
use redrive_ledger::Limited;
use tokio::time::timeout;

use crate::older::Stops;
use crate::retries::operator;
use crate::world::{End, World, policy};

/// Turns at this rate lie nearly two minutes apart.
const SLOW: f64 = 0.01;
const FAST: f64 = 1_000.0;
/// Who hears of another rate, or of a stop, is done within so long, on a busy machine too.
const SOON: Duration = Duration::from_secs(60);

/// Waits until so many turns of the line have been taken, and raises its limit.
async fn raise(world: &World, what: Limited, taken: i32) {
    let far = world.clock.now() + SignedDuration::from_secs(100) * taken;
    eventually("the turns to be taken", || async {
        let line = world
            .ledger
            .take_turns(what, SLOW, 0, world.clock.now())
            .await;
        (line.unwrap().first > far).then_some(())
    })
    .await;
    let records = &world.ops().records;
    let raised = records.set_limit(what, Some(FAST), &operator()).await;
    raised.unwrap();
}

#[tokio::test]
async fn a_raised_limit_of_starts_is_heard_by_who_waits_for_a_turn() {
    let mut slow = policy();
    slow.starts_per_second = SLOW;
    let world = World::with("raised-starts", slow).await;
    for order in ["order-1", "order-2"] {
        world.failed_order(order, &[End::Completes]).await;
    }
    let both = async { tokio::join!(world.run_chunk("b1"), raise(&world, Limited::Starts, 2)) };
    let (report, ()) = timeout(SOON, both).await.unwrap();
    assert_eq!((report.claimed, report.stopped), (2, None));
    for order in ["order-1", "order-2"] {
        assert_eq!(world.verdicts(order).await, ["restarted"]);
    }
}

#[tokio::test]
async fn a_raised_limit_of_visibility_is_heard_by_who_waits_for_a_turn() {
    let mut slow = policy();
    slow.visibility_calls_per_second = SLOW;
    let world = World::with("raised-visibility", slow).await;
    let phase = world.phase("b1");
    let both = async {
        tokio::join!(
            world.engine.scan_failures(&phase, &Steady),
            raise(&world, Limited::Visibility, 2)
        )
    };
    let (scanned, ()) = timeout(SOON, both).await.unwrap();
    assert!(scanned.unwrap().complete);
}

#[tokio::test]
async fn who_waits_for_a_turn_of_visibility_stops_when_it_is_told() {
    let mut slow = policy();
    slow.visibility_calls_per_second = SLOW;
    let world = World::with("stopped-visibility", slow).await;
    let (phase, stops) = (world.phase("b1"), Stops::at_once());
    let taken = world
        .ledger
        .take_turns(Limited::Visibility, SLOW, 1, world.clock.now());
    taken.await.unwrap();
    let scan = timeout(SOON, world.engine.scan_failures(&phase, &stops)).await;
    let error = scan.unwrap().unwrap_err();
    assert!(
        matches!(error, EngineError::Gateway(GatewayError::Throttle(_))),
        "{error}"
    );
}
