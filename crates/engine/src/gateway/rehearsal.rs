//! The way to Temporal of a rehearsal: what it asks, the server answers; what it starts, it only remembers.
//!
//! An order that was started here runs from then on, as far as the rehearsal can tell: nobody knows how it would end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::ids::{Home, RunId, WorkflowId};

use super::{FailedRun, Gateway, Mark, Page, Restart, Result, RunToRead, Started, Window};
use crate::clock::Clock;

/// A gateway that starts nothing.
pub struct RehearsalGateway {
    real: Arc<dyn Gateway>,
    clock: Arc<dyn Clock>,
    started: Mutex<HashMap<WorkflowId, MadeUp>>,
}

/// A run that would have been started.
#[derive(Debug, Clone)]
struct MadeUp {
    run: RunId,
    mark: Mark,
    at: Timestamp,
}

impl RehearsalGateway {
    /// Reads through `real`.
    pub fn new(real: Arc<dyn Gateway>, clock: Arc<dyn Clock>) -> Self {
        Self {
            real,
            clock,
            started: Mutex::default(),
        }
    }

    fn made_up(&self, workflow_id: &WorkflowId) -> Option<MadeUp> {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.get(workflow_id).cloned()
    }
}

#[async_trait]
impl Gateway for RehearsalGateway {
    fn home(&self) -> &Home {
        self.real.home()
    }

    async fn describe(
        &self,
        workflow_id: &WorkflowId,
        mark: Option<&Mark>,
    ) -> Result<Option<Latest>> {
        let Some(made_up) = self.made_up(workflow_id) else {
            return self.real.describe(workflow_id, mark).await;
        };
        Ok(Some(Latest {
            run_id: made_up.run.clone(),
            first_run_id: made_up.run,
            status: RunStatus::Running,
            started_at: made_up.at,
            closed_at: None,
            ours: mark == Some(&made_up.mark),
        }))
    }

    async fn run_status(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<RunStatus>> {
        match self.made_up(workflow_id) {
            Some(made_up) if made_up.run == *run_id => Ok(Some(RunStatus::Running)),
            _ => self.real.run_status(workflow_id, run_id).await,
        }
    }

    async fn look_back(
        &self,
        workflow_id: &WorkflowId,
        mark: &Mark,
        since: Timestamp,
    ) -> Result<Option<RunId>> {
        match self.made_up(workflow_id) {
            Some(made_up) if made_up.mark == *mark => Ok(Some(made_up.run)),
            _ => self.real.look_back(workflow_id, mark, since).await,
        }
    }

    /// Answers with a run id that no server gives, and calls nobody.
    async fn start(&self, restart: &Restart) -> Result<Started> {
        let run = RunId::from(format!("rehearsal-{}", restart.mark.request_id));
        let made_up = MadeUp {
            run: run.clone(),
            mark: restart.mark.clone(),
            at: self.clock.now(),
        };
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.insert(restart.workflow_id.clone(), made_up);
        Ok(Started::Run(run))
    }

    async fn read_failure(&self, run: &RunToRead) -> Result<Option<FailedRun>> {
        self.real.read_failure(run).await
    }

    async fn read_start(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<Vec<u8>>> {
        self.real.read_start(workflow_id, run_id).await
    }

    async fn count_failed(&self, window: &Window) -> Result<u64> {
        self.real.count_failed(window).await
    }

    async fn list_failed(&self, window: &Window, page: Vec<u8>) -> Result<Page> {
        self.real.list_failed(window, page).await
    }
}
