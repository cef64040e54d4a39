//! A way to Temporal whose answers are lost or come late: the server has acted, and its caller does not know it.
//!
//! For `make chaos` and tests only (feature `failpoints`). The seed fixes which of its calls meet with what.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::ids::{Home, RunId, WorkflowId};

use super::{
    FailedRun, Gateway, GatewayError, Mark, Page, Restart, Result, RunToRead, Started, Window,
};
use crate::clock::Clock;

/// How often an answer does not come as it should: shares of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odds {
    /// Answers that are lost.
    pub lost: f64,
    /// Answers that come late.
    pub late: f64,
    /// How late at most.
    pub latest: Duration,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It was lost.
    Lost,
    /// It came late.
    Late,
}

type Told = dyn Fn(Mishap, &'static str) + Send + Sync;

/// The gateway.
pub struct LossyGateway {
    real: Arc<dyn Gateway>,
    clock: Arc<dyn Clock>,
    odds: Odds,
    chance: Mutex<StdRng>,
    told: Box<Told>,
}

impl LossyGateway {
    /// Calls through `real`; `told` hears of every mishap, with the call's name.
    pub fn new(
        real: Arc<dyn Gateway>,
        clock: Arc<dyn Clock>,
        odds: Odds,
        seed: u64,
        told: impl Fn(Mishap, &'static str) + Send + Sync + 'static,
    ) -> Self {
        Self {
            real,
            clock,
            odds,
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
            told: Box::new(told),
        }
    }

    /// The answer of a call that was made, if it comes.
    async fn answer<T>(&self, name: &'static str, made: Result<T>) -> Result<T> {
        let answer = made?;
        let (drawn, wait) = self.draw();
        if drawn < self.odds.lost {
            (self.told)(Mishap::Lost, name);
            return Err(GatewayError::Unknown("the answer was lost".to_owned()));
        }
        if drawn < self.odds.lost + self.odds.late {
            (self.told)(Mishap::Late, name);
            self.clock.sleep(wait).await;
        }
        Ok(answer)
    }

    /// What decides, in `0..1`, and how long a late answer takes.
    fn draw(&self) -> (f64, Duration) {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        (chance.random(), self.odds.latest.mul_f64(chance.random()))
    }
}

#[async_trait]
impl Gateway for LossyGateway {
    fn home(&self) -> &Home {
        self.real.home()
    }

    async fn describe(&self, id: &WorkflowId, mark: Option<&Mark>) -> Result<Option<Latest>> {
        let made = self.real.describe(id, mark).await;
        self.answer("describe", made).await
    }

    async fn run_status(&self, id: &WorkflowId, run: &RunId) -> Result<Option<RunStatus>> {
        let made = self.real.run_status(id, run).await;
        self.answer("describe", made).await
    }

    async fn look_back(
        &self,
        id: &WorkflowId,
        mark: &Mark,
        since: Timestamp,
    ) -> Result<Option<RunId>> {
        let made = self.real.look_back(id, mark, since).await;
        self.answer("list", made).await
    }

    async fn start(&self, restart: &Restart) -> Result<Started> {
        let made = self.real.start(restart).await;
        self.answer("start", made).await
    }

    async fn read_failure(&self, run: &RunToRead) -> Result<Option<FailedRun>> {
        let made = self.real.read_failure(run).await;
        self.answer("read", made).await
    }

    async fn read_start(&self, id: &WorkflowId, run: &RunId) -> Result<Option<Vec<u8>>> {
        let made = self.real.read_start(id, run).await;
        self.answer("read", made).await
    }

    async fn count_failed(&self, window: &Window) -> Result<u64> {
        let made = self.real.count_failed(window).await;
        self.answer("list", made).await
    }

    async fn list_failed(&self, window: &Window, page: Vec<u8>) -> Result<Page> {
        let made = self.real.list_failed(window, page).await;
        self.answer("list", made).await
    }
}
