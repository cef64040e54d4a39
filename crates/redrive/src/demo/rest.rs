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
const LOOK: Duration = Duration::from_millis(250);
/// How long nothing at all may happen, before the demo says that it is stuck: longer than any order hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Descriptions under way at the same time.
const AT_ONCE: usize = 16;

/// The orders at a moment when none of them runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AtRest {
    /// So many have completed.
    pub completed: usize,
    /// The latest run of so many failed.
    pub failed: usize,
}

/// Waits until none of `orders` runs.
///
/// Errors: the server cannot be asked; nothing has happened for a minute, and some still run.
pub(super) async fn at_rest(
    ops: &Ops,
    orders: &[WorkflowId],
    progress: &mut Progress<'_>,
) -> anyhow::Result<AtRest> {
    let (mut before, mut moved_at) = ((0, 0), Instant::now());
    loop {
        let seen = counts(&ops.client).await?;
        let (running, completed) = seen;
        let failed = orders.len().saturating_sub(running + completed);
        let detail =
            format_args!("{completed} completed, {failed} failed, {running} run").to_string();
        progress.at(orders.len().saturating_sub(running), detail);
        if running == 0
            && let Some(rest) = described(ops, orders).await?
            && rest.completed == completed
        {
            return Ok(rest);
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

/// By description of each order; `None` while one runs.
async fn described(ops: &Ops, orders: &[WorkflowId]) -> anyhow::Result<Option<AtRest>> {
    let statuses: Vec<Option<RunStatus>> = stream::iter(orders)
        .map(async |order| -> anyhow::Result<_> {
            let latest = ops.engine.gateway.describe(order, None).await?;
            Ok(latest.map(|latest| latest.status))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let count = |wanted: fn(RunStatus) -> bool| {
        statuses
            .iter()
            .flatten()
            .filter(|status| wanted(**status))
            .count()
    };
    let completed = count(|status| status == RunStatus::Completed);
    let failed = count(RunStatus::is_failure);
    Ok((completed + failed == orders.len()).then_some(AtRest { completed, failed }))
}
