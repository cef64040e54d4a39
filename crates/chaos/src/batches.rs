//! The batches: one after the other through the real batch workflow, until nothing is left to do.
//!
//! A batch whose worker was killed waits until the server takes the worker for lost; the next one is started at once, as an
//! operator would, and some of those that wait are terminated, so that the next one has to adopt what they left.

use std::time::Duration;

use anyhow::bail;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use redrive_core::report::ReprocessingResult;
use redrive_engine::ops::{RunRequest, Running};
use redrive_engine::{Clock, SystemClock};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::hand::Hand;
use crate::lives::{Kill, hits};
use crate::site::Site;

/// The pause between the end of a batch and the next one.
const TICK: Duration = Duration::from_millis(500);
/// So many batches go on at the same time at most; all but one of them wait for a lost worker.
const AT_ONCE: usize = 12;
/// What a batch may handle at most while there are kills to come, drawn for each: a chunk or a few. If the first one
/// claimed everything, every kill after it would wait until the server takes the first dead worker for lost.
const MOST_ORDERS: [u32; 4] = [10, 20, 30, 40];
/// One batch in so many that lost its worker is terminated.
const TERMINATED: u32 = 3;
/// So many batches in a row have to find nothing before it is believed that nothing is left: visibility lags.
const QUIET: u32 = 2;
/// A storm that lasts longer than this does not end at all.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A batch that was started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran {
    /// How it ended: its result, or the sentence of its failure.
    pub end: Result<ReprocessingResult, String>,
    /// Whether an operator terminated it.
    pub terminated: bool,
}

/// Starts batches until nothing is left to do and `busy` is over.
pub(crate) async fn run(
    site: &Site,
    busy: watch::Receiver<bool>,
    kills: watch::Receiver<Vec<Kill>>,
    planned: usize,
) -> anyhow::Result<Vec<Ran>> {
    let mut batches = Batches {
        rng: StdRng::seed_from_u64(site.plan.faults.seed),
        kills,
        planned,
        going_on: JoinSet::new(),
        ended: Vec::new(),
    };
    let (began, mut quiet) = (Instant::now(), 0);
    while quiet < QUIET {
        if began.elapsed() > PATIENCE {
            bail!("there is still something to do after {PATIENCE:?}");
        }
        batches.one(site).await?;
        let rests = !*busy.borrow() && batches.going_on.is_empty() && is_quiet(site).await?;
        quiet = if rests { quiet + 1 } else { 0 };
        SystemClock.sleep(TICK).await;
    }
    Ok(batches.ended)
}

struct Batches {
    rng: StdRng,
    kills: watch::Receiver<Vec<Kill>>,
    /// How many kills that count there are to be.
    planned: usize,
    /// Those that go on, with their ids.
    going_on: JoinSet<(String, Ran)>,
    ended: Vec<Ran>,
}

impl Batches {
    /// Starts a batch, and waits until it has ended or its worker is killed.
    async fn one(&mut self, site: &Site) -> anyhow::Result<()> {
        let most = self.rng.random_range(0..MOST_ORDERS.len());
        let terminates = self.rng.random_range(0..TERMINATED) == 0;
        let more_kills = hits(&self.kills.borrow_and_update()) < self.planned;
        let max_orders = more_kills.then_some(MOST_ORDERS[most]);
        let running = site
            .ops
            .start_batch(&RunRequest {
                max_orders,
                ..Default::default()
            })
            .await?;
        self.follow(site, running.clone());
        let mut current = Some(&running.batch_id);
        while current.is_some() || self.going_on.len() >= AT_ONCE {
            tokio::select! {
                Some(ended) = self.going_on.join_next() => {
                    let (batch_id, ran) = ended?;
                    current = current.filter(|current| **current != batch_id);
                    self.ended.push(ran);
                }
                Ok(()) = self.kills.changed(), if current.is_some() => {
                    current = None;
                    if terminates {
                        Hand(&site.ops).terminate(&running.workflow_id, "").await?;
                    }
                }
            }
        }
        Ok(())
    }

    fn follow(&mut self, site: &Site, running: Running) {
        let ops = site.ops.clone();
        self.going_on.spawn(async move {
            let end = ops
                .await_batch(&running)
                .await
                .map_err(|error| error.to_string());
            let terminated = end.as_ref().is_err_and(|why| why.contains("terminated"));
            (running.batch_id, Ran { end, terminated })
        });
    }
}

/// Whether the ledger knows every order and has nothing to wait for, no batch goes on, and no order runs.
async fn is_quiet(site: &Site) -> anyhow::Result<bool> {
    let ledger = &site.ops.engine.ledger;
    let known: u64 = ledger
        .state_counts()
        .await?
        .iter()
        .map(|(_, count)| count)
        .sum();
    Ok(known == site.plan.faults.orders.len() as u64
        && ledger.next_work_at().await?.is_none()
        && ledger.unfinished_batches().await?.is_empty()
        && site.running().await? == 0)
}
