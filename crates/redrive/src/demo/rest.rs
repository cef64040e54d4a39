//! Waiting until no order runs any more: until each has completed, or failed without a successor.
//!
//! Visibility says how it goes on, cheaply and late; before it is believed, every order is described.

use std::time::Duration;

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt, stream};
use redrive_core::decide::RunStatus;
use redrive_core::ids::WorkflowId;
use redrive_engine::ops::Ops;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::WORKFLOW_TYPE;
use temporalio_client::{Client, WorkflowCountOptions};
use tokio::time::Instant;

use super::progress::Progress;

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(400);
/// How long nothing at all may happen, before the demo says that it is stuck: longer than any order hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Descriptions under way at the same time.
const AT_ONCE: usize = 16;

/// The orders, as far as it is known how they ended.
pub(super) struct Orders {
    /// How many there are.
    pub all: usize,
    /// Those that have not completed.
    open: Vec<WorkflowId>,
}

impl Orders {
    /// Orders of which nothing is known.
    pub fn new(orders: Vec<WorkflowId>) -> Self {
        Self {
            all: orders.len(),
            open: orders,
        }
    }

    /// So many have completed.
    pub fn completed(&self) -> usize {
        self.all - self.open.len()
    }

    /// The latest run of so many failed, when none runs.
    pub fn failed(&self) -> usize {
        self.open.len()
    }
}

/// Waits until none of the orders runs.
///
/// Errors: the server cannot be asked; nothing has happened for a minute, and some still run.
pub(super) async fn at_rest(
    ops: &Ops,
    orders: &mut Orders,
    progress: &mut Progress<'_>,
) -> anyhow::Result<()> {
    let (mut before, mut moved_at) = ((0, 0), Instant::now());
    loop {
        let seen = counts(&ops.client).await?;
        let (running, completed) = seen;
        let closed = orders.all.saturating_sub(running);
        let failed = closed.saturating_sub(completed);
        progress.at(
            closed,
            format_args!("{completed} completed, {failed} failed, {running} run"),
        );
        if running == 0 && rest(ops, orders).await? && orders.completed() == completed {
            return Ok(());
        }
        if seen != before {
            (before, moved_at) = (seen, Instant::now());
        }
        if moved_at.elapsed() > PATIENCE {
            bail!("nothing has happened for {PATIENCE:?}, and {running} orders still run");
        }
        SystemClock.sleep(LOOK).await;
    }
}

/// By visibility: how many runs go on, and how many orders have completed (an order does so once).
async fn counts(client: &Client) -> anyhow::Result<(usize, usize)> {
    let count = async |status: &str| -> anyhow::Result<usize> {
        let query = format!("WorkflowType = '{WORKFLOW_TYPE}' AND ExecutionStatus = '{status}'");
        let options = WorkflowCountOptions::builder().build();
        let counted = client.count_workflows(query, options).await;
        Ok(counted.context("the orders cannot be counted")?.count())
    };
    Ok((count("Running").await?, count("Completed").await?))
}

/// By description of each order that has not completed: whether none of them runs.
async fn rest(ops: &Ops, orders: &mut Orders) -> anyhow::Result<bool> {
    let described: Vec<(WorkflowId, RunStatus)> = stream::iter(std::mem::take(&mut orders.open))
        .map(async |order| -> anyhow::Result<_> {
            let latest = ops.engine.gateway.describe(&order, None).await?;
            let latest = latest.with_context(|| format!("{order} has no run"))?;
            Ok((order, latest.status))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let rest = described
        .iter()
        .all(|(_, status)| status.is_failure() || *status == RunStatus::Completed);
    let open = described
        .into_iter()
        .filter(|(_, status)| *status != RunStatus::Completed);
    orders.open = open.map(|(order, _)| order).collect();
    Ok(rest)
}
