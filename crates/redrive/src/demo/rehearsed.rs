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
    reader.verdicts(&batch, None, None, 1_000).await.unwrap()
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

/// The demo's plan, its late orders, and what became of the four whose carrier is down.
struct World {
    site: Site,
    orders: Vec<String>,
    late: BTreeSet<String>,
    /// In flight, held, started again by hand, and due.
    outages: [PlannedOrder; 4],
}

impl World {
    /// Two batches, so that some budgets are spent; then more orders fail, of which the ledger knows nothing yet; then
    /// nobody works on orders any more.
    async fn new() -> Self {
        let plan = plan(&DemoArgs {
            orders: ORDERS,
            seed: 7,
            keep: false,
            temporal_cli: None,
        });
        let cli = temporal_cli::find(None).unwrap();
        let mut site = Site::open(&plan, cli, false, policy()).await.unwrap();
        let numbered = plan.orders.iter().cloned().enumerate();
        let (second, first): (Vec<_>, Vec<_>) = numbered.partition(|(n, order)| {
            let class = &order.class;
            matches!(class, Class::Transient { .. } | Class::Poison { .. }) && n % 3 == 0
        });
        let orders = |wave: Vec<(usize, PlannedOrder)>| wave.into_iter().map(|(_, order)| order);
        let second: Vec<PlannedOrder> = orders(second).collect();
        let mut all = Vec::new();
        wave(&site, &plan, orders(first).collect(), &mut all).await;
        for _ in 0..2 {
            batch(&site, &RunRequest::default()).await;
            rest(&site, &all).await;
        }
        let late = second.iter().map(|order| order.order_id.clone()).collect();
        wave(&site, &plan, second, &mut all).await;
        site.stop_orders().await.unwrap();
        let down = |order: &&PlannedOrder| matches!(order.class, Class::Outage { .. });
        let outages: Vec<PlannedOrder> = plan.orders.iter().filter(down).cloned().collect();
        let world = Self {
            site,
            orders: all,
            late,
            outages: outages.try_into().expect("the plan has four"),
        };
        world.part(&plan).await;
        world
    }

    /// Of the four orders one is in flight, one is held, one was started again by hand, and one is due.
    async fn part(&self, plan: &FaultPlan) {
        let (site, [flying, held, by_hand, _]) = (&self.site, &self.outages);
        // A batch learns how the last restarts ended, before another for one order alone may follow.
        let learns = RunRequest {
            failure_statuses: vec!["none-has-it".into()],
            ..RunRequest::default()
        };
        assert_eq!(batch(site, &learns).await, []);
        let only = RunRequest::for_order(flying.workflow_id().as_str().into());
        assert_eq!(batch(site, &only).await.len(), 1);
        let by = NewAuditEvent {
            actor: "ann".into(),
            reason: "look".into(),
        };
        let records = &site.ops.records;
        let acted = records.act(&held.order_id, Act::Hold, &by).await.unwrap();
        assert!(acted.is_ok(), "{acted:?}");
        let again = FaultPlan {
            orders: vec![by_hand.clone()],
            ..plan.clone()
        };
        start_orders(site.client(), &again, &StartOptions::default())
            .await
            .unwrap();
        shows_running(site, 2).await;
    }

    /// The ledger's rows and Temporal's runs.
    async fn everything(&self) -> [BTreeSet<String>; 2] {
        [
            rows(&self.site.ledger()).await,
            runs(&self.site, &self.orders).await,
        ]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_in_the_demos_world_says_what_the_batch_then_does_and_changes_nothing() {
    let world = World::new().await;
    let before = world.everything().await;
    let request = RunRequest::default();
    let rehearsed = world.site.ops.rehearse(&request, None).await.unwrap();
    assert_eq!(world.everything().await, before, "nothing was changed");

    let expected = told(&rehearsed.verdicts);
    let kinds: BTreeSet<&str> = expected.values().map(|one| one.0.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["dlq", "restarted", "skipped"]));
    let verdict = |order: &PlannedOrder| expected.get(&order.order_id).cloned();
    assert_eq!(
        world.outages.each_ref().map(verdict),
        [
            None,
            None,
            Some((VerdictKind::Skipped, Some("already_running".into()), None)),
            Some((VerdictKind::Restarted, None, Some(3)))
        ]
    );
    let first_restart = (VerdictKind::Restarted, None, Some(1));
    let unknown = |order: &&String| expected.get(*order) == Some(&first_restart);
    assert!(
        world.late.iter().any(|order| unknown(&order)),
        "failures that the ledger did not know: {expected:?}"
    );

    assert_eq!(told(&batch(&world.site, &request).await), expected);
    let [flying, held, ..] = &world.outages;
    assert_eq!(state(&world.site, &flying.order_id).await, State::InFlight);
    assert_eq!(state(&world.site, &held.order_id).await, State::Held);
    world.site.close().await.unwrap();
}
