//! Whole batches, run by a worker on a real server and started by name with JSON, as a foreign client does.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use redrive_core::report::BatchStatus;
use redrive_core::states::State;
use redrive_engine::gateway::GatewayError;
use redrive_engine::{RunningWorker, Steady, run_worker};
use redrive_flows::activities::Phase;
use redrive_fulfillment::puppet::{Move, Puppet, Task};
use redrive_fulfillment::testbed::{Testbed, eventually};
use redrive_ledger::{BatchRow, Limited};
use serde_json::{Value, json};
use temporalio_common::protos::temporal::api::command::v1::{
    Command, StartChildWorkflowExecutionCommandAttributes, command::Attributes,
};
use temporalio_common::protos::temporal::api::common::v1::{RetryPolicy, WorkflowType};
use temporalio_common::protos::temporal::api::enums::v1::CommandType;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;

use crate::hooks::{Call, Fate, Hooked};
use crate::retries::operator;
use crate::workflows::{self, result, run, start};
use crate::world::{End, World, policy};

const BATCH: &str = redrive_flows::BATCH_WORKFLOW;
const ORCHESTRATION: &str = redrive_flows::ORCHESTRATION_WORKFLOW;

/// Starts so many orders that fail once, and waits until visibility shows them.
pub async fn failing(world: &World, orders: usize) {
    use futures::StreamExt;
    let start = |n: usize| async move {
        world
            .start(&format!("order-{n}"), &[End::Fails, End::Runs])
            .await
    };
    futures::stream::iter(0..orders)
        .map(start)
        .buffer_unordered(32)
        .collect::<Vec<_>>()
        .await;
    world.visibility_shows(orders as u64).await;
}

/// How many orders are in that state.
pub async fn in_state(world: &World, state: State) -> u64 {
    let counts: HashMap<_, _> = world
        .ledger
        .state_counts()
        .await
        .unwrap()
        .into_iter()
        .collect();
    counts.get(state.as_str()).copied().unwrap_or(0)
}

async fn row(world: &World, batch: &str) -> BatchRow {
    let rows = world.ledger.batches(100).await.unwrap();
    rows.into_iter()
        .find(|row| row.result.batch_id == batch)
        .unwrap()
}

fn count(result: &Value, key: &str) -> u64 {
    result[key]
        .as_u64()
        .unwrap_or_else(|| panic!("{key} is missing in {result}"))
}

#[tokio::test]
async fn a_batch_without_input_does_all_that_is_due_and_returns_the_spec() {
    let world = World::new("batch").await;
    failing(&world, 5).await;
    let worker = world.worker().await;
    for (id, input) in [
        ("batch-1", None),
        ("batch-2", Some(json!({}))),
        ("batch-3", Some(Value::Null)),
    ] {
        let result = run(&world.bed, BATCH, id, input).await.unwrap();
        let found = if id == "batch-1" { 5 } else { 0 };
        assert_eq!(
            (
                count(&result, "foundCount"),
                count(&result, "restartedCount")
            ),
            (found, found),
            "{result}"
        );
        for key in ["dlqCount", "errorCount", "skippedCount"] {
            assert_eq!(count(&result, key), 0, "{result}");
        }
        assert!(
            result["processedAt"].as_str().unwrap().ends_with('Z'),
            "{result}"
        );
        let row = row(&world, result["batchId"].as_str().unwrap()).await;
        assert_eq!(
            serde_json::to_value(row.result).unwrap(),
            result,
            "the row is the result"
        );
        assert_eq!(row.status, BatchStatus::Completed);
    }
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn max_orders_caps_the_batch() {
    let world = World::new("max-orders").await;
    failing(&world, 7).await;
    let worker = world.worker().await;
    let result = run(&world.bed, BATCH, "batch-1", Some(json!({"maxOrders": 3})))
        .await
        .unwrap();
    assert_eq!(
        (count(&result, "foundCount"), count(&result, "backlogCount")),
        (3, 4),
        "{result}"
    );
    let result = run(
        &world.bed,
        BATCH,
        "batch-2",
        Some(json!({"maxOrders": 200})),
    )
    .await
    .unwrap();
    assert_eq!(count(&result, "restartedCount"), 4, "{result}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn an_input_that_cannot_be_meant_fails_at_once_in_a_sentence() {
    let world = World::new("refused").await;
    let worker = world.worker().await;
    for (id, kind, input) in [
        ("a", BATCH, json!({"maxOrders": -1})),
        ("b", BATCH, json!({"maxOrders": "many"})),
        ("c", ORCHESTRATION, json!({"batchSize": -5})),
    ] {
        let refused = run(&world.bed, kind, id, Some(input)).await.unwrap_err();
        assert!(
            refused.contains("send a whole number from 0 to"),
            "{refused}"
        );
    }
    assert!(
        world.ledger.batches(10).await.unwrap().is_empty(),
        "no row for what was never begun"
    );
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn an_orchestration_started_directly_is_its_own_batch_and_adds_what_it_was_handed() {
    let world = World::new("direct").await;
    failing(&world, 2).await;
    let worker = world.worker().await;
    let input = json!({
        "failureStatuses": ["shipping_failed"], "maxRetries": 3, "batchSize": 10,
        "accumulatedResult": {"foundCount": 40, "restartedCount": 30, "skippedCount": 10}, "continuationCount": 1,
    });
    let started = start(&world.bed, ORCHESTRATION, "direct-1", Some(input)).await;
    let result = result(&world.bed, &started).await.unwrap();
    assert_eq!(
        (
            count(&result, "foundCount"),
            count(&result, "restartedCount")
        ),
        (42, 32),
        "{result}"
    );
    assert_eq!(result["batchId"], json!(started.run_id));
    assert_eq!(
        row(&world, &started.run_id).await.result.found_count,
        2,
        "its row has its own counts"
    );
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn sixty_chunks_continue_as_new_with_right_totals() {
    let world = World::new("continues").await;
    failing(&world, 60).await;
    let worker = world.worker().await;
    let started = start(
        &world.bed,
        ORCHESTRATION,
        "long-1",
        Some(json!({"batchSize": 1})),
    )
    .await;
    let result = result(&world.bed, &started).await.unwrap();
    assert_eq!(
        (
            count(&result, "foundCount"),
            count(&result, "restartedCount")
        ),
        (60, 60),
        "{result}"
    );
    assert_ne!(
        world.latest_run("long-1").await,
        started.run_id,
        "it continued as new"
    );
    assert_eq!(
        row(&world, &started.run_id).await.result.restarted_count,
        60
    );
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_large_backlog_goes_in_chunks_of_at_most_a_thousand() {
    let world = World::new("large").await;
    failing(&world, 2500).await;
    let worker = world.worker().await;
    let result = run(
        &world.bed,
        ORCHESTRATION,
        "large-1",
        Some(json!({"batchSize": 5000})),
    )
    .await
    .unwrap();
    assert_eq!(
        (
            count(&result, "foundCount"),
            count(&result, "restartedCount")
        ),
        (2500, 2500),
        "{result}"
    );
    assert_eq!(in_state(&world, State::InFlight).await, 2500);
    let chunks = world.chunk_sizes().await;
    assert!(
        chunks.len() >= 3 && chunks.iter().all(|orders| *orders <= 1000),
        "{chunks:?}"
    );
    assert_eq!(chunks.iter().sum::<i64>(), 2500);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_scan_that_fails_gives_partial_results() {
    let world = World::new("partial").await;
    failing(&world, 3).await;
    world.scan_sees(3).await;
    let fails = |call| match call {
        Call::CountFailed => Fate::Fails(GatewayError::Unknown("visibility is down".into())),
        _ => Fate::Passes,
    };
    let engine = world
        .engine_with(Hooked::new(world.gateway.clone(), fails), policy())
        .await;
    let worker = run_worker(engine, world.bed.client.clone()).await.unwrap();
    let result = run(&world.bed, BATCH, "batch-1", None).await.unwrap();
    assert_eq!(
        (
            count(&result, "restartedCount"),
            count(&result, "errorCount")
        ),
        (3, 1),
        "{result}"
    );
    assert_eq!(count(&result, "foundCount"), 4, "the sum holds: {result}");
    assert_eq!(
        row(&world, result["batchId"].as_str().unwrap())
            .await
            .status,
        BatchStatus::Partial
    );
    worker.stop().await.unwrap();
}

/// A worker of an engine that cannot count failures, and whose starts meet that fate while the switch is on.
async fn blind_worker(world: &World, starts: Fate, switch: &Arc<AtomicBool>) -> RunningWorker {
    let on = Arc::clone(switch);
    let hook = move |call| match call {
        Call::CountFailed if on.load(Ordering::SeqCst) => {
            Fate::Fails(GatewayError::Unknown("visibility is down".into()))
        }
        Call::Start if on.load(Ordering::SeqCst) => starts.clone(),
        _ => Fate::Passes,
    };
    let hooked = Hooked::new(world.gateway.clone(), hook);
    let engine = world.engine_with(hooked, policy()).await;
    run_worker(engine, world.bed.client.clone()).await.unwrap()
}

/// A workflow of somebody else's, that starts an orchestration as its child.
fn foreign(bed: &Testbed) -> Puppet {
    let child = StartChildWorkflowExecutionCommandAttributes {
        workflow_id: "direct-1".into(),
        workflow_type: Some(WorkflowType {
            name: ORCHESTRATION.into(),
        }),
        task_queue: Some(TaskQueue {
            name: redrive_flows::TASK_QUEUE.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let starts = Move::Also(Box::new(Command {
        command_type: CommandType::StartChildWorkflowExecution as i32,
        attributes: Some(Attributes::StartChildWorkflowExecutionCommandAttributes(
            child,
        )),
        ..Default::default()
    }));
    let started = AtomicBool::new(false);
    let play = move |_: &Task| {
        if started.swap(true, Ordering::SeqCst) {
            Move::Nothing
        } else {
            starts.clone()
        }
    };
    Puppet::spawn(&bed.client, &bed.namespace, "foreign", play)
}

#[tokio::test]
async fn an_orchestration_that_a_foreign_workflow_started_finishes_its_row_when_it_fails() {
    let world = World::new("foreign").await;
    failing(&world, 3).await;
    let refuses = |call| match call {
        Call::Start => Fate::Fails(GatewayError::System("permission denied".into())),
        _ => Fate::Passes,
    };
    let hooked = Hooked::new(world.gateway.clone(), refuses);
    let engine = world.engine_with(hooked, policy()).await;
    let worker = run_worker(engine, world.bed.client.clone()).await.unwrap();
    let _foreign = foreign(&world.bed);
    let request = world.bed.start_request("foreign-1", "Foreign", "foreign");
    world.bed.start(request).await;
    eventually("the child to start", || async {
        world.bed.latest("direct-1").await
    })
    .await;
    let child = workflows::Started {
        workflow_id: "direct-1".into(),
        run_id: world.latest_run("direct-1").await,
    };
    let failure = result(&world.bed, &child).await.unwrap_err();
    assert!(failure.contains("permission denied"), "{failure}");
    let row = row(&world, &child.run_id).await;
    assert_eq!(row.status, BatchStatus::Failed);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_scan_that_failed_is_counted_when_the_batch_fails_too() {
    let world = World::new("scan-and-child").await;
    failing(&world, 3).await;
    world.scan_sees(3).await;
    let refuses = Fate::Fails(GatewayError::System("permission denied".into()));
    let worker = blind_worker(&world, refuses, &Arc::new(AtomicBool::new(true))).await;
    let started = start(&world.bed, BATCH, "batch-1", None).await;
    result(&world.bed, &started).await.unwrap_err();
    let failed = row(&world, &started.run_id).await;
    assert_eq!(failed.status, BatchStatus::Failed);
    assert_eq!(failed.result.error_count, 1, "{failed:?}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_scan_that_failed_is_counted_when_the_batch_is_abandoned() {
    let world = World::new("scan-abandoned").await;
    failing(&world, 3).await;
    world.scan_sees(3).await;
    let switch = Arc::new(AtomicBool::new(true));
    let silent = Fate::Fails(GatewayError::Unknown("no answer".into()));
    let worker = blind_worker(&world, silent, &switch).await;
    let started = start(&world.bed, BATCH, "batch-1", None).await;
    eventually("the chunk to claim", || async {
        (in_state(&world, State::Claimed).await == 3).then_some(())
    })
    .await;
    workflows::terminate(&world.bed, "batch-1").await;
    switch.store(false, Ordering::SeqCst);
    run(&world.bed, BATCH, "batch-2", None).await.unwrap();
    let dead = row(&world, &started.run_id).await;
    assert_eq!(dead.status, BatchStatus::Abandoned);
    assert_eq!(dead.result.error_count, 1, "{dead:?}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_child_that_fails_fails_the_batch_and_the_next_goes_on() {
    let world = World::new("child-fails").await;
    failing(&world, 20).await;
    let broken = Arc::new(AtomicBool::new(true));
    let starts = AtomicUsize::new(0);
    let switch = Arc::clone(&broken);
    let hook = move |call| match call {
        Call::Start
            if switch.load(Ordering::SeqCst) && starts.fetch_add(1, Ordering::SeqCst) >= 5 =>
        {
            Fate::Fails(GatewayError::System("permission denied".into()))
        }
        _ => Fate::Passes,
    };
    let engine = world
        .engine_with(Hooked::new(world.gateway.clone(), hook), policy())
        .await;
    let worker = run_worker(engine, world.bed.client.clone()).await.unwrap();
    let started = start(&world.bed, BATCH, "batch-1", None).await;
    let failure = result(&world.bed, &started).await.unwrap_err();
    assert!(failure.contains("permission denied"), "{failure}");
    let failed = row(&world, &started.run_id).await;
    assert_eq!(
        (failed.status, failed.result.restarted_count),
        (BatchStatus::Failed, 5)
    );
    assert!(failed.error.unwrap().contains("permission denied"));
    broken.store(false, Ordering::SeqCst);
    run(&world.bed, BATCH, "batch-2", None).await.unwrap();
    assert_eq!(in_state(&world, State::InFlight).await, 20);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_under_a_retry_policy_goes_on_in_its_second_attempt() {
    let world = World::new("second-attempt").await;
    failing(&world, 8).await;
    // A batch that died: asking about it fails, until both attempts of the first attempt's child have failed.
    world.open_batch("dead").await;
    let broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&broken);
    let hook = move |call| match call {
        Call::Describe if switch.load(Ordering::SeqCst) => {
            Fate::Fails(GatewayError::Unknown("no answer".into()))
        }
        _ => Fate::Passes,
    };
    let engine = world
        .engine_with(Hooked::new(world.gateway.clone(), hook), policy())
        .await;
    let worker = run_worker(engine, world.bed.client.clone()).await.unwrap();
    let mut request = world
        .bed
        .start_request("batch-1", BATCH, redrive_flows::TASK_QUEUE);
    request.retry_policy = Some(RetryPolicy {
        maximum_attempts: 2,
        ..Default::default()
    });
    let first = world.bed.start(request).await;
    eventually("the first attempt to fail", || async {
        let rows = world.ledger.batches(100).await.unwrap();
        let failed = rows.iter().any(|row| row.status == BatchStatus::Failed);
        failed.then_some(())
    })
    .await;
    broken.store(false, Ordering::SeqCst);
    eventually("the second attempt", || async {
        (world.latest_run("batch-1").await != first).then_some(())
    })
    .await;
    let second = workflows::Started {
        workflow_id: "batch-1".into(),
        run_id: world.latest_run("batch-1").await,
    };
    let result = result(&world.bed, &second).await.unwrap();
    assert_eq!(result["restartedCount"], json!(8), "{result}");
    assert_eq!(result["batchId"], json!(first));
    let row = row(&world, &first).await;
    assert_eq!((row.status, row.error), (BatchStatus::Completed, None));
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_terminated_in_mid_chunk_has_its_row_and_its_claims_are_adopted() {
    let world = World::new("terminated").await;
    failing(&world, 20).await;
    let stuck = Arc::new(AtomicBool::new(true));
    let starts = AtomicUsize::new(0);
    let switch = Arc::clone(&stuck);
    let hook = move |call| match call {
        Call::Start
            if switch.load(Ordering::SeqCst) && starts.fetch_add(1, Ordering::SeqCst) >= 5 =>
        {
            Fate::Fails(GatewayError::Unknown("no answer".into()))
        }
        _ => Fate::Passes,
    };
    let engine = world
        .engine_with(Hooked::new(world.gateway.clone(), hook), policy())
        .await;
    let worker = run_worker(engine, world.bed.client.clone()).await.unwrap();
    let started = start(&world.bed, BATCH, "batch-1", None).await;
    eventually("five restarts", || async {
        (in_state(&world, State::InFlight).await == 5).then_some(())
    })
    .await;
    workflows::terminate(&world.bed, "batch-1").await;
    eventually("the child to be terminated", || async {
        let child = world.bed.latest("batch-1-orchestration").await?;
        (child.close_time.is_some()).then_some(())
    })
    .await;
    assert!(
        in_state(&world, State::Claimed).await > 0,
        "it was in mid-chunk"
    );
    stuck.store(false, Ordering::SeqCst);
    run(&world.bed, BATCH, "batch-2", None).await.unwrap();
    let dead = row(&world, &started.run_id).await;
    assert_eq!(dead.status, BatchStatus::Abandoned);
    assert!(dead.result.restarted_count >= 5, "{dead:?}");
    assert_eq!(
        dead.result.found_count,
        dead.result.restarted_count + dead.result.skipped_count,
        "{dead:?}"
    );
    run(&world.bed, BATCH, "batch-3", None).await.unwrap();
    assert_eq!(in_state(&world, State::InFlight).await, 20);
    let restarted: u64 = world
        .ledger
        .batches(10)
        .await
        .unwrap()
        .iter()
        .map(|row| row.result.restarted_count)
        .sum();
    assert_eq!(
        restarted, 20,
        "each restart is counted once, over all batches"
    );
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn near_its_deadline_a_batch_stops_and_says_so() {
    let mut slow = policy();
    // The deadline comes after sixteen seconds: time enough for the scan, and for 32 starts at most.
    slow.starts_per_second = 2.0;
    let world = World::ticking("deadline", slow, Duration::from_secs(20)).await;
    failing(&world, 40).await;
    let worker = world.worker().await;
    let started = start(&world.bed, BATCH, "batch-1", None).await;
    let result = result(&world.bed, &started).await.unwrap();
    assert_eq!(result["truncated"], json!(true), "{result}");
    let restarted = count(&result, "restartedCount");
    assert!((1..40).contains(&restarted), "{result}");
    assert_eq!(
        count(&result, "foundCount"),
        restarted,
        "what was not touched was given back: {result}"
    );
    assert_eq!(in_state(&world, State::Failed).await, 40 - restarted);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_scan_or_settle_that_ran_out_of_time_is_told() {
    let world = World::new("out-of-time").await;
    failing(&world, 3).await;
    world.scan_sees(3).await;
    let phase = Phase {
        batch: "b1".into(),
        ends_at: world.engine.clock.now(),
    };
    let engine = &world.engine;
    let scanned = engine.scan_failures(&phase, &Steady).await.unwrap();
    let settled = engine.settle_attempts(&phase, &Steady).await.unwrap();
    assert_eq!((scanned.complete, settled.complete), (false, false));
    let phase = world.phase("b1");
    let scanned = engine.scan_failures(&phase, &Steady).await.unwrap();
    let settled = engine.settle_attempts(&phase, &Steady).await.unwrap();
    assert_eq!((scanned.complete, settled.complete), (true, true));
    // Past the end of every phase (a quarter of twelve minutes), and well before the deadline.
    world.clock.advance(Duration::from_secs(240));
    let worker = world.worker().await;
    let result = run(&world.bed, BATCH, "batch-1", None).await.unwrap();
    assert_eq!(count(&result, "restartedCount"), 3, "{result}");
    assert_eq!(result["truncated"], json!(true), "{result}");
    let row = row(&world, result["batchId"].as_str().unwrap()).await;
    assert_eq!(row.status, BatchStatus::Partial);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_halt_stops_starts_in_mid_batch_until_unhalt() {
    let mut slow = policy();
    slow.starts_per_second = 4.0;
    let world = World::with("halt", slow).await;
    failing(&world, 60).await;
    let worker = world.worker().await;
    let started = start(&world.bed, BATCH, "batch-1", None).await;
    eventually("the first restarts", || async {
        (in_state(&world, State::InFlight).await >= 3).then_some(())
    })
    .await;
    world.ops().records.halt(&operator()).await.unwrap();
    let at_halt = in_state(&world, State::InFlight).await;
    let result = result(&world.bed, &started).await.unwrap();
    let after = in_state(&world, State::InFlight).await;
    assert!(
        after - at_halt <= 12,
        "a second's worth of starts at most: {at_halt} then {after}"
    );
    assert_eq!(result["truncated"], json!(true), "{result}");
    assert_eq!(
        run(&world.bed, BATCH, "batch-2", None).await.unwrap()["restartedCount"],
        json!(0)
    );
    assert!(world.ops().records.unhalt(&operator()).await.unwrap());
    run(&world.bed, BATCH, "batch-3", None).await.unwrap();
    assert_eq!(in_state(&world, State::InFlight).await, 60);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_can_be_paused_resumed_and_stopped() {
    let mut slow = policy();
    slow.starts_per_second = 20.0;
    let world = World::with("paused", slow).await;
    failing(&world, 60).await;
    let worker = world.worker().await;
    let started = start(
        &world.bed,
        ORCHESTRATION,
        "paused-1",
        Some(json!({"batchSize": 2})),
    )
    .await;
    workflows::signal(&world.bed, "paused-1", "pause").await;
    // What is claimed is finished; nothing new is claimed.
    let paused = eventually("the claimed orders to be finished", || async {
        let claimed = in_state(&world, State::Claimed).await;
        let known = in_state(&world, State::Failed).await + in_state(&world, State::InFlight).await;
        (claimed == 0 && known == 60).then_some(in_state(&world, State::InFlight).await)
    })
    .await;
    assert!(
        paused < 60,
        "{paused} were restarted before the pause was heard"
    );
    workflows::signal(&world.bed, "paused-1", "resume").await;
    eventually("more restarts", || async {
        (in_state(&world, State::InFlight).await > paused).then_some(())
    })
    .await;
    workflows::signal(&world.bed, "paused-1", "stop").await;
    let result = result(&world.bed, &started).await.unwrap();
    assert_eq!(result["truncated"], json!(true), "{result}");
    assert_eq!(in_state(&world, State::Claimed).await, 0);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn two_batches_at_the_same_time_share_the_orders() {
    let world = World::new("two-batches").await;
    failing(&world, 80).await;
    let worker = world.worker().await;
    let batches = [
        start(&world.bed, BATCH, "batch-1", None).await,
        start(&world.bed, BATCH, "batch-2", None).await,
    ];
    let mut restarted = 0;
    for batch in &batches {
        restarted += count(&result(&world.bed, batch).await.unwrap(), "restartedCount");
    }
    assert_eq!(restarted, 80);
    assert_eq!(in_state(&world, State::InFlight).await, 80);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_workers_end_in_mid_batch_is_taken_up_by_the_next_worker() {
    let mut slow = policy();
    // Far fewer than all are started while the first worker's outcomes are gathered and its end is heard.
    slow.starts_per_second = 2.0;
    let world = World::with("next-worker", slow).await;
    failing(&world, 40).await;
    let first = world.worker().await;
    let started = start(&world.bed, BATCH, "batch-1", None).await;
    eventually("the first restarts", || async {
        (in_state(&world, State::InFlight).await >= 3).then_some(())
    })
    .await;
    first.stop().await.unwrap();
    let by_first = in_state(&world, State::InFlight).await;
    assert!(by_first < 40, "it stopped at once, in mid-batch");
    world
        .ops()
        .records
        .set_limit(Limited::Starts, Some(10_000.0), &operator())
        .await
        .unwrap();
    let second = world.worker().await;
    let result = result(&world.bed, &started).await.unwrap();
    assert_eq!(count(&result, "restartedCount"), 40, "{result}");
    assert_eq!(result["truncated"], json!(false), "{result}");
    second.stop().await.unwrap();
}
