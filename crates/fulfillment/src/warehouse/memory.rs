//! What a warehouse knows of stages done and runs refused: the two logs, read as they grow.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Performed, StageCall, WarehouseError,
    files::{failed_runs_path, performed_path},
};
use crate::{Stage, faults::RunStory, json_lines::JsonLines};

/// One line of the failed runs: written when the warehouse first refuses a run.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailedRun {
    at: Timestamp,
    order_id: String,
    run_id: String,
    stage: Stage,
}

/// The two logs and what is in them.
pub(super) struct Memory {
    performed_log: JsonLines<Performed>,
    failed_log: JsonLines<FailedRun>,
    performed: HashSet<(String, Stage)>,
    failed: HashMap<String, HashSet<String>>,
}

impl Memory {
    pub(super) fn open(dir: &Path) -> Result<Self, WarehouseError> {
        Ok(Self {
            performed_log: JsonLines::open(&performed_path(dir))?,
            failed_log: JsonLines::open(&failed_runs_path(dir))?,
            performed: HashSet::new(),
            failed: HashMap::new(),
        })
    }

    /// Takes in what any process has written since the last time.
    pub(super) fn refresh(&mut self) -> Result<(), WarehouseError> {
        for line in self.performed_log.read_new()? {
            self.performed.insert((line.run_id, line.stage));
        }
        for line in self.failed_log.read_new()? {
            let runs = self.failed.entry(line.order_id).or_default();
            runs.insert(line.run_id);
        }
        Ok(())
    }

    pub(super) fn story(&self, order_id: &str, run_id: &str) -> RunStory {
        let runs = self.failed.get(order_id);
        let failed = runs.is_some_and(|runs| runs.contains(run_id));
        let all = runs.map_or(0, HashSet::len);
        RunStory {
            failed_before: u32::try_from(all).unwrap_or(u32::MAX) - u32::from(failed),
            failed,
        }
    }

    pub(super) fn has_performed(&self, call: &StageCall) -> bool {
        self.performed.contains(&(call.run_id.clone(), call.stage))
    }

    /// Writes down that a stage was done, once for every run.
    pub(super) fn record_performed(
        &mut self,
        call: &StageCall,
        at: Timestamp,
    ) -> Result<(), WarehouseError> {
        if self.has_performed(call) {
            return Ok(());
        }
        self.performed_log.append(&Performed {
            at,
            order_id: call.order_id.clone(),
            workflow_id: call.workflow_id.clone(),
            run_id: call.run_id.clone(),
            first_run_id: call.first_run_id.clone(),
            stage: call.stage,
            attempt: call.attempt,
        })
    }

    /// Writes down that a run was refused, once for every run.
    pub(super) fn record_refused(
        &mut self,
        call: &StageCall,
        at: Timestamp,
    ) -> Result<(), WarehouseError> {
        if self.story(&call.order_id, &call.run_id).failed {
            return Ok(());
        }
        self.failed_log.append(&FailedRun {
            at,
            order_id: call.order_id.clone(),
            run_id: call.run_id.clone(),
            stage: call.stage,
        })
    }
}
