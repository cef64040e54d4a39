//! A worker's way to Temporal: the real one, with a flaw, and with a rein by which a test holds it.

use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::ids::{Home, RunId, WorkflowId};
use redrive_engine::gateway::{
    FailedRun, Gateway, Mark, Page, Restart, Result, RunToRead, Started, TemporalGateway, Window,
};
use redrive_engine::{Clock, SystemClock};
use tokio::sync::oneshot::{self, Receiver, Sender};

use crate::Flaw;

/// What happens to a worker, once.
pub enum Rein {
    /// Its start is made, and it never hears of it: it is dead.
    Dies(Sender<()>),
    /// Its start is made, and it hears of it when it is let.
    HearsLate(Sender<()>, Receiver<()>),
    /// It hangs before it starts anything, until it is let.
    Hangs(Sender<()>, Receiver<()>),
}

/// How a test holds a rein.
pub struct Held {
    come: Receiver<()>,
    go: Option<Sender<()>>,
}

impl Held {
    /// Until the worker has come to it.
    pub async fn has_come(&mut self) {
        (&mut self.come)
            .await
            .expect("the worker comes to its start");
    }

    /// Lets it go.
    pub fn go(mut self) {
        self.go
            .take()
            .expect("this rein lets go")
            .send(())
            .expect("the worker waits");
    }
}

/// A rein that kills.
pub fn dies() -> (Rein, Held) {
    let (here, come) = oneshot::channel();
    (Rein::Dies(here), Held { come, go: None })
}

/// A rein that holds the answer back.
pub fn hears_late() -> (Rein, Held) {
    let ((here, come), (go, wait)) = (oneshot::channel(), oneshot::channel());
    (Rein::HearsLate(here, wait), Held { come, go: Some(go) })
}

/// A rein that holds the whole worker back.
pub fn hangs() -> (Rein, Held) {
    let ((here, come), (go, wait)) = (oneshot::channel(), oneshot::channel());
    (Rein::Hangs(here, wait), Held { come, go: Some(go) })
}

/// The way of one worker.
pub struct Reined {
    pub inner: TemporalGateway,
    pub flaw: Flaw,
    pub rein: Mutex<Option<Rein>>,
}

impl Reined {
    /// The rein, if it is one for a start, or one for what comes before.
    fn rein(&self, of_start: bool) -> Option<Rein> {
        let mut rein = self.rein.lock().unwrap();
        rein.take_if(|rein| of_start != matches!(rein, Rein::Hangs(..)))
    }
}

#[async_trait]
impl Gateway for Reined {
    fn home(&self) -> &Home {
        self.inner.home()
    }

    async fn describe(&self, id: &WorkflowId, mark: Option<&Mark>) -> Result<Option<Latest>> {
        match mark {
            Some(mark) if self.flaw == Flaw::NoDescribe => Ok(Some(Latest {
                run_id: mark.from_run.clone(),
                first_run_id: mark.from_run.clone(),
                status: RunStatus::Failed,
                started_at: SystemClock.now(),
                closed_at: Some(SystemClock.now()),
                ours: false,
            })),
            Some(_) => {
                let described = self.inner.describe(id, mark).await;
                if let Some(Rein::Hangs(here, go)) = self.rein(false) {
                    let _ = here.send(());
                    let _ = go.await;
                }
                described
            }
            None => self.inner.describe(id, mark).await,
        }
    }

    async fn run_status(&self, id: &WorkflowId, run: &RunId) -> Result<Option<RunStatus>> {
        self.inner.run_status(id, run).await
    }

    async fn look_back(
        &self,
        id: &WorkflowId,
        mark: &Mark,
        since: Timestamp,
    ) -> Result<Option<RunId>> {
        match self.flaw {
            Flaw::NoLookBack => Ok(None),
            _ => self.inner.look_back(id, mark, since).await,
        }
    }

    async fn start(&self, restart: &Restart) -> Result<Started> {
        let rein = self.rein(true);
        let started = self.inner.start(restart).await;
        match rein {
            Some(Rein::Dies(here)) => {
                let _ = here.send(());
                std::future::pending().await
            }
            Some(Rein::HearsLate(here, go)) => {
                let _ = here.send(());
                let _ = go.await;
                started
            }
            Some(Rein::Hangs(..)) | None => started,
        }
    }

    async fn read_failure(&self, run: &RunToRead) -> Result<Option<FailedRun>> {
        self.inner.read_failure(run).await
    }

    async fn read_start(&self, id: &WorkflowId, run: &RunId) -> Result<Option<Vec<u8>>> {
        self.inner.read_start(id, run).await
    }

    async fn count_failed(&self, window: &Window) -> Result<u64> {
        self.inner.count_failed(window).await
    }

    async fn list_failed(&self, window: &Window, page: Vec<u8>) -> Result<Page> {
        self.inner.list_failed(window, page).await
    }
}
