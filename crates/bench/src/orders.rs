//! The orders: started raw and measured, then made to fail, with the payloads of the sample's order service.

use std::time::Duration;

use anyhow::bail;
use futures::{StreamExt, TryStreamExt, stream};
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::puppet::{Move, Puppet};
use redrive_fulfillment::{
    FaultPlan, PlannedOrder, StartOptions, TASK_QUEUE, start_orders, starter,
};
use temporalio_client::{Client, WorkflowCountOptions};
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;
use tokio::time::Instant;
use tonic::Request;
use uuid::Uuid;

use crate::ground::Ground;

/// The pause between two looks at how many have failed.
const LOOK: Duration = Duration::from_millis(100);
/// So many orders take this long to fail at most: they are thousands, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(600);
/// What every order fails with: a status that is reprocessed.
const STATUS: &str = "shipping_failed";

/// The orders of a measurement.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    /// Which.
    pub plan: FaultPlan,
    /// Their type and queue.
    pub options: StartOptions,
}

impl Orders {
    /// So many orders of the watched type. Another `seed` makes others.
    pub fn watched(seed: u64, count: usize) -> Self {
        Self {
            plan: FaultPlan::smooth(seed, count),
            options: StartOptions::default(),
        }
    }

    /// So many orders of another type: Redrive does not look for them.
    pub fn unwatched(seed: u64, count: usize, workflow_type: &str) -> Self {
        let mut orders = Self::watched(seed, count);
        workflow_type.clone_into(&mut orders.options.workflow_type);
        orders
    }

    /// The same orders on another queue: nobody fails them.
    pub fn on_queue(mut self, task_queue: &str) -> Self {
        task_queue.clone_into(&mut self.options.task_queue);
        self
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.plan.orders.len()
    }
}

/// Starts the orders with bare start calls, so many at the same time, and says how long it took.
pub(crate) async fn start_raw(
    ground: &Ground,
    orders: &Orders,
    at_once: usize,
) -> anyhow::Result<Duration> {
    let options = StartOptions {
        concurrency: at_once,
        ..orders.options.clone()
    };
    let began = Instant::now();
    let started = start_orders(&ground.client, &orders.plan, &options).await?;
    let took = began.elapsed();
    if started.len() != orders.count() {
        bail!(
            "{} of {} orders were started",
            started.len(),
            orders.count()
        );
    }
    Ok(took)
}

/// The request that starts an order anew. With the first start's id it would be answered with the run that that started.
pub(crate) fn again(
    client: &Client,
    plan: &FaultPlan,
    order: &PlannedOrder,
    options: &StartOptions,
) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        request_id: Uuid::new_v4().to_string(),
        ..starter::request(client, plan, order, options)
    }
}

/// Starts failed orders again with bare start calls: what a restart costs the server when nobody looks at the order before.
pub(crate) async fn restart_raw(
    ground: &Ground,
    orders: &Orders,
    at_once: usize,
) -> anyhow::Result<Duration> {
    let restart = |order| async move {
        let request = again(&ground.client, &orders.plan, order, &orders.options);
        let mut service = ground.client.connection().workflow_service();
        let started = service.start_workflow_execution(Request::new(request));
        started.await.map(drop)
    };
    let began = Instant::now();
    stream::iter(&orders.plan.orders)
        .map(restart)
        .buffer_unordered(at_once)
        .try_collect::<()>()
        .await?;
    Ok(began.elapsed())
}

/// Fails every order on the orders' queue, of which there are so many; then nobody polls it any more.
pub(crate) async fn fail_all(ground: &Ground, count: usize) -> anyhow::Result<()> {
    let fails = |_: &_| Move::fail(STATUS, "no truck came");
    let puppet = Puppet::spawn(&ground.client, &ground.namespace, TASK_QUEUE, fails);
    let failed = await_count(ground, "ExecutionStatus = 'Failed'", count).await;
    puppet.stop().await;
    failed
}

/// Waits until visibility shows so many runs.
pub(crate) async fn await_count(ground: &Ground, query: &str, count: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let options = WorkflowCountOptions::builder().build();
        let seen = ground.client.count_workflows(query, options).await?.count();
        if seen == count {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            bail!("visibility shows {seen} runs with {query}, and {count} are to come");
        }
        SystemClock.sleep(LOOK).await;
    }
}
