//! Turns that are far ahead: who waits for one hears of another rate, and of a stop, and starts nothing before it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use redrive_core::states::State;
use redrive_engine::{Clock, Pulse, Steady};
use redrive_flows::activities::{Chunk, ForOperation, Stopped};
use redrive_ledger::Limited;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::batches::in_state;
use crate::operations::{begin, chunk, forgotten, open, page};
use crate::retries::operator;
use crate::world::{End, World, policy};

/// The second of two turns at this rate comes after longer than a chunk here lasts.
const NEVER: f64 = 0.001;
const FAST: f64 = 1_000.0;
/// Who hears of another rate, or of a stop, is done within so long, on a busy machine too.
const SOON: Duration = Duration::from_secs(60);

/// Hears that an activity lives, and can tell it to stop.
#[derive(Default)]
struct Heard {
    beat: Notify,
    stops: AtomicBool,
}

#[async_trait]
impl Pulse for Heard {
    async fn beat(&self) {
        self.beat.notify_one();
    }

    fn cancelled(&self) -> bool {
        self.stops.load(Ordering::SeqCst)
    }
}

/// A world in which the first call to visibility was made, and the next one has to wait.
async fn slow_visibility(name: &str) -> World {
    let mut slow = policy();
    slow.visibility_calls_per_second = NEVER;
    let world = World::with(name, slow).await;
    let what = Limited::Visibility;
    let now = world.clock.now();
    world.ledger.take_turns(what, NEVER, 1, now).await.unwrap();
    world
}

async fn raise(world: &World, what: Limited) {
    let (ops, by) = (world.ops(), operator());
    let raised = ops.records.set_limit(what, Some(FAST), &by).await;
    raised.unwrap();
}

/// Scans, and once the scan says that it lives lets `then` happen. Returns whether it came up to the present.
async fn scan_until(world: &World, heard: &Heard, then: impl Future<Output = ()>) -> bool {
    let phase = world.phase("b1");
    let acts = async {
        heard.beat.notified().await;
        then.await;
    };
    let both = async { tokio::join!(world.engine.scan_failures(&phase, heard), acts) };
    let (scanned, ()) = timeout(SOON, both).await.unwrap();
    scanned.unwrap().complete
}

#[tokio::test]
async fn a_raised_limit_of_visibility_is_heard_by_a_scan_that_waits() {
    let world = slow_visibility("raised-visibility").await;
    let raises = raise(&world, Limited::Visibility);
    assert!(scan_until(&world, &Heard::default(), raises).await);
}

#[tokio::test]
async fn a_scan_that_waits_says_that_it_lives_and_hears_a_stop() {
    let world = slow_visibility("stopped-visibility").await;
    let heard = Heard::default();
    let stops = async { heard.stops.store(true, Ordering::SeqCst) };
    let complete = scan_until(&world, &heard, stops).await;
    assert!(!complete, "an end and no error");
}

#[tokio::test]
async fn nothing_is_started_after_a_halt_has_been_told() {
    let world = World::new("halt-told").await;
    world.failed_order("order-1", &[End::Completes]).await;
    // A worker that has just read that starts are not halted.
    let only = Chunk {
        limit: 0,
        ..world.chunk("b1", 0)
    };
    world.open_batch("b1").await;
    world.engine.process_chunk(&only, &Steady).await.unwrap();
    let by = operator();
    assert!(world.ops().records.halt(&by).await.unwrap());
    assert_eq!(world.run_chunk("b2").await.claimed, 0);
    assert_eq!(in_state(&world, State::InFlight).await, 0);
    assert!(!world.ops().records.halt(&by).await.unwrap());
}

#[tokio::test]
async fn an_order_whose_turn_comes_too_late_is_given_back_and_begun_under_a_raised_limit() {
    let mut slow = policy();
    slow.starts_per_second = NEVER;
    let world = World::with("raised-starts", slow).await;
    for order in ["order-1", "order-2"] {
        world.failed_order(order, &[End::Completes]).await;
    }
    let report = world.run_chunk("b1").await;
    assert_eq!((report.claimed, report.stopped), (2, Some(Stopped::Halted)));
    assert_eq!(in_state(&world, State::InFlight).await, 1);
    raise(&world, Limited::Starts).await;
    let report = timeout(SOON, world.run_chunk("b2")).await.unwrap();
    assert_eq!((report.claimed, report.stopped), (1, None));
    assert_eq!(in_state(&world, State::InFlight).await, 2);
}

#[tokio::test]
async fn an_operation_starts_nothing_before_its_own_turn() {
    let world = World::new("operation-turn").await;
    forgotten(&world, 2).await;
    open(&world, "o", Some(FAST)).await;
    let begin = begin("o", world.clock.now());
    world.engine.begin_operation(&begin).await.unwrap();
    let report = world.engine.next_page(&page("o", 0)).await.unwrap();
    assert_eq!(report.counts.waiting, 2);
    let chunk_at = async |number, rate| {
        let (id, by, now) = ("o".into(), operator(), world.clock.now());
        let ledger = &world.ledger;
        let set = ledger.set_operation_rate(&id, Some(rate), &by, now).await;
        set.unwrap();
        let chunk = Chunk {
            chunk: number,
            operation: Some(ForOperation {
                id,
                per_second: Some(rate),
            }),
            ..chunk(&world, "o")
        };
        let done = timeout(SOON, world.engine.process_chunk(&chunk, &Steady)).await;
        done.unwrap().unwrap()
    };
    let report = chunk_at(0, NEVER).await;
    assert_eq!((report.claimed, report.stopped), (1, Some(Stopped::Halted)));
    assert_eq!(in_state(&world, State::InFlight).await, 1);
    let report = chunk_at(1, NEVER).await;
    assert_eq!(report.claimed, 0, "its operation waits a while");
    let report = chunk_at(2, FAST).await;
    assert_eq!((report.claimed, report.stopped), (1, None));
    assert_eq!(in_state(&world, State::InFlight).await, 2);
}
