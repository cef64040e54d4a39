//! The batches: one after the other through the real batch workflow, and often two at the same time, until nothing is left
//! to do.
//!
//! A batch whose worker was killed goes on when the server takes the worker for lost; the next one is started at once, as
//! an operator would, and some of those that wait are terminated, so that the next one has to adopt what they left.
//!
//! *Pair*: two batches that were started at the same time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use redrive_core::report::ReprocessingResult;
use redrive_engine::ops::{OpsError, RunRequest, Running};
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
const AT_ONCE: usize = 6;
/// What a batch may handle at most while there are kills to come, drawn for each: some chunks. If the first one
/// claimed everything, every kill after it would wait until the server takes the first dead worker for lost.
const MOST_ORDERS: [u32; 4] = [20, 40, 60, 80];
/// One batch in so many that lost its worker is terminated.
const TERMINATED: u32 = 3;
/// One batch in so many is started with another beside it.
const PAIRED: u32 = 2;
/// So many batches in a row have to find nothing before it is believed that nothing is left: visibility lags.
const QUIET: u32 = 2;
/// A storm that lasts longer than this does not end at all.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A batch that was started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran {
    /// Its id.
    pub id: String,
    /// How it ended: its result, or the sentence of its failure.
    pub end: Result<ReprocessingResult, String>,
    /// Whether an operator terminated it.
    pub terminated: bool,
}

/// What ran.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AllRan {
    /// The batches.
    pub batches: Vec<Ran>,
    /// The pairs among them, by their ids.
    pub pairs: Vec<(String, String)>,
}

/// Starts batches until nothing is left to do and `busy` is over.
pub(crate) async fn run(
    site: &Site,
    busy: watch::Receiver<bool>,
    kills: watch::Receiver<Vec<Kill>>,
    planned: usize,
) -> anyhow::Result<AllRan> {
    let mut batches = Batches {
        rng: StdRng::seed_from_u64(site.plan.faults.seed),
        kills,
        planned,
        going_on: JoinSet::new(),
        ran: AllRan {
            batches: Vec::new(),
            pairs: Vec::new(),
        },
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
    Ok(batches.ran)
}

struct Batches {
    rng: StdRng,
    kills: watch::Receiver<Vec<Kill>>,
    /// How many kills that count there are to be.
    planned: usize,
    /// Those that go on.
    going_on: JoinSet<Ran>,
    ran: AllRan,
}

impl Batches {
    /// Starts a batch, or a pair, and waits until the first has ended or a worker is killed.
    async fn one(&mut self, site: &Site) -> anyhow::Result<()> {
        let max_orders = self.max_orders();
        let terminates = self.rng.random_range(0..TERMINATED) == 0;
        let paired = self.rng.random_range(0..PAIRED) == 0;
        let running = if paired {
            let (one, other) = tokio::try_join!(start(site, max_orders), start(site, max_orders))?;
            let pair = (one.batch_id.clone(), other.batch_id.clone());
            self.ran.pairs.push(pair);
            self.follow(site, other);
            one
        } else {
            start(site, max_orders).await?
        };
        self.follow(site, running.clone());
        let mut current = Some(&running.batch_id);
        while current.is_some() || self.going_on.len() >= AT_ONCE {
            tokio::select! {
                Some(ended) = self.going_on.join_next() => {
                    let ran = ended?;
                    current = current.filter(|current| **current != ran.id);
                    self.ran.batches.push(ran);
                }
                Ok(()) = self.kills.changed(), if current.is_some() => {
                    current = None;
                    if terminates {
                        let hand = Hand(&site.ops);
                        let terminate = async || hand.terminate(&running.workflow_id, "").await;
                        site.weather.ride_out(terminate).await?;
                    }
                }
            }
        }
        Ok(())
    }

    fn max_orders(&mut self) -> Option<u32> {
        let most = self.rng.random_range(0..MOST_ORDERS.len());
        let more_kills = hits(&self.kills.borrow_and_update()) < self.planned;
        more_kills.then_some(MOST_ORDERS[most])
    }

    fn follow(&mut self, site: &Site, running: Running) {
        let (ops, weather) = (site.ops.clone(), Arc::clone(&site.weather));
        self.going_on.spawn(async move {
            let end = loop {
                weather.fair().await;
                let end = ops.await_batch(&running).await;
                // It goes on by itself while it cannot be asked for.
                let lost = matches!(end, Err(OpsError::Engine(_)));
                if !(weather.is_rough() && lost) {
                    break end.map_err(|error| error.to_string());
                }
                SystemClock.sleep(TICK).await;
            };
            let terminated = end.as_ref().is_err_and(|why| why.contains("terminated"));
            Ran {
                id: running.batch_id,
                end,
                terminated,
            }
        });
    }
}

/// Starts one batch. Where the server dies while it answers, there may be another one that nobody follows.
async fn start(site: &Site, max_orders: Option<u32>) -> anyhow::Result<Running> {
    let request = RunRequest {
        max_orders,
        ..Default::default()
    };
    let start = async || site.ops.start_batch(&request).await;
    Ok(site.weather.ride_out(start).await?)
}

async fn is_quiet(site: &Site) -> anyhow::Result<bool> {
    site.weather
        .ride_out(async || looks_quiet(site).await)
        .await
}

/// Whether the ledger knows every order and has nothing to wait for, no batch goes on, and no order runs.
async fn looks_quiet(site: &Site) -> anyhow::Result<bool> {
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
