//! The batches: one after the other through the real batch workflow, as the schedule starts them, until nothing is left.

use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use redrive_core::report::ReprocessingResult;
use redrive_engine::ops::RunRequest;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::Stage;
use tokio::time::Instant;

use super::progress::Progress;
use super::rest::{Orders, at_rest};
use super::settings::TICK;
use super::site::Site;

/// The stage that is down, until the restarts of so many batches have failed on it.
pub(super) const OUTAGE: Stage = Stage::Shipping;
/// One batch is not enough to see an outage outlast a restart.
pub(super) const RELEASED_AFTER: usize = 2;

/// Far more than a budget of five restarts takes: a demo that needs more would never end.
const MOST_BATCHES: usize = 40;

/// A batch that the demo ran.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ran {
    /// Its result.
    pub result: ReprocessingResult,
    /// How long it took.
    pub took: Duration,
}

/// Runs batches until the ledger has nothing left to wait for.
///
/// Errors: a batch fails; orders get stuck; there is no end of it.
pub(super) async fn run(
    site: &Site,
    orders: &mut Orders,
    progress: &mut Progress<'_>,
) -> anyhow::Result<Vec<Ran>> {
    let mut batches = Vec::new();
    while batches.len() < MOST_BATCHES {
        let number = batches.len() + 1;
        progress.begin(format!("Batch {number}"), orders.all);
        progress.at(orders.completed(), "the batch is at work");
        let ran = batch(site)
            .await
            .with_context(|| format!("batch {number} did not do its work"))?;
        progress.at(orders.completed(), "its restarts run");
        at_rest(&site.ops, orders, progress).await?;
        progress.done(told(number, &ran.result, orders));
        batches.push(ran);
        if number == RELEASED_AFTER {
            site.warehouse.release(OUTAGE)?;
            progress.done("  The carrier is back.");
        }
        if !is_more(site).await? {
            return Ok(batches);
        }
        SystemClock.sleep(TICK).await;
    }
    bail!("there is still something to do after {MOST_BATCHES} batches");
}

async fn batch(site: &Site) -> anyhow::Result<Ran> {
    let began = Instant::now();
    let running = site.ops.start_batch(&RunRequest::default()).await?;
    let result = site.ops.await_batch(&running).await?;
    let took = began.elapsed();
    Ok(Ran { result, took })
}

async fn is_more(site: &Site) -> anyhow::Result<bool> {
    let next: Option<Timestamp> = site.ops.engine.ledger.next_work_at().await?;
    Ok(next.is_some())
}

fn told(number: usize, result: &ReprocessingResult, orders: &Orders) -> String {
    format!(
        "Batch {number}: restarted {}, dead letters {}; learnt that {} recovered and {} failed again. \
         {} of {} orders have completed.",
        result.restarted_count,
        result.dlq_count,
        result.recovered_count,
        result.failed_again_count,
        orders.completed(),
        orders.all
    )
}
