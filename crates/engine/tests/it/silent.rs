//! A server that tells nothing of one order, whose shard is lost, say: that order waits, and holds up no other.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::states::State;
use redrive_engine::gateway::{Gateway, GatewayError};
use redrive_engine::{Clock, Engine, Steady, SystemClock};
use redrive_ledger::ClaimRequest;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::hooks::{Call, Fate, Hooked};
use crate::world::{End, TYPE, World, policy};

/// So many times as fast as others it sleeps.
const FASTER: u32 = 50;

/// A clock by which pauses are short.
struct LightSleeper;

#[async_trait]
impl Clock for LightSleeper {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn seed(&self) -> u64 {
        7
    }

    async fn sleep(&self, time: Duration) {
        SystemClock.sleep(time / FASTER).await;
    }
}

/// The order that nothing is told of.
const LOST: &str = "order-2";
/// What a batch says of it.
const UNKNOWN: &str = "skipped: answer_unknown";
const ORDERS: [&str; 3] = ["order-1", LOST, "order-3"];

/// An engine that hears nothing of [`LOST`].
async fn engine(world: &World) -> Engine {
    deaf_to(world, LOST).await
}

/// An engine that hears nothing of one workflow.
async fn deaf_to(world: &World, workflow: &str) -> Engine {
    deaf_where(world, workflow, |_| true).await
}

/// An engine that hears no answer to such calls about a workflow, as if the server had lost its shard.
async fn deaf_where(world: &World, workflow: &str, deaf: fn(Call) -> bool) -> Engine {
    let hook = move |call| {
        if deaf(call) {
            return Fate::Fails(GatewayError::Unknown("shard unavailable".into()));
        }
        Fate::Passes
    };
    let gateway = Hooked::about(world.gateway.clone(), workflow, hook);
    let mut engine = world.engine_with(gateway, policy()).await;
    engine.clock = Arc::new(LightSleeper);
    engine
}

#[tokio::test]
async fn an_order_that_is_described_and_never_started_is_left_claimed_too() {
    let world = World::new("silent-start").await;
    world.failed_order(LOST, &[End::Completes]).await;
    let deaf = deaf_where(&world, LOST, |call| call == Call::Start).await;
    world.open_batch("b1").await;
    let report = deaf.process_chunk(&world.chunk("b1", 0), &Steady).await;
    assert_eq!(report.unwrap().claimed, 1);
    assert_eq!(world.verdicts(LOST).await, [UNKNOWN]);
    assert_eq!(world.story(LOST).await.order.state, State::Claimed);
}

#[tokio::test]
async fn a_chunk_leaves_it_claimed_and_the_next_batch_finds_out() {
    let world = World::new("silent-chunk").await;
    for order in ORDERS {
        world.failed_order(order, &[End::Completes]).await;
    }
    let deaf = engine(&world).await;
    world.open_batch("b1").await;
    let report = deaf.process_chunk(&world.chunk("b1", 0), &Steady).await;
    let report = report.unwrap();
    assert_eq!((report.claimed, report.stopped), (3, None));
    let verdicts = ["restarted", UNKNOWN, "restarted"];
    for (order, verdict) in ORDERS.into_iter().zip(verdicts) {
        assert_eq!(world.verdicts(order).await, [verdict], "{order}");
    }
    assert_eq!(world.story(LOST).await.order.state, State::Claimed);

    // Neither does it hold up the batch that takes it over.
    world.open_batch("b2").await;
    let adopted = deaf.adopt_claims(&world.phase("b2"), &Steady).await;
    let adopted = adopted.unwrap();
    assert_eq!((adopted.adopted, adopted.finished), (1, 1));
    assert_eq!(world.story(LOST).await.order.state, State::Claimed);

    world.open_batch("b3").await;
    let heard = world.engine.adopt_claims(&world.phase("b3"), &Steady).await;
    assert_eq!(heard.unwrap().adopted, 1);
    world.await_status(LOST, Status::Completed).await;
    let verdicts = world.verdicts(LOST).await;
    assert_eq!(verdicts, [UNKNOWN, UNKNOWN, "restarted"]);
}

#[tokio::test]
async fn a_batch_of_which_nothing_is_told_is_left_alone_and_others_are_adopted() {
    let world = World::new("silent-batch").await;
    for (order, batch) in ORDERS.into_iter().zip(["b1", "b2", "b3"]) {
        world.failed_order(order, &[End::Completes]).await;
        world.open_batch(batch).await;
        // It dies after its claim.
        let request = ClaimRequest {
            batch: batch.into(),
            chunk: 0,
            limit: 1,
            due_by: world.clock.now(),
            rules: Default::default(),
            only: None,
            operation: None,
        };
        let home = world.gateway.home();
        let moment = world.clock.moment();
        let claimed = world.ledger.claim(&policy(), home, &request, moment).await;
        assert_eq!(claimed.unwrap().fresh.len(), 1);
    }
    let deaf = deaf_to(&world, "b2").await;
    world.open_batch("b4").await;
    let adopted = deaf.adopt_claims(&world.phase("b4"), &Steady).await;
    let adopted = adopted.unwrap();
    assert_eq!((adopted.adopted, adopted.finished), (2, 2));
    let order = world.story(LOST).await.order;
    assert_eq!(order.state, State::Claimed, "who owns it may live");
}

#[tokio::test]
async fn a_settle_learns_of_all_others() {
    let world = World::new("silent-settle").await;
    for order in ORDERS {
        world.failed_order(order, &[End::Completes]).await;
    }
    world.run_chunk("b1").await;
    for order in ORDERS {
        world.await_status(order, Status::Completed).await;
    }
    let deaf = engine(&world).await;
    let report = deaf.settle_attempts(&world.phase("b2"), &Steady).await;
    let report = report.unwrap();
    assert_eq!((report.checked, report.complete), (2, false));
    for order in ["order-1", "order-3"] {
        assert_eq!(world.story(order).await.order.state, State::Recovered);
    }
    let report = world
        .engine
        .settle_attempts(&world.phase("b3"), &Steady)
        .await;
    let report = report.unwrap();
    assert_eq!((report.checked, report.complete), (1, true));
    assert_eq!(world.story(LOST).await.order.state, State::Recovered);
}

#[tokio::test]
async fn a_scan_stores_all_others_and_asks_again() {
    let world = World::new("silent-scan").await;
    // A first look, so that the watermark lies before the failures.
    let scan = async |engine: &Engine, batch: &str| {
        let phase = world.phase(batch);
        let scanned = engine.scan_failures(&phase, &Steady).await.unwrap();
        (scanned.new_failures, scanned.complete)
    };
    assert_eq!(scan(&world.engine, "b0").await, (0, true));
    let watermark = async || {
        let window = world.ledger.scan_window(TYPE).await.unwrap();
        window.unwrap().watermark
    };
    let before = watermark().await;
    for order in ORDERS {
        world.start(order, &[End::Fails]).await;
        world.await_status(order, Status::Failed).await;
    }
    world.visibility_shows(3).await;
    let deaf = engine(&world).await;
    assert_eq!(scan(&deaf, "b1").await, (2, false));
    assert_eq!(watermark().await, before, "it is read again from there");
    assert_eq!(scan(&world.engine, "b2").await, (1, true));
    assert!(watermark().await > before);
}
