//! A gateway whose starts take longer, as those of a server far away do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::ids::{Home, RunId, WorkflowId};
use redrive_engine::gateway::{
    FailedRun, Gateway, Mark, Page, Restart, Result, RunToRead, Started, Window,
};
use redrive_engine::{Clock, SystemClock};

/// The gateway that it delays.
pub(crate) struct Delayed {
    inner: Arc<dyn Gateway>,
    delay: Duration,
}

impl Delayed {
    /// Delays every start.
    pub fn new(inner: Arc<dyn Gateway>, delay: Duration) -> Self {
        Self { inner, delay }
    }
}

#[async_trait]
impl Gateway for Delayed {
    fn home(&self) -> &Home {
        self.inner.home()
    }

    async fn describe(&self, id: &WorkflowId, mark: Option<&Mark>) -> Result<Option<Latest>> {
        self.inner.describe(id, mark).await
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
        self.inner.look_back(id, mark, since).await
    }

    async fn start(&self, restart: &Restart) -> Result<Started> {
        SystemClock.sleep(self.delay).await;
        self.inner.start(restart).await
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
