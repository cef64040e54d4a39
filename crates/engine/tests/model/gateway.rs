//! The way of one try to the simulated server, through its gate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::failure::FailureFacts;
use redrive_core::ids::{Home, RunId, WorkflowId};
use redrive_engine::gateway::{
    FailedRun, Gateway, GatewayError, Mark, Page, Restart, Result, RunToRead, Started, Window,
};

use crate::flaw::Flaw;
use crate::gate::{Gate, Kind, Pass};
use crate::sim::{History, Run};
use crate::world::{TYPE, World};

/// The gateway of one try.
pub struct SimGateway {
    pub world: Arc<World>,
    gate: Gate,
    /// What was the latest run when the order was last described, by its place, and when that was.
    pub described: Mutex<BTreeMap<WorkflowId, (usize, Timestamp)>>,
    /// Orders that are described and about to be started.
    windows: Mutex<BTreeSet<WorkflowId>>,
}

impl SimGateway {
    /// The gateway of a try with that gate.
    pub fn new(world: &Arc<World>, gate: &Gate) -> Self {
        let (world, gate) = (Arc::clone(world), gate.clone());
        Self {
            world,
            gate,
            described: Mutex::default(),
            windows: Mutex::default(),
        }
    }

    /// Whether the try is between a description and the start that follows it.
    pub fn is_about_to_start(&self) -> bool {
        !self.windows.lock().unwrap().is_empty()
    }

    async fn ask<T>(&self, name: &'static str, answer: impl FnOnce() -> T + Send) -> Result<T> {
        let permit = self.gate.enter(name, Kind::Question).await;
        permit.carry(async { Ok(answer()) }, lost, refused).await
    }

    fn answer_describe(
        &self,
        workflow_id: &WorkflowId,
        mark: Option<&Mark>,
        pass: Pass,
    ) -> Option<Latest> {
        let server = self.world.server.lock().unwrap();
        let latest = server.describe(workflow_id, mark);
        let (Some(mark), Some(history), Some(latest)) =
            (mark, server.history(workflow_id), &latest)
        else {
            return latest;
        };
        let place = history.runs.len() - 1;
        self.described
            .lock()
            .unwrap()
            .insert(workflow_id.clone(), (place, self.world.time.now()));
        self.world.note(format!(
            "    {workflow_id} is {} {}",
            latest.run_id, latest.status
        ));
        let startable = latest.status.is_failure() || latest.status.is_stop();
        let mut windows = self.windows.lock().unwrap();
        windows.remove(workflow_id);
        if pass == Pass::Act && startable && latest.run_id == mark.from_run {
            windows.insert(workflow_id.clone());
        }
        if self.world.flaw == Flaw::NoDescribe {
            let (run_id, status) = (mark.from_run.clone(), RunStatus::Failed);
            return Some(Latest {
                run_id,
                status,
                ours: false,
                ..latest.clone()
            });
        }
        Some(latest.clone())
    }

    fn act(&self, restart: &Restart) -> Started {
        let mut server = self.world.server.lock().unwrap();
        let before = server.history_mut(&restart.workflow_id).runs.clone();
        let started = server.start(restart, self.world.time.now());
        self.world.note(format!(
            "    start of {} from {}: {started:?}",
            restart.workflow_id, restart.mark.from_run
        ));
        let history = server.history_mut(&restart.workflow_id);
        if history.runs.len() > before.len() {
            self.judge(restart, history, &before);
            history.retry_asked = false;
        }
        started
    }

    fn failed_in(&self, window: &Window) -> Vec<(WorkflowId, RunId)> {
        let server = self.world.server.lock().unwrap();
        let shown = |run: &&Run| run.shown.is_some_and(RunStatus::is_failure);
        let within = |run: &&Run| {
            run.closed_at
                .is_some_and(|at| window.from <= at && at < window.to)
        };
        let mut found = Vec::new();
        for history in &server.histories {
            let runs = history.runs.iter().rev().filter(shown).filter(within);
            found.extend(runs.map(|run| (history.workflow_id.clone(), run.id.clone())));
        }
        found
    }
}

fn lost() -> GatewayError {
    GatewayError::Unknown("the model has lost it".into())
}

fn refused() -> GatewayError {
    GatewayError::Item("the model refuses it".into())
}

#[async_trait]
impl Gateway for SimGateway {
    fn home(&self) -> &Home {
        &self.world.home
    }

    async fn describe(
        &self,
        workflow_id: &WorkflowId,
        mark: Option<&Mark>,
    ) -> Result<Option<Latest>> {
        let permit = self.gate.enter("describe", Kind::Question).await;
        let answer = async { Ok(self.answer_describe(workflow_id, mark, permit.pass)) };
        permit.carry(answer, lost, refused).await
    }

    async fn run_status(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<RunStatus>> {
        self.ask("run_status", || {
            let server = self.world.server.lock().unwrap();
            server
                .history(workflow_id)
                .and_then(|history| history.run(run_id))
                .map(|run| run.status)
        })
        .await
    }

    async fn look_back(
        &self,
        workflow_id: &WorkflowId,
        mark: &Mark,
        since: Timestamp,
    ) -> Result<Option<RunId>> {
        self.ask("look_back", || {
            let mut server = self.world.server.lock().unwrap();
            let found = server.look_back(workflow_id, mark, since);
            for run in &server.history_mut(workflow_id).overlooked {
                self.world
                    .note(format!("    visibility does not show {run}"));
            }
            found.filter(|_| self.world.flaw != Flaw::NoLookBack)
        })
        .await
    }

    async fn start(&self, restart: &Restart) -> Result<Started> {
        self.check_fresh(restart);
        let permit = self.gate.enter("start", Kind::Start).await;
        self.windows.lock().unwrap().remove(&restart.workflow_id);
        permit
            .carry(async { Ok(self.act(restart)) }, lost, refused)
            .await
    }

    async fn read_failure(&self, run: &RunToRead) -> Result<Option<FailedRun>> {
        self.ask("read_failure", || {
            let server = self.world.server.lock().unwrap();
            let history = server.history(&run.workflow_id)?;
            let run = history
                .run(&run.run_id)
                .filter(|run| run.status.is_failure() && !run.has_successor)?;
            failed_run(history, run)
        })
        .await
    }

    async fn read_start(&self, _: &WorkflowId, _: &RunId) -> Result<Option<Vec<u8>>> {
        self.ask("read_start", || Some(Vec::new())).await
    }

    async fn count_failed(&self, window: &Window) -> Result<u64> {
        self.ask("count_failed", || self.failed_in(window).len() as u64)
            .await
    }

    async fn list_failed(&self, window: &Window, _: Vec<u8>) -> Result<Page> {
        self.ask("list_failed", || Page {
            runs: self
                .failed_in(window)
                .into_iter()
                .map(|(workflow_id, run_id)| RunToRead::new(workflow_id, run_id))
                .collect(),
            next: Vec::new(),
        })
        .await
    }
}

fn failed_run(history: &History, run: &Run) -> Option<FailedRun> {
    let timed_out = run.status == RunStatus::TimedOut;
    let failed = || {
        FailureFacts::application(
            "shipping_failed",
            format!("no carrier for {}", history.workflow_id),
        )
    };
    Some(FailedRun {
        workflow_id: history.workflow_id.clone(),
        workflow_type: TYPE.into(),
        run_id: run.id.clone(),
        first_run_id: history.first_of(run).id.clone(),
        timed_out,
        closed_at: run.closed_at?,
        facts: if timed_out {
            FailureFacts::run_timed_out()
        } else {
            failed()
        },
        from_run: run.from.clone(),
        has_parent: false,
        start_request: b"start".to_vec(),
    })
}
