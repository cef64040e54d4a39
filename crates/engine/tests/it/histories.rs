//! Saved histories: every one ever recorded replays with today's workflow code.
//!
//! `make histories` records them anew into `crates/flows/histories` (one file a run); the test that records is the
//! one that runs in every suite, so what it does is always what a fresh history would hold. A changed workflow keeps
//! its old histories, adds a patch, and adds new ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use redrive_core::policy::Policy;
use redrive_core::states::State;
use redrive_engine::gateway::GatewayError;
use redrive_engine::ops::Tell;
use redrive_engine::run_worker;
use redrive_flows::{
    BATCH_WORKFLOW as BATCH, DeadLetterOperationWorkflow, ORCHESTRATION_WORKFLOW as ORCHESTRATION,
    ReprocessingBatchWorkflow, ReprocessingOrchestrationWorkflow,
};
use redrive_fulfillment::testbed::eventually;
use redrive_ledger::OperationStatus;
use serde_json::json;
use temporalio_client::WorkflowHistory;
use temporalio_common::protos::temporal::api::history::v1::{
    History, HistoryEvent, history_event::Attributes,
};
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};

use crate::batches::{failing, in_state};
use crate::hooks::{Call, Fate, Hooked};
use crate::operations;
use crate::retries::operator;
use crate::workflows::{self, result, start};
use crate::world::{World, policy};

/// Every history that was ever recorded. One is never taken out.
const SAVED: [&str; 19] = [
    "dead-letters-batch-1",
    "dead-letters-orchestration-1",
    "one-chunk-batch-1",
    "one-chunk-orchestration-1",
    "paged-operation-1",
    "partial-batch-1",
    "partial-noted-batch-1",
    "partial-noted-orchestration-1",
    "partial-orchestration-1",
    "paused-again-batch-1",
    "paused-again-orchestration-1",
    "paused-batch-1",
    "paused-orchestration-1",
    "three-continuations-1",
    "three-continuations-2",
    "three-continuations-3",
    "three-continuations-4",
    "truncated-batch-1",
    "truncated-orchestration-1",
];

/// Where the histories are kept.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/histories")
}

async fn replay(name: &str, events: Vec<HistoryEvent>) {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<ReprocessingBatchWorkflow>()
        .unwrap()
        .register_workflow::<ReprocessingOrchestrationWorkflow>()
        .unwrap()
        .register_workflow::<DeadLetterOperationWorkflow>()
        .unwrap()
        .build();
    let replayer = WorkflowReplayer::new(options).unwrap();
    let replayed = replayer.replay_workflow(History { events }.into()).await;
    replayed.unwrap_or_else(|failure| panic!("{name} does not replay: {failure}"));
}

#[expect(
    clippy::disallowed_methods,
    reason = "`make histories` asks for a recording"
)]
fn records() -> bool {
    std::env::var_os("REDRIVE_RECORD_HISTORIES").is_some()
}

/// Replays every run of a workflow's chain, and keeps it if histories are being recorded.
pub async fn keep(world: &World, name: &str, started: &workflows::Started) {
    let (mut run_id, mut number) = (started.run_id.clone(), 1);
    loop {
        let events = workflows::history(&world.bed, &started.workflow_id, &run_id).await;
        let name = format!("{name}-{number}");
        replay(&name, events.clone()).await;
        if records() {
            let json = WorkflowHistory::from(History {
                events: events.clone(),
            })
            .to_json()
            .await
            .unwrap();
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(folder().join(format!("{name}.json")), json).unwrap();
        }
        match events.last().and_then(|event| event.attributes.clone()) {
            Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(next)) => {
                run_id = next.new_execution_run_id;
            }
            _ => return,
        }
        number += 1;
    }
}

/// The child of a batch, as something that was started.
pub async fn child_of(world: &World, batch: &workflows::Started) -> workflows::Started {
    let workflow_id = format!("{}-orchestration", batch.workflow_id);
    let run_id = world.latest_run(&workflow_id).await;
    workflows::Started {
        workflow_id,
        run_id,
    }
}

#[tokio::test]
async fn every_saved_history_replays() {
    let mut replayed = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let history = WorkflowHistory::from_json(&std::fs::read(&path).unwrap()).unwrap();
        replay(&name, history.into_events().await.unwrap()).await;
        replayed.push(name);
    }
    replayed.sort();
    assert_eq!(replayed, SAVED);
}

#[tokio::test]
async fn record_one_chunk() {
    let world = World::new("history-one").await;
    failing(&world, 3).await;
    let worker = world.worker().await;
    let batch = start(&world.bed, BATCH, "batch-1", None).await;
    result(&world.bed, &batch).await.unwrap();
    keep(&world, "one-chunk-batch", &batch).await;
    keep(
        &world,
        "one-chunk-orchestration",
        &child_of(&world, &batch).await,
    )
    .await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn record_three_continuations() {
    let world = World::new("history-continued").await;
    failing(&world, 155).await;
    let worker = world.worker().await;
    let input = json!({"batchSize": 1});
    let started = start(&world.bed, ORCHESTRATION, "continued-1", Some(input)).await;
    let result = result(&world.bed, &started).await.unwrap();
    assert_eq!(result["restartedCount"], json!(155));
    keep(&world, "three-continuations", &started).await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn record_dead_letters() {
    let world = World::with(
        "history-dlq",
        Policy {
            max_retries: 0,
            ..policy()
        },
    )
    .await;
    failing(&world, 3).await;
    let worker = world.worker().await;
    let batch = start(&world.bed, BATCH, "batch-1", None).await;
    assert_eq!(
        result(&world.bed, &batch).await.unwrap()["dlqCount"],
        json!(3)
    );
    keep(&world, "dead-letters-batch", &batch).await;
    keep(
        &world,
        "dead-letters-orchestration",
        &child_of(&world, &batch).await,
    )
    .await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn record_partial_results() {
    let world = World::new("history-partial").await;
    let fails = |call| match call {
        Call::CountFailed => Fate::Fails(GatewayError::Unknown("visibility is down".into())),
        _ => Fate::Passes,
    };
    let engine = world
        .engine_with(Hooked::new(world.gateway.clone(), fails), policy())
        .await;
    let worker = run_worker(engine, world.bed.client.clone()).await.unwrap();
    let batch = start(&world.bed, BATCH, "batch-1", None).await;
    assert_eq!(
        result(&world.bed, &batch).await.unwrap()["errorCount"],
        json!(1)
    );
    keep(&world, "partial-noted-batch", &batch).await;
    keep(
        &world,
        "partial-noted-orchestration",
        &child_of(&world, &batch).await,
    )
    .await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn record_paused_and_resumed() {
    let world = World::with(
        "history-paused",
        Policy {
            starts_per_second: 20.0,
            batch_size: 2,
            ..policy()
        },
    )
    .await;
    failing(&world, 40).await;
    let worker = world.worker().await;
    let batch = start(&world.bed, BATCH, "batch-1", None).await;
    eventually("a restart", || async {
        (in_state(&world, State::InFlight).await > 0).then_some(())
    })
    .await;
    workflows::signal(&world.bed, "batch-1", "pause").await;
    eventually("the claimed orders to be finished", || async {
        (in_state(&world, State::Claimed).await == 0).then_some(())
    })
    .await;
    assert!(in_state(&world, State::InFlight).await < 40);
    workflows::signal(&world.bed, "batch-1", "resume").await;
    assert_eq!(
        result(&world.bed, &batch).await.unwrap()["restartedCount"],
        json!(40)
    );
    keep(&world, "paused-batch", &batch).await;
    keep(
        &world,
        "paused-orchestration",
        &child_of(&world, &batch).await,
    )
    .await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn record_truncated() {
    let slow = Policy {
        starts_per_second: 2.0,
        ..policy()
    };
    let world = World::ticking("history-truncated", slow, Duration::from_secs(5)).await;
    failing(&world, 20).await;
    let worker = world.worker().await;
    let batch = start(&world.bed, BATCH, "batch-1", None).await;
    assert_eq!(
        result(&world.bed, &batch).await.unwrap()["truncated"],
        json!(true)
    );
    keep(&world, "truncated-batch", &batch).await;
    keep(
        &world,
        "truncated-orchestration",
        &child_of(&world, &batch).await,
    )
    .await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn record_a_paged_operation() {
    let world = World::new("history-operation").await;
    operations::forgotten(&world, 20).await;
    let worker = world.worker().await;
    // Fifteen seconds' worth a page: two pages, one of them before the pause.
    let started = operations::retry_all(&world, Some(1.0)).await;
    operations::until(&world, &started.id, "the first page", |now| now.waiting > 0).await;
    let tell = |tell| {
        let (ops, id) = (world.ops(), started.id.clone());
        async move { ops.tell_operation(&id, tell, &operator()).await.unwrap() }
    };
    assert!(tell(Tell::Pause).await.heard);
    let paused = operations::until(&world, &started.id, "the pause", |now| {
        now.status == OperationStatus::Paused
    })
    .await;
    assert_eq!((paused.started, paused.waiting), (15, 0));
    let (ops, by) = (world.ops(), operator());
    let faster = ops.records.set_operation_rate(&started.id, None, &by);
    faster.await.unwrap();
    assert!(tell(Tell::Resume).await.heard);
    let ended = operations::until(&world, &started.id, "its end", |now| {
        now.status == OperationStatus::Completed
    })
    .await;
    assert_eq!((ended.started, ended.per_second), (20, None));
    keep(
        &world,
        "paged-operation",
        &operations::workflow(&world, &started.id).await,
    )
    .await;
    worker.stop().await.unwrap();
}
