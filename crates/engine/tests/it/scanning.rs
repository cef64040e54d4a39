//! What the scan takes in, and what it leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redrive_engine::Steady;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::hooks::{Call, Fate, Hooked};
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
