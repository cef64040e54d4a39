//! Every activity run twice changes nothing the second time; and a batch whose k-th call fails, for every k, ends with
//! every rule intact.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use redrive_core::states::State;
use redrive_engine::gateway::GatewayError;
use redrive_engine::{Engine, Steady};
use redrive_ledger::{BatchEnd, Story};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::hooks::{Call, Fate, Hooked};
use crate::world::{End, World, policy};

/// What the ledger and the server hold: all that an activity may change.
async fn everything(world: &World) -> (Vec<Story>, Vec<String>, u64) {
    let mut stories = world.ledger.stories_after(None, 100).await.unwrap();
    for story in &mut stories {
        // When an order is looked at again is no change of what is known of it.
        story.order.next_check_at = None;
    }
    let mut runs = Vec::new();
    for story in &stories {
        runs.push(world.latest_run(story.order.workflow_id.as_str()).await);
    }
    let counts = world
        .ledger
        .batch_counts(&"b1".into(), world.engine.clock.now())
        .await
        .unwrap();
    (stories, runs, counts.found_count)
}

/// Runs an activity, and again; the second time must change nothing.
async fn twice<F: Future<Output = ()>>(world: &World, what: &str, activity: impl Fn() -> F) {
    activity().await;
    let after_once = everything(world).await;
    activity().await;
    assert_eq!(
        everything(world).await,
        after_once,
        "{what} did something the second time"
    );
}

#[tokio::test]
async fn every_activity_run_twice_changes_nothing_the_second_time() {
    let world = World::new("twice").await;
    for n in 0..4 {
        world
            .start(
                &format!("order-{n}"),
                &[End::Fails, if n % 2 == 0 { End::Runs } else { End::Fails }],
            )
            .await;
    }
    world.visibility_shows(4).await;
    let engine = &world.engine;
    twice(&world, "open", || world.open_batch("b1")).await;
    twice(&world, "adopt", || async {
        engine
            .adopt_claims(&world.phase("b1"), &Steady)
            .await
            .unwrap();
    })
    .await;
    twice(&world, "scan", || async {
        engine
            .scan_failures(&world.phase("b1"), &Steady)
            .await
            .unwrap();
    })
    .await;
    let chunk = world.chunk("b1", 0);
    twice(&world, "chunk", || async {
        engine.process_chunk(&chunk, &Steady).await.unwrap();
    })
    .await;
    for n in [1, 3] {
        world
            .await_status(&format!("order-{n}"), Status::Failed)
            .await;
    }
    twice(&world, "settle", || world.settle("b1")).await;
    twice(&world, "finish", || async {
        let end = BatchEnd::default();
        let row = world
            .ledger
            .finish_batch(&"b1".into(), &end, world.engine.clock.now())
            .await
            .unwrap();
        assert_eq!(
            (
                row.result.found_count,
                row.result.restarted_count,
                row.result.failed_again_count
            ),
            (4, 4, 2)
        );
    })
    .await;
}

/// Fails the k-th call, one way or the other, once.
fn kth(k: usize, fate: Fate, made: Arc<AtomicUsize>) -> impl Fn(Call) -> Fate + Send + Sync {
    move |_| {
        if made.fetch_add(1, Ordering::SeqCst) == k {
            fate.clone()
        } else {
            Fate::Passes
        }
    }
}

/// One batch, step by step; an activity that fails is tried once more, as Temporal would.
async fn batch(world: &World, engine: &Engine, id: &str) {
    world.open_batch(id).await;
    for _ in 0..2 {
        if engine.adopt_claims(&world.phase(id), &Steady).await.is_ok() {
            break;
        }
    }
    for _ in 0..2 {
        if engine
            .scan_failures(&world.phase(id), &Steady)
            .await
            .is_ok()
        {
            break;
        }
    }
    for _ in 0..2 {
        if engine
            .settle_attempts(&world.phase(id), &Steady)
            .await
            .is_ok()
        {
            break;
        }
    }
    for _ in 0..2 {
        if engine
            .process_chunk(&world.chunk(id, 0), &Steady)
            .await
            .is_ok()
        {
            break;
        }
    }
    let row = world
        .ledger
        .finish_batch(&id.into(), &BatchEnd::default(), engine.clock.now())
        .await
        .unwrap();
    let result = row.result;
    assert_eq!(
        result.found_count,
        result.restarted_count + result.dlq_count + result.error_count + result.skipped_count
    );
}

/// After a batch with a fault and two without, each order has exactly one restart, and the ledger knows it.
async fn with_fault(world: &World, round: usize, k: usize, fate: Fate) -> usize {
    let ids: Vec<String> = (0..2).map(|n| format!("order-{round}-{n}")).collect();
    let mut first_runs = Vec::new();
    for id in &ids {
        first_runs.push(world.start(id, &[End::Fails, End::Completes]).await);
        world.await_status(id, Status::Failed).await;
    }
    world.visibility_shows(2 * (round as u64 + 1)).await;
    let made = Arc::new(AtomicUsize::new(0));
    let faulty = world
        .engine_with(
            Hooked::new(
                world.gateway.clone(),
                kth(k, fate.clone(), Arc::clone(&made)),
            ),
            policy(),
        )
        .await;
    batch(world, &faulty, &format!("f{round}")).await;
    batch(world, &world.engine, &format!("g{round}")).await;
    batch(world, &world.engine, &format!("h{round}")).await;
    for (id, first_run) in ids.iter().zip(first_runs) {
        // Closed again, so that the next round's settle does not look at it.
        let story = world.settles_as(id, State::Recovered).await;
        let started: Vec<_> = story
            .attempts
            .iter()
            .filter(|attempt| attempt.run.is_some())
            .collect();
        assert_eq!(
            started.len(),
            1,
            "call {k}, {fate:?}: {:#?}",
            story.attempts
        );
        assert_eq!(started[0].from_run.as_str(), first_run);
        assert_eq!(
            started[0].run.as_ref().unwrap().as_str(),
            world.latest_run(id).await
        );
    }
    made.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_fault_at_any_call_leaves_every_rule_intact() {
    let world = World::new("kth-call").await;
    let fates = [
        Fate::Fails(GatewayError::Unknown("lost".into())),
        Fate::LosesAnswer,
        Fate::Fails(GatewayError::Throttle("slow down".into())),
        Fate::Fails(GatewayError::System("denied".into())),
    ];
    let (mut round, mut k) = (0, 0);
    loop {
        let mut calls = 0;
        for fate in &fates {
            calls = with_fault(&world, round, k, fate.clone()).await;
            round += 1;
        }
        if k >= calls {
            break;
        }
        k += 1;
    }
    assert!(k >= 8, "a batch makes more than {k} calls");
}
