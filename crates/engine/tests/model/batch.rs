//! A batch: the workflow that runs one activity after the other, tries each again, and goes on without a scan or settle
//! that fails; here as plain data.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_core::decide::BatchRules;
use redrive_core::ids::{BatchId, WorkflowId};
use redrive_engine::EngineError;
use redrive_flows::activities::{Chunk, Phase};
use redrive_ledger::{BatchEnd, BatchOpening};

use crate::activity::{Done, Job};

/// Tries of an activity that fails.
const TRIES: u32 = 2;
/// How long a batch may take.
const TIME: SignedDuration = SignedDuration::from_mins(5);
/// Chunks of a batch.
const CHUNKS: u32 = 3;

/// What a batch does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Open,
    Adopt,
    Scan,
    Settle,
    Chunk(u32),
    Finish,
    /// Nothing is left but for its workflow to complete.
    Over,
}

/// A batch.
#[derive(Debug)]
pub struct Batch {
    pub id: BatchId,
    pub workflow_id: WorkflowId,
    /// Its workflow runs.
    pub open: bool,
    pub stage: Stage,
    /// The try that it waits for, by its number.
    pub current: Option<u64>,
    /// Its row's end, as far as it is known.
    pub end: BatchEnd,
    failures: u32,
    started_at: Timestamp,
    due_by: Timestamp,
    limit: u32,
    only: Option<WorkflowId>,
}

impl Batch {
    /// A batch that begins now, with chunks of so many orders; for one order only, it neither adopts nor looks around.
    pub fn new(number: usize, limit: u32, only: Option<WorkflowId>, now: Timestamp) -> Self {
        Self {
            id: BatchId::new(format!("b{number}")),
            workflow_id: WorkflowId::new(format!("batch-{number}")),
            open: true,
            stage: Stage::Open,
            current: None,
            end: BatchEnd::default(),
            failures: 0,
            started_at: now,
            due_by: now,
            limit,
            only,
        }
    }

    /// The job of its next activity.
    pub fn job(&self) -> Option<Job> {
        let (batch, ends_at) = (self.id.clone(), self.started_at + TIME);
        let phase = Phase {
            batch: batch.clone(),
            ends_at,
        };
        Some(match self.stage {
            Stage::Open => {
                let workflow_id = self.workflow_id.to_string();
                Job::Open(BatchOpening {
                    batch,
                    workflow_id,
                    started_at: self.started_at,
                    one_order: self.only.is_some(),
                })
            }
            Stage::Adopt => Job::Adopt(phase),
            Stage::Scan => Job::Scan(phase),
            Stage::Settle => Job::Settle(phase),
            Stage::Chunk(chunk) => Job::Chunk(Chunk {
                batch,
                chunk,
                limit: self.limit,
                due_by: self.due_by,
                stops_at: ends_at,
                rules: BatchRules::default(),
                only: self.only.clone(),
                operation: None,
            }),
            Stage::Finish => Job::Finish(batch, self.end.clone()),
            Stage::Over => return None,
        })
    }

    /// The try it waited for has ended.
    pub fn hear(&mut self, result: Result<Done, EngineError>) {
        self.current = None;
        match result {
            Ok(done) => {
                self.failures = 0;
                self.stage = self.after(&done);
            }
            Err(error) => {
                self.failures += 1;
                if self.failures == TRIES {
                    self.failures = 0;
                    self.give_up(&error);
                }
            }
        }
    }

    fn after(&mut self, done: &Done) -> Stage {
        match (self.stage, done) {
            (Stage::Open, _) if self.only.is_some() => Stage::Chunk(0),
            (Stage::Open, _) => Stage::Adopt,
            (Stage::Adopt, _) => Stage::Scan,
            (Stage::Scan, _) => Stage::Settle,
            (Stage::Settle, Done::Settled(due_by)) => {
                self.due_by = *due_by;
                Stage::Chunk(0)
            }
            (Stage::Chunk(chunk), Done::Chunk(report)) => {
                self.end.truncated |= report.stopped.is_some();
                let last =
                    report.claimed < self.limit || report.stopped.is_some() || chunk + 1 == CHUNKS;
                if last {
                    Stage::Finish
                } else {
                    Stage::Chunk(chunk + 1)
                }
            }
            (_, _) => Stage::Over,
        }
    }

    fn give_up(&mut self, error: &EngineError) {
        match self.stage {
            Stage::Scan => {
                self.end.scan_failed = true;
                self.stage = Stage::Settle;
            }
            Stage::Settle => {
                self.end.settle_failed = true;
                self.stage = Stage::Chunk(0);
            }
            Stage::Open | Stage::Finish => self.stage = Stage::Over,
            _ => {
                self.end.error = Some(error.to_string());
                self.end.truncated = true;
                self.stage = Stage::Finish;
            }
        }
    }

    /// Longer than any batch: whatever was due then is due now.
    pub fn longest() -> Duration {
        Duration::try_from(TIME).unwrap() * 2
    }
}
