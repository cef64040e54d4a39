//! A gateway whose calls can be made to fail, before they act or after.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::ids::{Home, RunId, WorkflowId};
use redrive_engine::gateway::{
    FailedRun, Gateway, GatewayError, Mark, Page, Restart, RunToRead, Started, Window,
};

use crate::world::World;

type Result<T> = std::result::Result<T, GatewayError>;

/// A call that is about to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Describe,
    RunStatus,
    LookBack,
    Start,
    ReadFailure,
    ReadStart,
    CountFailed,
    ListFailed,
}

/// What is to happen to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is made.
    Passes,
    /// It fails before it acts.
    Fails(GatewayError),
    /// It acts, and its answer is lost.
    LosesAnswer,
    /// Visibility shows nothing yet. Of counts and lists only.
    ShowsNothing,
}

/// A gateway over which one start acts, and nothing is answered from then on; by then it is an hour later, and too late
/// to ask.
pub fn silent_after_a_start(world: &World) -> Arc<Hooked> {
    let silent = AtomicBool::new(false);
    let clock = Arc::clone(&world.clock);
    let hook = move |call| match call {
        Call::Start if !silent.swap(true, Ordering::SeqCst) => {
            clock.advance(Duration::from_secs(3600));
            Fate::LosesAnswer
        }
        _ if silent.load(Ordering::SeqCst) => {
            Fate::Fails(GatewayError::Unknown("no answer".into()))
        }
        _ => Fate::Passes,
    };
    Hooked::new(world.gateway.clone(), hook)
}

type Hook = dyn Fn(Call) -> Fate + Send + Sync;

/// A gateway with a hook before every call.
pub struct Hooked {
    inner: Arc<dyn Gateway>,
    hook: Box<Hook>,
    /// Only before calls about this order; else before all.
    about: Option<WorkflowId>,
}

impl Hooked {
    pub fn new(
        inner: impl Gateway,
        hook: impl Fn(Call) -> Fate + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::new(inner),
            hook: Box::new(hook),
            about: None,
        })
    }

    /// The same before calls about one workflow alone.
    pub fn about(
        inner: impl Gateway,
        workflow: &str,
        hook: impl Fn(Call) -> Fate + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::new(inner),
            hook: Box::new(hook),
            about: Some(workflow.into()),
        })
    }

    async fn call<T>(
        &self,
        call: Call,
        id: &WorkflowId,
        made: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        if self.about.as_ref().is_some_and(|about| about != id) {
            return made.await;
        }
        meet((self.hook)(call), made).await
    }
}

async fn meet<T>(fate: Fate, made: impl Future<Output = Result<T>> + Send) -> Result<T> {
    match fate {
        Fate::Passes => made.await,
        Fate::Fails(error) => Err(error),
        Fate::LosesAnswer => {
            made.await?;
            Err(GatewayError::Unknown("the answer was lost".into()))
        }
        Fate::ShowsNothing => panic!("only counts and lists read visibility"),
    }
}

#[async_trait]
impl Gateway for Hooked {
    fn home(&self) -> &Home {
        self.inner.home()
    }

    async fn describe(&self, id: &WorkflowId, mark: Option<&Mark>) -> Result<Option<Latest>> {
        self.call(Call::Describe, id, self.inner.describe(id, mark))
            .await
    }

    async fn run_status(&self, id: &WorkflowId, run: &RunId) -> Result<Option<RunStatus>> {
        self.call(Call::RunStatus, id, self.inner.run_status(id, run))
            .await
    }

    async fn look_back(
        &self,
        id: &WorkflowId,
        mark: &Mark,
        since: Timestamp,
    ) -> Result<Option<RunId>> {
        self.call(Call::LookBack, id, self.inner.look_back(id, mark, since))
            .await
    }

    async fn start(&self, restart: &Restart) -> Result<Started> {
        self.call(Call::Start, &restart.workflow_id, self.inner.start(restart))
            .await
    }

    async fn read_failure(&self, run: &RunToRead) -> Result<Option<FailedRun>> {
        self.call(
            Call::ReadFailure,
            &run.workflow_id,
            self.inner.read_failure(run),
        )
        .await
    }

    async fn read_start(&self, id: &WorkflowId, run: &RunId) -> Result<Option<Vec<u8>>> {
        self.call(Call::ReadStart, id, self.inner.read_start(id, run))
            .await
    }

    async fn count_failed(&self, window: &Window) -> Result<u64> {
        if self.about.is_some() {
            return self.inner.count_failed(window).await;
        }
        match (self.hook)(Call::CountFailed) {
            Fate::ShowsNothing => Ok(0),
            fate => meet(fate, self.inner.count_failed(window)).await,
        }
    }

    async fn list_failed(&self, window: &Window, page: Vec<u8>) -> Result<Page> {
        if self.about.is_some() {
            return self.inner.list_failed(window, page).await;
        }
        match (self.hook)(Call::ListFailed) {
            Fate::ShowsNothing => Ok(Page::default()),
            fate => meet(fate, self.inner.list_failed(window, page)).await,
        }
    }
}
