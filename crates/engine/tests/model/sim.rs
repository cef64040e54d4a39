//! The simulated server: the runs of a few workflow ids, under the server's own rules for starts, and what visibility
//! shows of them so far.
//!
//! A *history* is all runs of one workflow id. A *first run* begins a chain; retries, continue-as-new and resets go on in
//! the same chain. A run is *shown* with the status that visibility knows, if it knows the run at all.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::ids::{BatchId, RunId, WorkflowId};
use redrive_engine::gateway::{Mark, Restart, Started};
use uuid::Uuid;

/// One run.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: RunId,
    /// The index of its chain's first run.
    pub first: usize,
    pub request: Uuid,
    /// The failed run that our memo names; a chain hands it on.
    pub from: Option<RunId>,
    pub status: RunStatus,
    /// Its chain went on by itself.
    pub has_successor: bool,
    pub started_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub shown: Option<RunStatus>,
}

/// How a running run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Completes,
    Fails,
    TimesOut,
    /// Fails, and its retry policy starts the next run of the chain.
    Retries,
    ContinuesAsNew,
}

/// All runs of one workflow id, oldest first.
#[derive(Debug, Clone)]
pub struct History {
    pub workflow_id: WorkflowId,
    pub runs: Vec<Run>,
    /// An operator's retry may start this order even after a stop.
    pub retry_asked: bool,
    /// First runs of ours that a look-back did not see, as visibility lagged.
    pub overlooked: BTreeSet<RunId>,
}

/// The server.
#[derive(Debug, Default)]
pub struct Server {
    pub histories: Vec<History>,
    /// The workflows of batches: their first runs, and how they stand.
    pub batches: BTreeMap<WorkflowId, (BatchId, RunStatus)>,
    requests: u128,
}

impl History {
    /// The latest run.
    pub fn latest(&self) -> &Run {
        self.runs.last().expect("a history begins with a run")
    }

    /// The first runs of ours.
    pub fn ours(&self) -> impl Iterator<Item = &Run> {
        let firsts = self
            .runs
            .iter()
            .enumerate()
            .filter(|(at, run)| run.first == *at);
        firsts.map(|(_, run)| run).filter(|run| run.from.is_some())
    }

    /// The run of that id.
    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == *id)
    }

    /// The first run of a run's chain.
    pub fn first_of(&self, run: &Run) -> &Run {
        &self.runs[run.first]
    }

    fn add(&mut self, first: Option<usize>, request: Uuid, from: Option<RunId>, now: Timestamp) {
        let at = self.runs.len();
        self.runs.push(Run {
            id: RunId::new(format!("{}/r{at}", self.workflow_id)),
            first: first.unwrap_or(at),
            request,
            from,
            status: RunStatus::Running,
            has_successor: false,
            started_at: now,
            closed_at: None,
            shown: None,
        });
    }

    fn close(&mut self, status: RunStatus, now: Timestamp) {
        let run = self.runs.last_mut().expect("a history begins with a run");
        run.status = status;
        run.closed_at = Some(now);
    }

    fn matches(&self, run: &Run, mark: &Mark) -> bool {
        run.from.as_ref() == Some(&mark.from_run) || self.first_of(run).request == mark.request_id
    }
}

impl Server {
    fn request(&mut self) -> Uuid {
        self.requests += 1;
        Uuid::from_u128(self.requests)
    }

    /// A new order, running.
    pub fn order(&mut self, workflow_id: WorkflowId, now: Timestamp) {
        let request = self.request();
        let mut history = History {
            workflow_id,
            runs: Vec::new(),
            retry_asked: false,
            overlooked: BTreeSet::new(),
        };
        history.add(None, request, None, now);
        self.histories.push(history);
    }

    /// The history of a workflow id.
    pub fn history(&self, workflow_id: &WorkflowId) -> Option<&History> {
        self.histories
            .iter()
            .find(|history| history.workflow_id == *workflow_id)
    }

    /// The history of a workflow id, to be changed.
    pub fn history_mut(&mut self, workflow_id: &WorkflowId) -> &mut History {
        let mut all = self.histories.iter_mut();
        all.find(|history| history.workflow_id == *workflow_id)
            .expect("only known orders are handled")
    }

    /// `DescribeWorkflowExecution` without a run id.
    pub fn describe(&self, workflow_id: &WorkflowId, mark: Option<&Mark>) -> Option<Latest> {
        if let Some((batch, status)) = self.batches.get(workflow_id) {
            let run = RunId::from(batch.as_str());
            let started_at = Timestamp::UNIX_EPOCH;
            let (run_id, first_run_id) = (run.clone(), run);
            return Some(Latest {
                run_id,
                first_run_id,
                status: *status,
                started_at,
                closed_at: None,
                ours: false,
            });
        }
        let history = self.history(workflow_id)?;
        let latest = history.latest();
        Some(Latest {
            run_id: latest.id.clone(),
            first_run_id: history.first_of(latest).id.clone(),
            status: latest.status,
            started_at: latest.started_at,
            closed_at: latest.closed_at,
            ours: mark.is_some_and(|mark| history.matches(latest, mark)),
        })
    }

    /// `StartWorkflowExecution` with reuse ALLOW_DUPLICATE_FAILED_ONLY and conflict FAIL. A request id is remembered only
    /// while its run is the latest.
    pub fn start(&mut self, restart: &Restart, now: Timestamp) -> Started {
        let history = self.history_mut(&restart.workflow_id);
        let latest = history.latest();
        if latest.request == restart.mark.request_id {
            return Started::Run(latest.id.clone());
        }
        if !latest.status.is_failure() && !latest.status.is_stop() {
            return Started::Conflict;
        }
        history.add(
            None,
            restart.mark.request_id,
            Some(restart.mark.from_run.clone()),
            now,
        );
        Started::Run(history.latest().id.clone())
    }

    /// The first run of the newest chain with the mark's memo that visibility shows to have started since then.
    pub fn look_back(
        &mut self,
        workflow_id: &WorkflowId,
        mark: &Mark,
        since: Timestamp,
    ) -> Option<RunId> {
        let history = self.history_mut(workflow_id);
        let ours =
            |run: &&Run| run.from.as_ref() == Some(&mark.from_run) && run.started_at >= since;
        let found = history
            .runs
            .iter()
            .rev()
            .filter(|run| run.shown.is_some())
            .find(ours);
        let found = found.map(|run| history.first_of(run).id.clone());
        if found.is_none() {
            let hidden = history
                .runs
                .iter()
                .find(ours)
                .map(|run| history.first_of(run).id.clone());
            history.overlooked.extend(hidden);
        }
        found
    }

    /// The running run ends.
    pub fn end(&mut self, workflow_id: &WorkflowId, end: End, now: Timestamp) {
        let request = self.request();
        let history = self.history_mut(workflow_id);
        history.close(end.status(), now);
        if matches!(end, End::Retries | End::ContinuesAsNew) {
            let closed = history
                .runs
                .last_mut()
                .expect("a history begins with a run");
            closed.has_successor = true;
            let (first, from) = (closed.first, closed.from.clone());
            history.add(Some(first), request, from, now);
        }
    }

    /// A person ends the running run.
    pub fn stop(&mut self, workflow_id: &WorkflowId, status: RunStatus, now: Timestamp) {
        self.history_mut(workflow_id).close(status, now);
    }

    /// A person starts the order by hand.
    pub fn start_by_hand(&mut self, workflow_id: &WorkflowId, now: Timestamp) {
        let request = self.request();
        self.history_mut(workflow_id).add(None, request, None, now);
    }

    /// A person resets a run: the latest one is terminated if it runs, and the base's chain goes on.
    pub fn reset(&mut self, workflow_id: &WorkflowId, base: usize, now: Timestamp) {
        let request = self.request();
        let history = self.history_mut(workflow_id);
        if history.latest().status == RunStatus::Running {
            history.close(RunStatus::Terminated, now);
        }
        let (first, from) = (history.runs[base].first, history.runs[base].from.clone());
        history.add(Some(first), request, from, now);
    }
}

impl End {
    fn status(self) -> RunStatus {
        match self {
            Self::Completes => RunStatus::Completed,
            Self::Fails | Self::Retries => RunStatus::Failed,
            Self::TimesOut => RunStatus::TimedOut,
            Self::ContinuesAsNew => RunStatus::ContinuedAsNew,
        }
    }
}
