//! What claims, commits and settles on a ledger alone, as a worker does, with no server to ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;
use redrive_core::decide::{BatchRules, Latest, RunStatus};
use redrive_core::ids::{BatchId, Home, RunId};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{
    AttemptOutcome, BatchOpening, Check, Checked, ClaimRequest, Claimed, ClaimedOrder, Commit,
    Committed, Ledger, Outcome,
};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Orders a claim: the usual chunk.
pub(crate) const CHUNK: u32 = 100;
/// Chunks at the same time, as in a batch.
const CHUNKS: usize = 8;
/// Outcomes a commit, as in a chunk.
const COMMIT: usize = 64;
/// Orders a settle, as in a batch.
const SETTLE: u32 = 200;

/// What claims, commits and settles, as a worker does.
#[derive(Clone)]
pub(crate) struct Worker {
    ledger: Arc<dyn Ledger>,
    policy: Arc<Policy>,
    home: Home,
    batch: BatchId,
    due_by: Timestamp,
    /// The next chunk's number.
    next_chunk: Arc<AtomicU32>,
}

impl Worker {
    /// One that works for a batch of that name, which it opens.
    pub async fn open(ledger: &Arc<dyn Ledger>, batch: &str) -> anyhow::Result<Self> {
        let mut policy = Policy::default();
        // What is started can be settled at once.
        policy.settle.first_check = Duration::ZERO;
        let due_by = SystemClock.now();
        let batch = BatchId::from(batch);
        let opening = BatchOpening {
            batch: batch.clone(),
            workflow_id: "bench".to_owned(),
            started_at: due_by,
            one_order: false,
        };
        ledger.open_batch(&opening).await?;
        Ok(Self {
            ledger: Arc::clone(ledger),
            policy: Arc::new(policy),
            home: Home {
                cluster_id: "bench".to_owned(),
                namespace: "bench".to_owned(),
            },
            batch,
            due_by,
            next_chunk: Arc::default(),
        })
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

    /// So many full claims one after the other, in milliseconds each.
    pub async fn claims(&self, count: usize) -> anyhow::Result<Vec<f64>> {
        let mut times = Vec::new();
        for chunk in 0..count {
            let began = Instant::now();
            let claimed = self.claim(chunk as u32).await?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
            if claimed.len() < CHUNK as usize {
                bail!("a claim got {} orders of {CHUNK}", claimed.len());
            }
        }
        Ok(times)
    }

    /// Lets so many orders through, chunks beside each other and then settles, and says how long it took.
    pub async fn through(&self, orders: usize) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let mut lanes = JoinSet::new();
        for _ in 0..CHUNKS {
            let own = self.clone();
            lanes.spawn(async move { own.lane(orders.div_ceil(CHUNK as usize)).await });
        }
        let mut restarted = 0;
        while let Some(lane) = lanes.join_next().await {
            restarted += lane??;
        }
        let settled = self.settle().await?;
        let took = began.elapsed();
        if restarted != orders || settled != orders {
            bail!("of {orders} orders {restarted} were restarted and {settled} settled");
        }
        Ok(took)
    }

    /// One chunk after the other, until all have been begun.
    async fn lane(&self, chunks: usize) -> anyhow::Result<usize> {
        let mut restarted = 0;
        loop {
            let chunk = self.next_chunk.fetch_add(1, Ordering::Relaxed);
            if chunk as usize >= chunks {
                return Ok(restarted);
            }
            for orders in self.claim(chunk).await?.chunks(COMMIT) {
                restarted += self.commit(chunk, orders).await?;
            }
        }
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
