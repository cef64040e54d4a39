//! A dry run in the demo's world: its verdicts are what the batch then does, and it changes nothing.
//!
//! When it is compared, the order worker has stopped, so that no order moves by itself; and nothing waits by the clock, so
//! that what is due to the rehearsal is due to the batch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use redrive_core::policy::Policy;
use redrive_core::report::VerdictKind;
use redrive_core::states::State;
use redrive_engine::ops::RunRequest;
use redrive_fulfillment::testbed::eventually;
use redrive_fulfillment::{Class, PlannedOrder};
use redrive_ledger::{Act, BatchVerdict, NewAuditEvent};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};
use temporalio_client::WorkflowCountOptions;
use temporalio_common::protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;

use super::*;
use crate::printer::Format;

const ORDERS: u32 = 40;

/// The demo's policy without a wait; two restarts an order, more where the carrier fails, and one status left alone.
fn policy() -> Policy {
    let mut policy = settings::policy();
    policy.max_retries = 2;
    policy.backoff.initial = Duration::ZERO;
    policy.backoff.max = Duration::ZERO;
    policy.settle.first_check = Duration::ZERO;
    policy.settle.longest_check = Duration::ZERO;
    let status = |name: &str| policy.statuses.get(name).cloned().unwrap();
    let (mut shipping, mut sortation) = (status("shipping_failed"), status("sortation_failed"));
    shipping.max_retries = Some(9);
    sortation.reprocess = false;
    policy.statuses.insert("shipping_failed".into(), shipping);
    policy.statuses.insert("sortation_failed".into(), sortation);
    policy
}

/// Runs those orders of the plan until none of them runs any more.
async fn wave(site: &Site, plan: &FaultPlan, orders: Vec<PlannedOrder>, all: &mut Vec<String>) {
    all.extend(orders.iter().map(PlannedOrder::workflow_id));
    let part = FaultPlan {
        orders,
        ..plan.clone()
    };
    start_orders(site.client(), &part, &StartOptions::default())
        .await
        .unwrap();
    rest(site, all).await;
}

async fn rest(site: &Site, all: &[String]) {
    let printer = Printer::new(Format::Json);
    let ids = all.iter().map(|id| id.as_str().into());
    let mut orders = Orders::new(ids.collect());
    at_rest(&site.ops, &mut orders, &mut Progress::new(&printer))
        .await
        .unwrap();
}

/// Runs a batch to its end.
async fn batch(site: &Site, request: &RunRequest) -> Vec<BatchVerdict> {
    let running = site.ops.start_batch(request).await.unwrap();
    site.ops.await_batch(&running).await.unwrap();
    let batch = running.batch_id.as_str().into();
    let reader = &site.ops.records.reader;
    reader.verdicts(&batch, None, 1_000).await.unwrap()
}

/// What is compared of a verdict.
type Told = BTreeMap<String, (VerdictKind, Option<String>, Option<u32>)>;

fn told(verdicts: &[BatchVerdict]) -> Told {
    let told = |one: &BatchVerdict| {
        let verdict = (one.verdict, one.reason.clone(), one.attempt);
        (one.order_id.clone(), verdict)
    };
    verdicts.iter().map(told).collect()
}

/// Every row of every table of the ledger, as text.
async fn rows(ledger: &Path) -> BTreeSet<String> {
    let file = SqliteConnectOptions::new().filename(ledger);
    let mut conn = file.read_only(true).connect().await.unwrap();
    let columns = "SELECT m.name, group_concat('quote(' || c.name || ')', ' || '','' || ')
                   FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' GROUP BY m.name";
    let tables: Vec<(String, String)> = sqlx::query_as(columns).fetch_all(&mut conn).await.unwrap();
    let mut found = BTreeSet::new();
    for (table, columns) in tables {
        let query = sqlx::AssertSqlSafe(format!("SELECT {columns} FROM {table}"));
        let rows = sqlx::query(query).fetch_all(&mut conn).await.unwrap();
        found.extend(
            rows.iter()
                .map(|row| format!("{table}: {}", row.get::<String, _>(0))),
        );
    }
    found
}

/// Every run that the server shows, and how it stands; of orders as it is described, too.
async fn runs(site: &Site, orders: &[String]) -> BTreeSet<String> {
    let request = ListWorkflowExecutionsRequest {
        namespace: site.client().options().namespace.clone(),
        page_size: 1_000,
        ..Default::default()
    };
    let mut service = site.client().connection().workflow_service();
    let listed = service
        .list_workflow_executions(tonic::Request::new(request))
        .await;
    let listed = listed.unwrap().into_inner().executions.into_iter();
    let mut found: BTreeSet<String> = listed
        .map(|run| format!("{:?} {}", run.execution, run.status))
        .collect();
    for order in orders {
        let (gateway, id) = (&site.ops.engine.gateway, order.as_str().into());
        let latest = gateway.describe(&id, None).await.unwrap();
        found.insert(format!("{order}: {latest:?}"));
    }
    found
}

/// Waits until visibility shows that so many runs go on, and no more.
async fn shows_running(site: &Site, running: usize) {
    eventually("visibility to show what runs", || async {
        let options = WorkflowCountOptions::builder().build();
        let query = "ExecutionStatus = 'Running'";
        let counted = site.client().count_workflows(query, options).await.unwrap();
        (counted.count() == running).then_some(())
    })
    .await;
}

async fn state(site: &Site, order: &str) -> State {
    let story = site.ops.records.show_order(order).await.unwrap();
    story.order.state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_in_the_demos_world_says_what_the_batch_then_does_and_changes_nothing() {
    let args = DemoArgs {
        orders: ORDERS,
        seed: 7,
        keep: false,
        temporal_cli: None,
    };
    let plan = plan(&args);
    let cli = temporal_cli::find(None).unwrap();
    let mut site = Site::open(&plan, cli, false, policy()).await.unwrap();
    let late = |order: &PlannedOrder| {
        matches!(order.class, Class::Transient { .. } | Class::Poison { .. })
    };
    let outages: Vec<PlannedOrder> = plan
        .orders
        .iter()
        .filter(|order| matches!(order.class, Class::Outage { .. }))
        .cloned()
        .collect();
    let (mut second, mut first) = (Vec::new(), Vec::new());
    for (n, order) in plan.orders.iter().cloned().enumerate() {
        if late(&order) && n % 3 == 0 {
            second.push(order);
        } else {
            first.push(order);
        }
    }
    assert!(!second.is_empty() && outages.len() == 4, "{plan:?}");

    // Two batches, so that some budgets are spent; then more orders fail, of which the ledger knows nothing yet.
    let mut all = Vec::new();
    wave(&site, &plan, first, &mut all).await;
    for _ in 0..2 {
        batch(&site, &RunRequest::default()).await;
        rest(&site, &all).await;
    }
    wave(&site, &plan, second, &mut all).await;
    site.stop_orders().await.unwrap();
    // Of the orders whose carrier is down one is in flight, one is held, one was started again by hand, and one is due.
    let [flying, held, by_hand, due] = [0, 1, 2, 3].map(|n| outages[n].clone());
    // A batch learns how the last restarts ended before another for one order alone may follow.
    let learnt = RunRequest {
        failure_statuses: vec!["none-has-it".into()],
        ..RunRequest::default()
    };
    assert_eq!(batch(&site, &learnt).await, []);
    let only = RunRequest::for_order(flying.workflow_id().as_str().into());
    assert_eq!(batch(&site, &only).await.len(), 1);
    let by = NewAuditEvent {
        actor: "ann".into(),
        reason: "look".into(),
    };
    let (records, id) = (&site.ops.records, held.order_id.as_str());
    let acted = records.act(id, Act::Hold, &by).await.unwrap();
    assert!(acted.is_ok(), "{acted:?}");
    let again = FaultPlan {
        orders: vec![by_hand.clone()],
        ..plan.clone()
    };
    start_orders(site.client(), &again, &StartOptions::default())
        .await
        .unwrap();
    shows_running(&site, 2).await;

    let before = (rows(&site.ledger()).await, runs(&site, &all).await);
    let request = RunRequest::default();
    let rehearsed = site.ops.rehearse(&request).await.unwrap();
    assert_eq!(
        rows(&site.ledger()).await,
        before.0,
        "the ledger is as it was"
    );
    assert_eq!(runs(&site, &all).await, before.1, "Temporal is as it was");

    let expected = told(&rehearsed.verdicts);
    let kinds: BTreeSet<&str> = expected.values().map(|one| one.0.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["dlq", "restarted", "skipped"]));
    let verdict = |order: &PlannedOrder| expected.get(&order.order_id).cloned();
    assert_eq!(
        [&flying, &held, &by_hand, &due].map(verdict),
        [
            None,
            None,
            Some((VerdictKind::Skipped, Some("already_running".into()), None)),
            Some((VerdictKind::Restarted, None, Some(3)))
        ]
    );
    let unknown = second_wave(&expected, &plan, late);
    assert!(
        unknown > 0,
        "failures that the ledger did not know: {expected:?}"
    );

    let performed = batch(&site, &request).await;
    assert_eq!(told(&performed), expected);
    assert_eq!(state(&site, &flying.order_id).await, State::InFlight);
    assert_eq!(state(&site, &held.order_id).await, State::Held);
    site.close().await.unwrap();
}

/// How many orders of the second wave get their first restart.
fn second_wave(told: &Told, plan: &FaultPlan, late: impl Fn(&PlannedOrder) -> bool) -> usize {
    let late = plan.orders.iter().filter(|order| late(order));
    late.filter(|order| {
        matches!(
            told.get(&order.order_id),
            Some((VerdictKind::Restarted, None, Some(1)))
        )
    })
    .count()
}
