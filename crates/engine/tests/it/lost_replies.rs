//! Replies that are lost or late after the server has acted: each order is restarted once for all that.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redrive_engine::gateway::{LossyGateway, Mishap, Odds};
use redrive_engine::{Steady, SystemClock};
use redrive_ledger::BatchEnd;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::hooks::{Call, Fate, Hooked};
use crate::many_workers::{failed_orders, is_restarted_once};
use crate::world::{World, policy};

/// Nearly every third answer: enough that a run of the test without a lost start is not to be expected.
const ODDS: Odds = Odds {
    lost: 0.3,
    late: 0.05,
    latest: Duration::from_millis(2_500),
};

#[tokio::test]
async fn a_lost_reply_never_makes_a_second_start() {
    const ORDERS: usize = 40;
    let world = World::new("lost-replies").await;
    let orders = failed_orders(&world, ORDERS).await;
    let told: Arc<Mutex<BTreeMap<_, u32>>> = Arc::default();
    let lost = Arc::clone(&told);
    let tell = move |mishap, call| {
        if mishap == Mishap::Lost {
            *lost.lock().unwrap().entry(call).or_default() += 1;
        }
    };
    let real = Arc::new(world.gateway.clone());
    let lossy = LossyGateway::new(real, Arc::new(SystemClock), ODDS, 7, tell);
    let engine = world.engine_with(Arc::new(lossy), policy()).await;
    world.open_batch("b1").await;
    engine
        .process_chunk(&world.chunk("b1", 0), &Steady)
        .await
        .unwrap();
    let row = engine.finish(&"b1".into(), &BatchEnd::default()).await;
    assert_eq!(row.unwrap().result.restarted_count, ORDERS as u64);
    for (id, failed) in orders {
        is_restarted_once(&world, &world.story(&id).await, &failed).await;
    }
    let told = told.lock().unwrap();
    assert!(told["start"] > 0 && told["describe"] > 0, "{told:?}");
}

/// As many descriptions as a settle asks for at the same time.
const FIRST_ANSWERS: usize = 16;

#[tokio::test]
async fn a_settle_whose_replies_are_lost_asks_again() {
    const ORDERS: usize = 40;
    let world = World::new("lost-in-settle").await;
    let orders = failed_orders(&world, ORDERS).await;
    world.run_chunk("b1").await;
    for id in orders.keys() {
        world.await_status(id, Status::Completed).await;
    }
    let asked = AtomicUsize::new(0);
    let gateway = Hooked::new(world.gateway.clone(), move |call| {
        if call == Call::Describe && asked.fetch_add(1, Ordering::SeqCst) < FIRST_ANSWERS {
            return Fate::LosesAnswer;
        }
        Fate::Passes
    });
    let engine = world.engine_with(gateway, policy()).await;
    let report = engine.settle_attempts(&world.phase("b2"), &Steady).await;
    assert_eq!(report.unwrap().checked, ORDERS as u64);
}
