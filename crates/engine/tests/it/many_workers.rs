//! Several workers over one ledger and one namespace: each an engine of its own, as in a process of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt, stream};
use redrive_engine::gateway::GatewayError;
use redrive_engine::{Engine, Steady};
use redrive_flows::activities::Chunk;
use redrive_fulfillment::testbed::eventually;
use redrive_ledger::{BatchEnd, Story};
use tokio::sync::watch;

use crate::hooks::{Call, Fate, Hooked};
use crate::world::{End, World, policy};

/// Starts under way at the same time, while orders are made.
const AT_ONCE: usize = 16;

/// Failed orders that the ledger knows, by id, with the run that failed.
pub async fn failed_orders(world: &World, count: usize) -> BTreeMap<String, String> {
    let orders = stream::iter(0..count).map(|number| async move {
        let id = format!("order-{number:03}");
        let run = world.start(&id, &[End::Fails, End::Completes]).await;
        (id, run)
    });
    let orders = orders.buffer_unordered(AT_ONCE).collect().await;
    world.visibility_shows(count as u64).await;
    world.scan_sees(count as u64).await;
    orders
}

/// A worker; `starts` counts the starts that it has made.
async fn worker(world: &World, starts: &watch::Sender<usize>) -> Engine {
    let starts = starts.clone();
    let hook = move |call| {
        if call == Call::Start {
            starts.send_modify(|starts| *starts += 1);
        }
        Fate::Passes
    };
    let gateway = Hooked::new(world.gateway.clone(), hook);
    world.engine_with(gateway, policy()).await
}

/// Chunks of a batch until nothing is left for it. Returns how many orders it had.
async fn drain(world: &World, engine: &Engine, batch: &str) -> u32 {
    let mut had = 0;
    for number in 0.. {
        let chunk = Chunk {
            limit: 20,
            ..world.chunk(batch, number)
        };
        let report = engine.process_chunk(&chunk, &Steady).await.unwrap();
        had += report.claimed;
        if report.claimed < chunk.limit {
            break;
        }
    }
    let finished = engine.finish(&batch.into(), &BatchEnd::default()).await;
    assert_eq!(finished.unwrap().result.restarted_count, u64::from(had));
    had
}

/// It has one attempt, of that failed run, and one verdict; its latest run is what the attempt has started.
pub async fn is_restarted_once(world: &World, story: &Story, failed: &str) {
    let id = story.order.workflow_id.as_str();
    let [attempt] = story.attempts.as_slice() else {
        panic!("{id}: {:#?}", story.attempts);
    };
    assert_eq!(attempt.from_run.as_str(), failed, "{id}");
    let run = attempt.run.as_ref().map(|run| run.as_str());
    assert_eq!(run, Some(world.latest_run(id).await.as_str()), "{id}");
    let verdicts: Vec<_> = story.verdicts.iter().map(|said| said.1.as_str()).collect();
    assert_eq!(verdicts, ["restarted"], "{id}");
}

#[tokio::test]
async fn two_batches_at_once_never_touch_the_same_order() {
    const ORDERS: usize = 200;
    let world = World::new("two-batches").await;
    let orders = failed_orders(&world, ORDERS).await;
    let starts = watch::Sender::new(0);
    let (one, other) = (worker(&world, &starts).await, worker(&world, &starts).await);
    for batch in ["b1", "b2"] {
        world.open_batch(batch).await;
    }
    let (by_one, by_other) = tokio::join!(drain(&world, &one, "b1"), drain(&world, &other, "b2"));
    assert!(by_one > 0 && by_other > 0, "{by_one} and {by_other}");
    assert_eq!(by_one + by_other, ORDERS as u32);
    assert_eq!(*starts.borrow(), ORDERS, "one start each");
    for (id, failed) in orders {
        is_restarted_once(&world, &world.story(&id).await, &failed).await;
    }
}

#[tokio::test]
async fn what_a_worker_that_vanished_has_left_is_finished_by_another() {
    const ORDERS: usize = 20;
    let world = World::new("vanished").await;
    let orders = failed_orders(&world, ORDERS).await;
    world.open_batch("b1").await;
    let chunk = world.chunk("b1", 0);
    // It vanishes in the middle: the server has acted on three starts of which it never hears.
    const ACTED: usize = 3;
    let acted = AtomicUsize::new(0);
    let hook = move |call| match call {
        Call::Start if acted.fetch_add(1, Ordering::SeqCst) < ACTED => Fate::LosesAnswer,
        Call::Start => Fate::Fails(GatewayError::Unknown("it is gone".into())),
        _ => Fate::Passes,
    };
    let vanishing = Hooked::new(world.gateway.clone(), hook);
    let vanishing = world.engine_with(vanishing, policy()).await;
    let first = {
        let chunk = chunk.clone();
        tokio::spawn(async move { vanishing.process_chunk(&chunk, &Steady).await })
    };
    eventually("the server to act on its starts", || async {
        let mut acted = 0;
        for (id, failed) in &orders {
            acted += usize::from(world.latest_run(id).await != *failed);
        }
        (acted == ACTED).then_some(())
    })
    .await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let starts = watch::Sender::new(0);
    let other = worker(&world, &starts).await;
    let report = other.process_chunk(&chunk, &Steady).await.unwrap();
    assert_eq!(
        report.claimed, ORDERS as u32,
        "all of them, by the same batch"
    );
    for (id, failed) in orders {
        let story = world.story(&id).await;
        is_restarted_once(&world, &story, &failed).await;
        assert_eq!(story.verdicts[0].0.as_str(), "b1", "{id}");
    }
    assert_eq!(*starts.borrow(), ORDERS - ACTED, "the others, once each");
    let row = other.finish(&"b1".into(), &BatchEnd::default()).await;
    assert_eq!(row.unwrap().result.restarted_count, ORDERS as u64);
}
