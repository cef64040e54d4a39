//! Operations on many dead letters, run by a worker on a real server.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prost::Message;
use redrive_core::classify::{Classification, Matched};
use redrive_core::ids::{BatchId, OperationId};
use redrive_core::report::BatchStatus;
use redrive_core::states::State;
use redrive_engine::ops::{Many, OpsError, Tell};
use redrive_engine::{Clock, Engine, EngineError, Steady};
use redrive_flows::activities::{
    BeginOperation, Chunk, FinishOperation, ForOperation, NextPage, OperationReport,
};
use redrive_flows::operation::operation_workflow_id;
use redrive_fulfillment::testbed::{eventually, eventually_within};
use redrive_ledger::{
    Chosen, DeadLetterFilter, Failure, Operation, OperationOpening, OperationStatus,
};
use serde_json::json;

use crate::batches::in_state;
use crate::ledger_hooks::{Fate, HookedLedger};
use crate::retries::operator;
use crate::workflows::{self, Started};
use crate::world::{QUEUE, TYPE, World, policy};

/// Parks the orders `order-0` up to `order-{orders}`.
pub async fn park_all(world: &World, orders: usize) {
    park(world, 0..orders).await;
}

async fn park(world: &World, orders: Range<usize>) {
    for n in orders {
        let id = format!("order-{n}").as_str().into();
        let parked = world
            .ledger
            .park(&id, &operator().into(), world.clock.now())
            .await;
        assert!(parked.unwrap().is_some());
    }
}

/// So many dead letters whose histories the server has forgotten: they are started from what the ledger kept.
pub async fn forgotten(world: &World, orders: usize) {
    forget(world, 0..orders).await;
}

async fn forget(world: &World, orders: Range<usize>) {
    let failures: Vec<Failure> = orders.clone().map(|n| failure(world, n)).collect();
    let moment = world.clock.moment();
    world
        .ledger
        .observe(&policy(), &"seeded".into(), &failures, moment)
        .await
        .unwrap();
    park(world, orders).await;
}

fn failure(world: &World, n: usize) -> Failure {
    let id = format!("order-{n}");
    let run = format!("run-of-{n}");
    Failure {
        workflow_id: id.as_str().into(),
        order_id: n.to_string(),
        customer_id: None,
        workflow_type: TYPE.into(),
        run_id: run.as_str().into(),
        first_run_id: run.as_str().into(),
        timed_out: false,
        closed_at: world.clock.now(),
        classification: Classification {
            status: "shipping_failed".into(),
            matched: Matched::FailureType,
            fingerprint: "a".repeat(16),
            message: "no carrier".into(),
        },
        from_run: None,
        has_parent: false,
        start_request: world.bed.start_request(&id, TYPE, QUEUE).encode_to_vec(),
    }
}

fn all() -> DeadLetterFilter {
    DeadLetterFilter {
        failure_status: Some("shipping_failed".into()),
        resolved: Some(false),
        ..DeadLetterFilter::default()
    }
}

/// Opens an operation about all, without a workflow.
pub async fn open(world: &World, id: &str, per_second: Option<f64>) {
    let opening = OperationOpening {
        id: id.into(),
        chosen: Chosen::Matching {
            filter: all(),
            limit: None,
        },
        per_second,
        by: operator(),
    };
    let now = world.clock.now();
    world.ledger.open_operation(&opening, now).await.unwrap();
}

/// The batch that works for it in tests of its activities.
pub fn batch(id: &str) -> BatchId {
    format!("batch-of-{id}").as_str().into()
}

/// What begins it.
pub fn begin(id: &str, now: Timestamp) -> BeginOperation {
    BeginOperation {
        id: id.into(),
        batch: batch(id),
        workflow_id: operation_workflow_id(&id.into()),
        started_at: now,
    }
}

/// What takes a page of it.
pub fn page(id: &str, page: u32) -> NextPage {
    NextPage {
        id: id.into(),
        page,
        takes: true,
        paused: false,
    }
}

/// A chunk of it.
pub fn chunk(world: &World, id: &str) -> Chunk {
    Chunk {
        operation: Some(ForOperation {
            id: id.into(),
            per_second: None,
        }),
        ..world.chunk(batch(id).as_str(), 0)
    }
}

/// Retries all that wait.
pub async fn retry_all(world: &World, per_second: Option<f64>) -> Operation {
    let many = Many::Matching(all(), None);
    world
        .ops()
        .retry_many(many, per_second, operator())
        .await
        .unwrap()
}

/// How the operation stands once that holds.
pub async fn until(
    world: &World,
    id: &OperationId,
    what: &str,
    holds: impl Fn(&Operation) -> bool,
) -> Operation {
    let limit = Duration::from_secs(120);
    eventually_within(limit, what, || async {
        let now = world.reader.operation(id).await.unwrap().unwrap();
        holds(&now).then_some(now)
    })
    .await
}

/// Its workflow.
pub async fn workflow(world: &World, id: &OperationId) -> Started {
    let workflow_id = operation_workflow_id(id);
    let run_id = world.latest_run(&workflow_id).await;
    Started {
        workflow_id,
        run_id,
    }
}

async fn ended(world: &World, id: &OperationId) -> Operation {
    until(world, id, "its end", |now| now.status.has_ended()).await
}

#[tokio::test]
async fn an_operation_starts_each_once_and_its_batch_counts_them() {
    let world = World::new("operation").await;
    forgotten(&world, 300).await;
    let worker = world.worker().await;
    let opened = retry_all(&world, None).await;
    let done = ended(&world, &opened.id).await;
    assert_eq!(done.status, OperationStatus::Completed);
    assert_eq!((done.matched, done.started), (300, 300));
    assert_eq!(in_state(&world, State::InFlight).await, 300);
    let started = workflow(&world, &opened.id).await;
    // Its batch's row is finished after it.
    let result = workflows::result(&world.bed, &started).await.unwrap();
    let rows = world.ledger.batches(10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].status, BatchStatus::Completed);
    assert_eq!(rows[0].result.restarted_count, 300);
    assert_eq!(
        (&result["started"], &result["phase"]),
        (&json!(300), &json!("ended"))
    );
    let told = world
        .ops()
        .tell_operation(&opened.id, Tell::Pause, &operator())
        .await;
    assert!(
        matches!(told, Err(OpsError::OperationEnded { .. })),
        "{told:?}"
    );
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn two_operations_at_once_start_nobody_twice() {
    start_nobody_twice(World::new("operations").await).await;
}

#[tokio::test]
async fn nor_do_they_on_postgres() {
    start_nobody_twice(World::on_postgres("operations", policy()).await).await;
}

async fn start_nobody_twice(world: World) {
    forgotten(&world, 200).await;
    let worker = world.worker().await;
    let (one, two) = tokio::join!(retry_all(&world, None), retry_all(&world, None));
    assert_ne!(one.id, two.id);
    let (one, two) = (ended(&world, &one.id).await, ended(&world, &two.id).await);
    assert_eq!(one.started + two.started, 200);
    for operation in [one, two] {
        assert_eq!(operation.status, OperationStatus::Completed);
        assert_eq!(operation.started + operation.skipped, operation.matched);
    }
    let stories = world.ledger.stories_after(None, 1_000).await.unwrap();
    assert_eq!(stories.len(), 200);
    for story in stories {
        assert_eq!(story.attempts.len(), 1, "{:?}", story.order.workflow_id);
    }
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_rate_of_its_own_holds_over_all_workers() {
    const RATE: f64 = 10.0;
    let world = World::new("operation-rate").await;
    forgotten(&world, 30).await;
    open(&world, "o", Some(RATE)).await;
    let began = Instant::now();
    let begin = begin("o", world.clock.now());
    world.engine.begin_operation(&begin).await.unwrap();
    let report = world.engine.next_page(&page("o", 0)).await.unwrap();
    assert_eq!(report.counts.waiting, 30);
    let other = world.engine_with(Arc::new(world.gateway.clone()), policy());
    let other = other.await;
    let chunk = |number| Chunk {
        chunk: number,
        limit: 15,
        operation: Some(ForOperation {
            id: "o".into(),
            per_second: Some(RATE),
        }),
        ..chunk(&world, "o")
    };
    let (one, two) = (chunk(0), chunk(1));
    let (one, two) = tokio::join!(
        world.engine.process_chunk(&one, &Steady),
        other.process_chunk(&two, &Steady)
    );
    assert_eq!((one.unwrap().claimed, two.unwrap().claimed), (15, 15));
    assert_eq!(in_state(&world, State::InFlight).await, 30);
    // Twenty-nine gaps in one line.
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(2_900), "{took:?}");
}

#[tokio::test]
async fn a_halt_keeps_an_operation_waiting_and_a_stop_ends_it_even_so() {
    let world = World::new("operation-halted").await;
    forgotten(&world, 10).await;
    let halt = world.ledger.halt(&operator(), world.clock.now()).await;
    halt.unwrap();
    let worker = world.worker().await;
    let opened = retry_all(&world, None).await;
    let ops = world.ops();
    eventually("it to wait", || async {
        let progress = ops.operation_progress(&opened.id).await?;
        (progress.phase == "waiting" && progress.counts.waiting == 10).then_some(())
    })
    .await;
    let told = ops
        .tell_operation(&opened.id, Tell::Stop, &operator())
        .await;
    assert!(told.unwrap().heard);
    let stopped = ended(&world, &opened.id).await;
    assert_eq!(
        (stopped.status, stopped.started, stopped.failed),
        (OperationStatus::Stopped, 0, 10)
    );
    let why = world.reader.not_started(&opened.id, None, 1).await.unwrap();
    assert_eq!(
        why[0].reason,
        "no batch has handled it yet; the next one does"
    );
    assert_eq!(in_state(&world, State::Failed).await, 10);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn one_whose_workflow_was_terminated_is_resumed_and_goes_on() {
    let world = World::new("operation-resumed").await;
    forgotten(&world, 20).await;
    let worker = world.worker().await;
    let opened = retry_all(&world, Some(1.0)).await;
    until(&world, &opened.id, "a start", |now| {
        now.waiting > 0 && now.waiting < now.matched
    })
    .await;
    workflows::terminate(&world.bed, &operation_workflow_id(&opened.id)).await;
    let ops = world.ops();
    let told = ops
        .tell_operation(&opened.id, Tell::Pause, &operator())
        .await;
    assert!(
        matches!(told, Err(OpsError::OperationDoesNotRun { .. })),
        "{told:?}"
    );
    // The next batch finds its batch dead, and says so.
    world.open_batch("next").await;
    let phase = world.phase("next");
    world.engine.adopt_claims(&phase, &Steady).await.unwrap();
    let failed = world.reader.operation(&opened.id).await.unwrap().unwrap();
    assert_eq!(failed.status, OperationStatus::Failed);
    let told = ops
        .tell_operation(&opened.id, Tell::Resume, &operator())
        .await;
    assert!(told.unwrap().heard);
    let by = operator();
    let faster = ops.records.set_operation_rate(&opened.id, None, &by);
    assert_eq!(faster.await.unwrap().per_second, None);
    let done = ended(&world, &opened.id).await;
    assert_eq!(
        (done.status, done.started),
        (OperationStatus::Completed, 20)
    );
    assert_eq!(in_state(&world, State::InFlight).await, 20);
    worker.stop().await.unwrap();
}

/// An activity, tried again as its retry policy does.
async fn tried<T, F: Future<Output = Result<T, EngineError>>>(activity: impl Fn() -> F) -> T {
    match activity().await {
        Ok(done) => done,
        Err(_) => activity().await.expect("one call fails"),
    }
}

/// The activities of an operation, in the order of its workflow.
async fn carried_out(world: &World, engine: &Engine, id: &str) -> OperationReport {
    let begin = begin(id, world.clock.now());
    tried(|| engine.begin_operation(&begin)).await;
    let (mut number, mut report) = (0, OperationReport::default());
    while !report.exhausted || report.counts.waiting > 0 {
        let next = page(id, report.pages);
        report = tried(|| engine.next_page(&next)).await;
        let chunk = Chunk {
            chunk: number,
            ..chunk(world, id)
        };
        tried(|| engine.process_chunk(&chunk, &Steady)).await;
        number += 1;
    }
    let end = FinishOperation {
        id: id.into(),
        batch: batch(id),
        stopped: false,
        error: None,
    };
    tried(|| engine.finish_operation(&end)).await
}

#[tokio::test]
async fn whichever_call_of_the_ledger_fails_each_order_is_started_once() {
    let world = World::new("operation-kth").await;
    let mut orders = 0;
    for fate in [Fate::Fails, Fate::LosesAnswer] {
        for k in 0.. {
            let calls = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&calls);
            let ledger = HookedLedger::over(&world.ledger, move |call| {
                // Called when an engine is made, which is no part of an operation.
                let strikes = call != "bind" && counted.fetch_add(1, Ordering::SeqCst) == k;
                if strikes { fate } else { Fate::Passes }
            });
            let engine = world
                .engine_over(&ledger, Arc::new(world.gateway.clone()))
                .await;
            forget(&world, orders..orders + 2).await;
            orders += 2;
            let id = format!("{fate:?}-{k}");
            open(&world, &id, None).await;
            let ended = carried_out(&world, &engine, &id).await;
            assert_eq!((ended.counts.matched, ended.counts.started), (2, 2), "{id}");
            if calls.load(Ordering::SeqCst) <= k {
                assert!(k > 10, "an operation makes a dozen calls: {k}");
                break;
            }
        }
    }
    let stories = world.ledger.stories_after(None, 1_000).await.unwrap();
    assert_eq!(stories.len(), orders);
    for story in stories {
        assert_eq!(story.attempts.len(), 1, "{:?}", story.order.workflow_id);
        assert_eq!(story.order.state, State::InFlight);
    }
}
