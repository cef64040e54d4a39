//! The fourth part: the ledger alone, at several sizes: how long a claim takes, and how many orders a second pass through.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use redrive::ledger::{self, Opened};
use redrive::printer::Printer;
use redrive_core::decide::{BatchRules, Latest, RunStatus};
use redrive_core::ids::{BatchId, Home, RunId};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{
    AttemptOutcome, Check, Checked, ClaimRequest, Claimed, ClaimedOrder, Commit, Committed, Ledger,
    Outcome, seed,
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::figures::{Figures, Reach, Row, quantile};
use crate::run::RunArgs;

/// Orders a claim: the usual chunk.
const CHUNK: u32 = 100;
/// Orders that pass through at each size, if so many are due.
const THROUGH: usize = 20_000;
/// Chunks at the same time, as in a batch.
const CHUNKS: usize = 8;
/// Outcomes a commit, as in a chunk.
const COMMIT: usize = 64;
/// Orders a settle, as in a batch.
const SETTLE: u32 = 200;
/// What a ledger must let through, in orders a second.
const RATE: f64 = 10_000.0;

/// A seeded ledger in a folder of its own.
pub(crate) struct Seeded {
    opened: Opened,
    path: PathBuf,
    _folder: TempDir,
}

impl Seeded {
    /// Makes one with so many orders.
    pub async fn new(orders: u64) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("a folder for the ledger cannot be made")?;
        let path = folder.path().join("ledger.db");
        let url = format!("sqlite:{}", path.display());
        // The first opening makes the schema.
        drop(ledger::open(&url).await?);
        seed(&path, orders, SystemClock.now()).await?;
        Ok(Self {
            opened: ledger::open(&url).await?,
            path,
            _folder: folder,
        })
    }

    /// Its file.
    pub fn url(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }
}

/// Measures every size. Returns a ledger of the size at which commands are measured, if it is among them.
pub(crate) async fn measure(
    args: &RunArgs,
    figures: &mut Figures,
    printer: &Printer,
) -> anyhow::Result<Vec<(u64, Seeded)>> {
    let mut quantiles = Vec::new();
    let mut kept = Vec::new();
    for size in &args.sizes {
        let (claims, seeded) = size_of(args, *size, figures, printer).await?;
        let at = |q| quantile(&claims, q);
        quantiles.push((at(0.5), at(0.99)));
        let row = |id, what| {
            let id = format!("{id}-{size}");
            Row::new(id, format!("{what} of {CHUNK} among {size}"), "ms")
        };
        figures.add(row("claim-p50", "claim, median,"), at(0.5));
        figures.add(row("claim-p99", "claim, 99th in a hundred,"), at(0.99));
        kept.push((*size, seeded));
    }
    if let [(small_50, small_99), (large_50, large_99), ..] = quantiles[..] {
        let (small, large) = (args.sizes[0], args.sizes[1]);
        let row = |id, what, most| {
            let title = format!("claim, {what}, {large} orders / {small}");
            Row::new(id, title, "ratio").reaching(Reach::AtMost(most))
        };
        figures.add(row("claim-p50-growth", "median", 1.5), large_50 / small_50);
        figures.add(
            row("claim-p99-growth", "99th in a hundred", 3.0),
            large_99 / small_99,
        );
    }
    Ok(kept)
}

/// One size: the times of its claims in milliseconds, and a ledger of it that is not used up.
async fn size_of(
    args: &RunArgs,
    size: u64,
    figures: &mut Figures,
    printer: &Printer,
) -> anyhow::Result<(Vec<f64>, Seeded)> {
    printer.say(format_args!("  {size} orders"));
    let mut claims = Vec::new();
    // A ledger that has too few due orders is followed by others like it.
    loop {
        let seeded = Seeded::new(size).await?;
        let worker = Worker::new(&seeded.opened.ledger, "claims");
        claims.extend(worker.claims(args.claims - claims.len()).await?);
        if claims.len() >= args.claims {
            break;
        }
        if claims.is_empty() {
            bail!("a ledger of {size} orders has too few for a claim");
        }
    }
    let seeded = Seeded::new(size).await?;
    let worker = Worker::new(&seeded.opened.ledger, "through");
    let (orders, took) = worker.through().await?;
    let row = Row::new(
        format!("through-{size}"),
        format!("through claim, commit and settle, {size} orders"),
        "orders/s",
    );
    figures.add(
        row.reaching(Reach::AtLeast(RATE)),
        orders as f64 / took.as_secs_f64(),
    );
    Ok((claims, seeded))
}

/// What claims, commits and settles, as a worker does.
#[derive(Clone)]
struct Worker {
    ledger: Arc<dyn Ledger>,
    policy: Arc<Policy>,
    home: Home,
    batch: BatchId,
    due_by: Timestamp,
}

impl Worker {
    fn new(ledger: &Arc<dyn Ledger>, batch: &str) -> Self {
        let mut policy = Policy::default();
        // What is started can be settled at once.
        policy.settle.first_check = Duration::ZERO;
        Self {
            ledger: Arc::clone(ledger),
            policy: Arc::new(policy),
            home: Home {
                cluster_id: "bench".to_owned(),
                namespace: "bench".to_owned(),
            },
            batch: BatchId::from(batch),
            due_by: SystemClock.now(),
        }
    }

    async fn claim(&self, chunk: u32) -> anyhow::Result<Vec<ClaimedOrder>> {
        let request = ClaimRequest {
            batch: self.batch.clone(),
            chunk,
            limit: CHUNK,
            due_by: self.due_by,
            rules: BatchRules::default(),
            only: None,
            operation: None,
        };
        let moment = SystemClock.moment();
        let Claimed { fresh, .. } = self
            .ledger
            .claim(&self.policy, &self.home, &request, moment)
            .await?;
        Ok(fresh)
    }

    /// Up to so many full claims one after the other, in milliseconds each.
    async fn claims(&self, most: usize) -> anyhow::Result<Vec<f64>> {
        let mut times = Vec::new();
        for chunk in 0..most {
            let began = Instant::now();
            let claimed = self.claim(chunk as u32).await?;
            if claimed.len() < CHUNK as usize {
                break;
            }
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(times)
    }

    /// Lets orders through, chunks beside each other and then settles, and says how many and how long it took.
    async fn through(&self) -> anyhow::Result<(usize, Duration)> {
        let began = Instant::now();
        let mut chunks = JoinSet::new();
        for lane in 0..CHUNKS {
            let own = self.clone();
            chunks.spawn(async move { own.lane(lane).await });
        }
        let mut restarted = 0;
        while let Some(lane) = chunks.join_next().await {
            restarted += lane??;
        }
        let settled = self.settle().await?;
        if settled != restarted {
            bail!("{restarted} orders were restarted and {settled} settled");
        }
        Ok((restarted, began.elapsed()))
    }

    /// One chunk after the other.
    async fn lane(&self, lane: usize) -> anyhow::Result<usize> {
        let mut restarted = 0;
        for turn in 0..THROUGH / CHUNK as usize / CHUNKS {
            let chunk = (turn * CHUNKS + lane) as u32;
            let claimed = self.claim(chunk).await?;
            for orders in claimed.chunks(COMMIT) {
                restarted += self.commit(chunk, orders).await?;
            }
            if claimed.len() < CHUNK as usize {
                break;
            }
        }
        Ok(restarted)
    }

    async fn commit(&self, chunk: u32, orders: &[ClaimedOrder]) -> anyhow::Result<usize> {
        let commits: Vec<Commit> = orders.iter().map(started).collect();
        let moment: Moment = SystemClock.moment();
        let done = self
            .ledger
            .commit(&self.policy, &self.batch, chunk, &commits, moment)
            .await?;
        Ok(done.iter().filter(|done| **done == Committed::Done).count())
    }

    async fn settle(&self) -> anyhow::Result<usize> {
        let mut settled = 0;
        loop {
            let due = self.ledger.due_checks(SystemClock.now(), SETTLE).await?;
            if due.is_empty() {
                return Ok(settled);
            }
            let checked: Vec<Checked> = due.into_iter().map(completed).collect();
            let moment = SystemClock.moment();
            let ended = self
                .ledger
                .settle(&self.policy, &self.batch, &checked, moment);
            settled += ended.await? as usize;
        }
    }
}

/// That an order was started again.
fn started(order: &ClaimedOrder) -> Commit {
    Commit {
        pk: order.pk,
        fence: order.fence,
        outcome: Outcome::Restarted(RunId::from(format!("restarted-{}", order.pk))),
    }
}

/// That its run has completed.
fn completed(check: Check) -> Checked {
    let followed = check.followed_run.clone();
    let latest = followed.map(|run| Latest {
        run_id: run.clone(),
        first_run_id: run,
        status: RunStatus::Completed,
        started_at: check.failed_at,
        closed_at: Some(check.failed_at),
        ours: true,
    });
    Checked {
        attempt: Some(AttemptOutcome::Recovered),
        ours: None,
        failure: None,
        latest,
        check,
    }
}
