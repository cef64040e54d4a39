//! The simulated warehouse: does the stages of orders or refuses them, by its fault plan, and writes down both.
//!
//! Its state is a folder: `plan.json` (the plan and when it started), `performed.jsonl` (every stage it did: the
//! audit's witness), `failed-runs.jsonl` (every run it refused, once), `released-<stage>` (outages that were ended by
//! hand). Several processes may share it, and any of them may be killed at any moment.
//!
//! A stage is done once a run: a second try of a stage that is done (its answer was lost) is answered, not done again.

mod files;
mod memory;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Class, FaultPlan, Stage, faults::Verdict, messages};

pub use files::{WarehouseError, load_performed};
use memory::Memory;

/// One line of the log: a stage that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Performed {
    /// When.
    pub at: Timestamp,
    /// For which order.
    pub order_id: String,
    /// Its workflow id.
    pub workflow_id: String,
    /// By which run.
    pub run_id: String,
    /// The first run of that run's chain (retry policy, continue-as-new).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_run_id: Option<String>,
    /// What was done.
    pub stage: Stage,
    /// Which try of the activity did it, from 1.
    pub attempt: u32,
}

/// One stage asked for by one try of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageCall {
    /// For which order.
    pub order_id: String,
    /// Its workflow id.
    pub workflow_id: String,
    /// By which run.
    pub run_id: String,
    /// The first run of that run's chain.
    pub first_run_id: Option<String>,
    /// What.
    pub stage: Stage,
    /// Which try of the activity, from 1.
    pub attempt: u32,
}

/// What came of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done and written down.
    Done {
        /// Whether the plan wants the run to continue as new now.
        continue_as_new: bool,
    },
    /// It was refused.
    Refused {
        /// What the warehouse says.
        message: String,
        /// Whether another try may be worth it.
        retryable: bool,
    },
    /// It will not end before the run's timeout.
    Stuck,
}

/// The warehouse, as one process sees it.
pub struct Warehouse {
    dir: PathBuf,
    plan: FaultPlan,
    classes: HashMap<String, Class>,
    started_at: Timestamp,
    memory: Mutex<Memory>,
}

impl Warehouse {
    /// Makes a warehouse in `dir` that follows `plan` from `started_at` on.
    ///
    /// # Errors
    /// If the folder has a plan already, or cannot be written to.
    pub fn create(
        dir: &Path,
        plan: &FaultPlan,
        started_at: Timestamp,
    ) -> Result<Self, WarehouseError> {
        files::write_plan(dir, plan, started_at)?;
        Self::open(dir)
    }

    /// Opens the warehouse that [`Warehouse::create`] made in `dir`, maybe in another process.
    ///
    /// # Errors
    /// If there is none, or its files cannot be read.
    pub fn open(dir: &Path) -> Result<Self, WarehouseError> {
        let (plan, started_at) = files::read_plan(dir)?;
        let classes = plan
            .orders
            .iter()
            .map(|order| (order.order_id.clone(), order.class.clone()))
            .collect();
        Ok(Self {
            dir: dir.to_owned(),
            plan,
            classes,
            started_at,
            memory: Mutex::new(Memory::open(dir)?),
        })
    }

    /// The plan it follows.
    #[must_use]
    pub fn plan(&self) -> &FaultPlan {
        &self.plan
    }

    /// Ends the outage of `stage` now, for every process that shares the folder.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn release(&self, stage: Stage) -> Result<(), WarehouseError> {
        files::release(&self.dir, stage)
    }

    /// Every stage done so far, by any process.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn performed(&self) -> Result<Vec<Performed>, WarehouseError> {
        load_performed(&self.dir)
    }

    /// Does one stage, or refuses it. An order that the plan does not know succeeds.
    ///
    /// # Errors
    /// If the folder's files cannot be read or written; the stage is not done then.
    pub fn perform(&self, call: &StageCall, at: Timestamp) -> Result<Outcome, WarehouseError> {
        let mut memory = self.memory();
        memory.refresh()?;
        match self.decide(&memory, call, at) {
            Verdict::Perform { continue_as_new } => {
                memory.record_performed(call, at)?;
                Ok(Outcome::Done { continue_as_new })
            }
            Verdict::Fail { cause, retryable } => {
                memory.record_refused(call, at)?;
                let message = messages::message(
                    call.stage,
                    cause,
                    &call.order_id,
                    &call.run_id,
                    call.attempt,
                    at,
                );
                Ok(Outcome::Refused { message, retryable })
            }
            Verdict::Hang => {
                memory.record_refused(call, at)?;
                Ok(Outcome::Stuck)
            }
        }
    }

    fn decide(&self, memory: &Memory, call: &StageCall, at: Timestamp) -> Verdict {
        let class = self.classes.get(&call.order_id).unwrap_or(&Class::Smooth);
        if memory.has_performed(call) {
            return Verdict::Perform {
                continue_as_new: class.continues_after(call.stage),
            };
        }
        let story = memory.story(&call.order_id, &call.run_id);
        class.verdict(call.stage, story, self.is_down(call.stage, at))
    }

    fn is_down(&self, stage: Stage, at: Timestamp) -> bool {
        let elapsed = at.duration_since(self.started_at).as_millis().max(0);
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.plan
            .outages
            .get(&stage)
            .is_some_and(|window| window.is_down(elapsed, files::is_released(&self.dir, stage)))
    }

    /// What a panicking thread left is still true: it only appends.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
