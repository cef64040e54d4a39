//! What the scan takes in, and what it leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use redrive_engine::ops::OlderGroup;
use redrive_engine::{Clock, Pulse, Steady};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::hooks::{Call, Fate, Hooked};
use crate::retries::operator;
use crate::world::{End, World, policy};

#[tokio::test]
async fn failures_older_than_the_look_back_are_counted_and_not_touched() {
    let world = World::new("older").await;
    for n in 0..50 {
        world.start(&format!("old-{n}"), &[End::Fails]).await;
    }
    world.visibility_shows(50).await;
    world.clock.advance(Duration::from_secs(25 * 3600));
    let report = world
        .engine
        .scan_failures(&world.phase("b1"), &Steady)
        .await
        .unwrap();
    assert_eq!(report.new_failures, 0);
    let window = world
        .ledger
        .scan_window(crate::world::TYPE)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(window.older_count, 50);
    assert_eq!(world.run_chunk("b1").await.claimed, 0);
    // Not even the hourly sweep takes them in.
    world.clock.advance(Duration::from_secs(2 * 3600));
    let report = world
        .engine
        .scan_failures(&world.phase("b2"), &Steady)
        .await
        .unwrap();
    assert_eq!(report.new_failures, 0);
}

/// Whoever runs this wants it to stop at once.
struct Stopped;

#[async_trait]
impl Pulse for Stopped {
    async fn beat(&self) {}

    fn cancelled(&self) -> bool {
        true
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
        .take_in_older(older.since, &operator(), &Stopped, &|_| {})
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

#[tokio::test]
async fn a_large_window_is_split_and_nothing_is_missed() {
    let mut policy = policy();
    policy.scan.window_rows = 7;
    let world = World::with("split", policy).await;
    for n in 0..60 {
        world.start(&format!("order-{n}"), &[End::Fails]).await;
    }
    world.visibility_shows(60).await;
    let report = world
        .engine
        .scan_failures(&world.phase("b1"), &Steady)
        .await
        .unwrap();
    assert_eq!((report.new_failures, report.complete), (60, true));
    let again = world
        .engine
        .scan_failures(&world.phase("b2"), &Steady)
        .await
        .unwrap();
    assert_eq!(again.new_failures, 0);
}

#[tokio::test]
async fn a_run_hidden_from_the_scan_for_twenty_minutes_is_still_processed() {
    let world = World::new("hidden").await;
    let hides = Arc::new(AtomicBool::new(true));
    let hidden = Arc::clone(&hides);
    let hook = move |call| match call {
        Call::CountFailed | Call::ListFailed if hidden.load(Ordering::SeqCst) => Fate::ShowsNothing,
        _ => Fate::Passes,
    };
    let engine = world
        .engine_with(Hooked::new(world.gateway.clone(), hook), policy())
        .await;
    engine
        .scan_failures(&world.phase("b0"), &Steady)
        .await
        .unwrap();
    world.start("order-1", &[End::Fails, End::Completes]).await;
    world.await_status("order-1", Status::Failed).await;
    world.visibility_shows(1).await;
    let mut taken_in = 0;
    for minutes in [0, 10, 10, 45] {
        world.clock.advance(Duration::from_secs(minutes * 60));
        hides.store(minutes != 45, Ordering::SeqCst);
        taken_in += engine
            .scan_failures(&world.phase("b1"), &Steady)
            .await
            .unwrap()
            .new_failures;
    }
    assert_eq!(taken_in, 1, "the sweep finds what the watermark had passed");
    assert_eq!(world.run_chunk("b2").await.claimed, 1);
}
