//! What there is to compare: Temporal's runs and the warehouse's log on one side, the ledger's books on the other.
//!
//! *Chain*: the runs that one start made, by retry policy, continue-as-new or reset; all carry the id of the chain's
//! *first run*. *Restart*: a first run with our memo. *Latest run*: the one that the workflow id names now.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use redrive_core::decide::RunStatus;
use redrive_core::ids::{RunId, WorkflowId};
use redrive_engine::gateway::RestartMemo;
use redrive_fulfillment::Performed;
use redrive_ledger::{BatchRow, Story};

/// One run of a watched type, as Temporal describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The order's workflow id.
    pub workflow_id: WorkflowId,
    /// The run.
    pub run_id: RunId,
    /// The first run of its chain.
    pub first_run_id: RunId,
    /// How it stands.
    pub status: RunStatus,
    /// When it started.
    pub started_at: Timestamp,
    /// What our memo on it says.
    pub memo: Option<RestartMemo>,
}

impl Run {
    /// What our memo says of a run that a restart of ours has begun; `None` for every other run.
    pub fn restart(&self) -> Option<&RestartMemo> {
        self.memo
            .as_ref()
            .filter(|_| self.run_id == self.first_run_id)
    }
}

/// What happened, by the witnesses that Redrive does not write.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// Every run of the watched types.
    pub runs: Vec<Run>,
    /// The latest run of every order.
    pub latest: BTreeMap<WorkflowId, RunId>,
    /// Every stage that the warehouse has done.
    pub performed: Vec<Performed>,
}

/// What the ledger says happened.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Every order, with its attempts and the verdicts of batches.
    pub stories: Vec<Story>,
    /// Every batch.
    pub batches: Vec<BatchRow>,
}

impl Records {
    /// Every restart with its memo, in the order of their starts.
    pub fn restarts(&self) -> Vec<(&Run, &RestartMemo)> {
        let mut restarts: Vec<_> = self
            .runs
            .iter()
            .filter_map(|run| Some((run, run.restart()?)))
            .collect();
        restarts.sort_by_key(|(run, _)| run.started_at);
        restarts
    }

    /// The runs by their ids.
    pub fn by_id(&self) -> HashMap<&RunId, &Run> {
        self.runs.iter().map(|run| (&run.run_id, run)).collect()
    }

    /// The latest run of every order, where it is known.
    pub fn latest_runs(&self) -> impl Iterator<Item = &Run> {
        let by_id = self.by_id();
        self.latest
            .values()
            .filter_map(move |run| by_id.get(run).copied())
    }
}

impl Books {
    /// The orders' stories by workflow id.
    pub fn by_order(&self) -> HashMap<&WorkflowId, &Story> {
        self.stories
            .iter()
            .map(|story| (&story.order.workflow_id, story))
            .collect()
    }
}
