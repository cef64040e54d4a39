//! Failures older than the look-back: looked at, and taken in on an operator's word.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use redrive_engine::gateway::GatewayError;
use redrive_engine::ops::{OlderGroup, Ops, OpsError};
use redrive_engine::{Clock, EngineError, Pulse, Steady};
use redrive_ledger::AuditFilter;

use crate::hooks::{Call, Fate, Hooked};
use crate::retries::operator;
use crate::world::{End, World, policy};

/// Whoever runs this wants it to stop, once that is set.
#[derive(Default)]
struct Stops(Arc<AtomicBool>);

impl Stops {
    /// From the beginning.
    fn at_once() -> Self {
        Self(Arc::new(true.into()))
    }
}

#[async_trait]
impl Pulse for Stops {
    async fn beat(&self) {}

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn older_failures_are_taken_in_on_an_operators_word_and_each_once() {
    let world = World::new("taken-in").await;
    for n in 0..5 {
        world
            .start(&format!("old-{n}"), &[End::Fails, End::Completes])
            .await;
    }
    world
        .start("old-fraud", &[End::FailsAs("fraud_suspected")])
        .await;
    world.visibility_shows(6).await;
    world.clock.advance(Duration::from_secs(10 * 24 * 3600));
    let now = world.clock.now();
    let (ops, ago) = (world.ops(), |days: i64| {
        now - SignedDuration::from_hours(24 * days)
    });

    let recent = ops.preview_older(ago(9), &Steady).await.unwrap();
    assert_eq!((recent.runs, recent.groups.len()), (0, 0));
    let older = ops.preview_older(ago(30), &Steady).await.unwrap();
    assert_eq!((older.runs, older.read), (6, 6));
    let group = |status: &str, eligible, runs| OlderGroup {
        failure_status: status.into(),
        older_than_days: 7,
        eligible,
        runs,
    };
    assert_eq!(
        older.groups,
        [
            group("fraud_suspected", false, 1),
            group("shipping_failed", true, 5)
        ]
    );
    let nothing = world.ledger.scan_window(crate::world::TYPE).await;
    assert_eq!(nothing.unwrap(), None, "a preview keeps nothing");

    let told = AtomicU64::new(0);
    let interrupted = ops
        .take_in_older(older.since, &operator(), &Stops::at_once(), &|_| {})
        .await
        .unwrap();
    assert_eq!(
        (interrupted.new_failures, interrupted.complete),
        (0, false),
        "the same again does the rest"
    );
    let heard = |taken: u64| told.store(taken, Ordering::SeqCst);
    for (new_orders, eligible) in [(6, 5), (0, 0)] {
        let taken = ops
            .take_in_older(older.since, &operator(), &Steady, &heard)
            .await
            .unwrap();
        assert_eq!(
            (taken.new_orders, taken.eligible_orders, taken.complete),
            (new_orders, eligible, true)
        );
    }
    assert_eq!(
        told.load(Ordering::SeqCst),
        6,
        "the last word of the first time"
    );
    let known = world.ledger.scan_window(crate::world::TYPE).await.unwrap();
    let known = known.unwrap();
    assert_eq!((known.first_look_at, known.older_count), (older.since, 0));
    assert_eq!(world.run_chunk("b1").await.claimed, 5);
    let again = ops.preview_older(ago(30), &Steady).await.unwrap();
    assert_eq!(again.runs, 0);
}

/// Failures in [`a_world_with_old_failures`]: more than are read at the same time.
const OLD: u64 = 20;
/// The first read that waits for another one to end.
const LATER_READ: usize = 17;

/// A world, and since when its failures closed, which are older than the look-back.
async fn a_world_with_old_failures(name: &str) -> (World, Timestamp) {
    let world = World::new(name).await;
    let since = world.clock.now() - SignedDuration::from_hours(1);
    for n in 0..OLD {
        world.start(&format!("old-{n}"), &[End::Fails]).await;
    }
    world.visibility_shows(OLD).await;
    world.clock.advance(Duration::from_secs(10 * 24 * 3600));
    (world, since)
}

/// The verbs over a gateway whose `nth` call of that kind fails so, as do all that follow; and by then the time is up.
async fn ending_at(world: &World, call: Call, nth: usize, error: GatewayError) -> (Ops, Stops) {
    let (stops, made) = (Stops::default(), AtomicUsize::new(0));
    let over = Arc::clone(&stops.0);
    let hook = move |next: Call| {
        if next == call && made.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            over.store(true, Ordering::SeqCst);
        }
        if over.load(Ordering::SeqCst) {
            Fate::Fails(error.clone())
        } else {
            Fate::Passes
        }
    };
    let hooked = Hooked::new(world.gateway.clone(), hook);
    let engine = world.engine_with(hooked, policy()).await;
    let ops = Ops {
        engine,
        ..world.ops()
    };
    (ops, stops)
}

fn throttle() -> GatewayError {
    GatewayError::Throttle("slow down".into())
}

#[tokio::test]
async fn a_look_at_older_failures_that_is_throttled_to_its_end_tells_what_it_has_read() {
    let (world, since) = a_world_with_old_failures("older-throttled").await;
    let (ops, stops) = ending_at(&world, Call::ListFailed, 1, throttle()).await;
    let older = ops.preview_older(since, &stops).await.unwrap();
    assert_eq!((older.runs, older.read, older.groups.len()), (OLD, 0, 0));

    let (ops, stops) = ending_at(&world, Call::ReadFailure, LATER_READ, throttle()).await;
    let older = ops.preview_older(since, &stops).await.unwrap();
    assert_eq!(older.runs, OLD);
    assert!((1..OLD).contains(&older.read), "{older:?}");
    let grouped: u64 = older.groups.iter().map(|group| group.runs).sum();
    assert_eq!(grouped, older.read);

    // How many there are is told rightly, or not at all.
    let (ops, stops) = ending_at(&world, Call::CountFailed, 1, throttle()).await;
    let told = ops.preview_older(since, &stops).await;
    assert!(
        matches!(
            told,
            Err(OpsError::Engine(EngineError::Gateway(
                GatewayError::Throttle(_)
            )))
        ),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_take_in_that_is_throttled_to_its_end_is_not_complete_and_the_next_one_does_the_rest() {
    let (world, since) = a_world_with_old_failures("taken-in-throttled").await;
    for call in [Call::CountFailed, Call::ListFailed] {
        let (ops, stops) = ending_at(&world, call, 1, throttle()).await;
        let taken = ops.take_in_older(since, &operator(), &stops, &|_| {}).await;
        let taken = taken.unwrap();
        assert_eq!((taken.new_failures, taken.complete), (0, false), "{call:?}");
    }
    let (ops, stops) = ending_at(&world, Call::ReadFailure, LATER_READ, throttle()).await;
    let first = ops.take_in_older(since, &operator(), &stops, &|_| {}).await;
    let first = first.unwrap();
    assert!(!first.complete);
    assert!((1..OLD).contains(&first.new_failures), "{first:?}");
    let known = world.ops().records.failures(&Default::default(), 99).await;
    assert_eq!(known.unwrap().len() as u64, first.new_failures);

    // What is no throttle is an error, late or not.
    let denied = GatewayError::System("denied".into());
    let (ops, stops) = ending_at(&world, Call::CountFailed, 1, denied).await;
    let told = ops.take_in_older(since, &operator(), &stops, &|_| {}).await;
    assert!(
        matches!(
            told,
            Err(OpsError::Engine(EngineError::Gateway(
                GatewayError::System(_)
            )))
        ),
        "{told:?}"
    );

    let ops = world.ops();
    let rest = ops
        .take_in_older(since, &operator(), &Steady, &|_| {})
        .await
        .unwrap();
    assert_eq!(
        (rest.new_failures, rest.complete),
        (OLD - first.new_failures, true)
    );
}

#[tokio::test]
async fn a_take_in_that_goes_on_is_written_down_once_an_hour() {
    let world = World::new("taken-in-again").await;
    let (ops, since) = (
        world.ops(),
        world.clock.now() - SignedDuration::from_hours(48),
    );
    let scans = AuditFilter {
        action: Some("scan".into()),
        ..AuditFilter::default()
    };
    for (minutes, written) in [(0, 1), (50, 1), (20, 2), (50, 2)] {
        world.clock.advance(Duration::from_secs(minutes * 60));
        ops.take_in_older(since, &operator(), &Steady, &|_| {})
            .await
            .unwrap();
        let acts = ops.records.audit(&scans, 9).await.unwrap();
        assert_eq!(acts.len(), written, "{minutes} minutes later");
    }
}
