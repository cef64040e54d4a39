//! A drain: one batch of Redrive, through its real worker, that starts every failed order of a ground again.

use std::time::Duration;

use anyhow::bail;
use jiff::{SignedDuration, Timestamp};
use redrive_engine::ops::RunRequest;
use redrive_engine::{Clock, Steady, SystemClock};
use redrive_flows::activities::Phase;
use tokio::time::Instant;

use crate::ground::Ground;
use crate::trace::{self, Trace};
use crate::worker_process::WorkerProcess;

/// How long a scan by hand may take.
const SCAN: SignedDuration = SignedDuration::from_mins(10);
/// The pause between two scans: visibility lags.
const LOOK: Duration = Duration::from_millis(100);

/// What a drain came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Drained {
    /// Orders started again.
    pub orders: u64,
    /// From the first chunk's beginning to the last one's end.
    pub chunks: Duration,
    /// From the scan's beginning to the last chunk's end.
    pub with_scan: Duration,
    /// The workers' processor time, over the whole batch.
    pub cpu: Duration,
    /// Events in the batch's histories.
    pub events: u64,
    /// Billable actions: the batch's own, and one for each order's start.
    pub actions: u64,
}

impl Drained {
    /// So much for each order.
    pub fn an_order(&self, sum: f64) -> f64 {
        sum / self.orders as f64
    }

    /// Orders a second from the ledger on.
    pub fn ledger_rate(&self) -> f64 {
        self.orders as f64 / self.chunks.as_secs_f64()
    }

    /// Orders a second from the scan on.
    pub fn scan_rate(&self) -> f64 {
        self.orders as f64 / self.with_scan.as_secs_f64()
    }

    /// Processor milliseconds an order.
    pub fn cpu_an_order(&self) -> f64 {
        self.an_order(self.cpu.as_secs_f64() * 1000.0)
    }
}

/// Lets the ledger know of every failed order, and start none.
pub(crate) async fn observe(ground: &Ground, orders: usize) -> anyhow::Result<()> {
    let phase = Phase {
        batch: "observed-by-the-bench".into(),
        ends_at: SystemClock.now() + SCAN,
    };
    let (began, mut seen) = (Instant::now(), 0);
    while seen < orders as u64 {
        seen += ground
            .ops
            .engine
            .scan_failures(&phase, &Steady)
            .await?
            .new_failures;
        if began.elapsed() > Duration::try_from(SCAN)? {
            bail!("{seen} of {orders} failed orders are seen");
        }
        SystemClock.sleep(LOOK).await;
    }
    Ok(())
}

/// Runs one batch over a ground with so many failed orders, by these workers.
pub(crate) async fn drain(
    ground: &Ground,
    workers: &[WorkerProcess],
    orders: u64,
) -> anyhow::Result<Drained> {
    let cpu = || -> anyhow::Result<Duration> { workers.iter().map(WorkerProcess::cpu).sum() };
    let before = cpu()?;
    let running = ground.ops.start_batch(&RunRequest::default()).await?;
    let result = ground.ops.await_batch(&running).await?;
    let after = cpu()?;
    if result.restarted_count != orders || result.found_count != orders {
        bail!("the batch was to restart {orders} orders, and did otherwise: {result:?}");
    }
    let Trace {
        events,
        actions,
        scan_began,
        chunks_began,
        chunks_ended,
    } = trace::read(&ground.client, &running).await?;
    Ok(Drained {
        orders,
        chunks: between(chunks_began, chunks_ended)?,
        with_scan: between(scan_began, chunks_ended)?,
        cpu: after.saturating_sub(before),
        events,
        actions: actions + orders,
    })
}

fn between(began: Timestamp, ended: Timestamp) -> anyhow::Result<Duration> {
    Ok(Duration::try_from(ended.duration_since(began))?)
}
