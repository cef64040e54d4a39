//! A rehearsal says what the batch then does, and changes nothing anywhere.

use std::collections::BTreeSet;
use std::time::Duration;

use redrive_core::policy::Policy;
use redrive_core::report::VerdictKind;
use redrive_core::states::State;
use redrive_engine::Steady;
use redrive_engine::ops::{Rehearsed, RunRequest};
use redrive_fulfillment::testbed::eventually;
use redrive_ledger::BatchVerdict;
use sqlx::{Row, SqlitePool};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_common::protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;
use tonic::Request;

use crate::retries::operator;
use crate::world::{End, World, policy};

/// An hour at most between an order's restarts; one restart where slamming failed.
pub fn patient() -> Policy {
    let hour = Duration::from_secs(3600);
    let mut policy = policy();
    policy.backoff.initial = hour;
    policy.backoff.max = hour;
    policy.statuses.get_mut("slam_failed").unwrap().max_retries = Some(1);
    policy
}

async fn mixed() -> World {
    mixed_in(World::with("rehearsal", patient()).await).await
}

/// A world with an order of each kind: what a batch does with it is in its name.
pub async fn mixed_in(world: World) -> World {
    let slams = End::FailsAs("slam_failed");
    for (order, ends) in [
        ("order-waits", [End::Fails, End::Fails]),
        ("order-spent", [slams, slams]),
        ("order-runs", [End::Fails, End::Runs]),
    ] {
        world.start(order, &ends).await;
        is_known(&world, order).await;
    }
    assert_eq!(world.run_chunk("made").await.claimed, 3);
    for order in ["order-waits", "order-spent"] {
        world.await_status(order, Status::Failed).await;
        world.settles_as(order, State::Failed).await;
    }
    let due_at = world.story("order-waits").await.order.due_at;
    assert!(due_at > world.engine.clock.now(), "its backoff goes on");
    for order in ["order-due", "order-repaired"] {
        world.start(order, &[End::Fails, End::Completes]).await;
        is_known(&world, order).await;
    }
    world
        .start_by_hand("order-repaired", &[End::Completes])
        .await;
    world
        .await_status("order-repaired", Status::Completed)
        .await;
    for (order, end) in [
        ("order-fraud", End::FailsAs("fraud_suspected")),
        ("order-new-1", End::Fails),
        ("order-new-2", End::Fails),
    ] {
        world.start(order, &[end, End::Completes]).await;
    }
    world.visibility_shows(10).await;
    world
}

/// Scans until the order is known.
async fn is_known(world: &World, order: &str) {
    eventually(&format!("the scan to see {order}"), || async {
        let phase = world.phase("scan");
        world.engine.scan_failures(&phase, &Steady).await.unwrap();
        world.ledger.story(&order.into()).await.unwrap()
    })
    .await;
}

/// What is compared of a verdict.
fn told(verdicts: &[BatchVerdict]) -> BTreeSet<(String, VerdictKind, Option<String>, Option<u32>)> {
    verdicts
        .iter()
        .map(|one| {
            (
                one.workflow_id.to_string(),
                one.verdict,
                one.reason.clone(),
                one.attempt,
            )
        })
        .collect()
}

/// Every row of every table, as text.
async fn everything(world: &World) -> Vec<String> {
    let file = world.folder.path().join("ledger.db");
    let url = format!("sqlite:{}?mode=ro", file.display());
    let pool = SqlitePool::connect(&url).await.unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&pool).await.unwrap();
    let mut rows = Vec::new();
    for table in tables {
        let columns = "SELECT group_concat('quote(' || name || ')', ' || '' '' || ') FROM pragma_table_info($1)";
        let columns: String = sqlx::query_scalar(columns)
            .bind(&table)
            .fetch_one(&pool)
            .await
            .unwrap();
        let all = format!("SELECT {columns} FROM {table} ORDER BY 1");
        let all = sqlx::query(sqlx::AssertSqlSafe(all))
            .fetch_all(&pool)
            .await
            .unwrap();
        rows.extend(
            all.iter()
                .map(|row| format!("{table}: {}", row.get::<String, _>(0))),
        );
    }
    rows
}

/// Every run that the server shows.
pub async fn runs(world: &World) -> BTreeSet<(String, String, i32)> {
    let request = ListWorkflowExecutionsRequest {
        namespace: world.bed.namespace.clone(),
        page_size: 1000,
        ..Default::default()
    };
    let listed = world
        .bed
        .service()
        .list_workflow_executions(Request::new(request))
        .await
        .unwrap()
        .into_inner();
    let of =
        |info: &temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo| {
            let execution = info.execution.clone().unwrap();
            (execution.workflow_id, execution.run_id, info.status)
        };
    listed.executions.iter().map(of).collect()
}

pub async fn rehearsed(world: &World, request: &RunRequest) -> Rehearsed {
    world.ops().rehearse(request, None).await.unwrap()
}

/// Runs the batch, and returns its verdicts.
async fn performed(world: &World, request: &RunRequest) -> Vec<BatchVerdict> {
    let ops = world.ops();
    let worker = world.worker().await;
    let running = ops.start_batch(request).await.unwrap();
    let result = ops.await_batch(&running).await.unwrap();
    worker.stop().await.unwrap();
    assert_eq!(result.batch_id, running.batch_id);
    let batch = running.batch_id.as_str().into();
    world
        .reader
        .verdicts(&batch, None, None, 1_000)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_rehearsal_says_what_the_batch_then_does_and_changes_nothing() {
    let world = mixed().await;
    let before = (everything(&world).await, runs(&world).await);
    let rehearsal = rehearsed(&world, &RunRequest::default()).await;
    assert_eq!((everything(&world).await, runs(&world).await), before);
    does_with_each_what_its_name_says(&world, &rehearsal).await;
}

/// What was rehearsed, and what the batch then does.
pub async fn does_with_each_what_its_name_says(world: &World, rehearsal: &Rehearsed) {
    let expected = |order: &str, verdict, reason: Option<&str>, attempt| {
        (
            order.to_owned(),
            verdict,
            reason.map(str::to_owned),
            attempt,
        )
    };
    let all = BTreeSet::from([
        expected("order-due", VerdictKind::Restarted, None, Some(1)),
        expected("order-new-1", VerdictKind::Restarted, None, Some(1)),
        expected("order-new-2", VerdictKind::Restarted, None, Some(1)),
        expected(
            "order-repaired",
            VerdictKind::Skipped,
            Some("completed"),
            None,
        ),
        expected("order-spent", VerdictKind::Dlq, Some("budget_spent"), None),
    ]);
    assert_eq!(told(&rehearsal.verdicts), all);
    let result = &rehearsal.result;
    let counts = [
        result.found_count,
        result.restarted_count,
        result.dlq_count,
        result.error_count,
        result.skipped_count,
    ];
    assert_eq!((counts, result.truncated), ([5, 3, 1, 0, 1], false));
    assert_eq!(told(&performed(world, &RunRequest::default()).await), all);
}

#[tokio::test]
async fn a_limit_a_status_and_an_order_are_rehearsed_as_they_are_run() {
    let world = mixed().await;
    let capped = RunRequest {
        max_orders: Some(2),
        ..RunRequest::default()
    };
    assert_eq!(rehearsed(&world, &capped).await.verdicts.len(), 2);
    let unknown = RunRequest::for_order("order-new-1".into());
    assert_eq!(
        rehearsed(&world, &unknown).await.verdicts,
        [],
        "nothing is scanned for one order"
    );
    for request in [
        RunRequest {
            failure_statuses: vec!["fraud_suspected".into()],
            ..RunRequest::default()
        },
        RunRequest::for_order("order-due".into()),
    ] {
        let rehearsal = rehearsed(&world, &request).await;
        assert_eq!(rehearsal.verdicts.len(), 1, "{request:?}");
        let performed = performed(&world, &request).await;
        assert_eq!(told(&rehearsal.verdicts), told(&performed));
    }
}

#[tokio::test]
async fn while_every_start_is_halted_a_rehearsal_starts_nothing_either() {
    let world = World::new("rehearsal-halt").await;
    world.failed_order("order-1", &[]).await;
    world.ops().records.halt(&operator()).await.unwrap();
    let rehearsal = rehearsed(&world, &RunRequest::default()).await;
    assert_eq!(rehearsal.verdicts, []);
    assert!(rehearsal.result.truncated);
}

#[tokio::test]
async fn a_rehearsal_whose_time_is_up_tells_what_it_has_seen_and_that_there_is_more() {
    let world = World::new("rehearsal-late").await;
    world.failed_order("order-1", &[]).await;
    let request = RunRequest::default();
    let rehearse = async |ends_at| world.ops().rehearse(&request, ends_at).await.unwrap();
    let late = rehearse(Some(world.engine.clock.now())).await;
    assert_eq!(late.verdicts, []);
    assert!(late.cut_short && late.result.truncated);
    let in_time = rehearse(None).await;
    assert_eq!(in_time.verdicts.len(), 1);
    assert!(!in_time.cut_short && !in_time.result.truncated);
    world.ops().records.halt(&operator()).await.unwrap();
    let halted = rehearse(None).await;
    assert!(!halted.cut_short && halted.result.truncated);
}

#[tokio::test]
async fn rehearsals_on_one_copy_see_each_other_and_their_folder_goes_with_them() {
    let world = World::new("rehearsal-twice").await;
    world.failed_order("order-1", &[]).await;
    world.failed_order("order-2", &[]).await;
    let rehearsal = world.ops().rehearsal(None).await.unwrap();
    let one = RunRequest::for_order("order-1".into());
    assert_eq!(rehearsal.run(&one).await.unwrap().result.restarted_count, 1);
    assert_eq!(rehearsal.run(&one).await.unwrap().verdicts, []);
    let rest = rehearsal.run(&RunRequest::default()).await.unwrap();
    let orders: Vec<_> = rest
        .verdicts
        .iter()
        .map(|one| one.order_id.as_str())
        .collect();
    assert_eq!(orders, ["2"], "the restart of order-1 is followed");
    let shown = rehearsal.engine().ledger.story(&"order-1".into()).await;
    let shown = shown.unwrap().unwrap();
    assert_eq!(shown.order.state, State::InFlight);
    assert_eq!(world.story("order-1").await.order.state, State::Failed);
}
