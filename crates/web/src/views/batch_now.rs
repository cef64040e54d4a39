//! How a batch stands while somebody looks on, and how it ended.

use std::time::Duration;

use redrive_core::report::ReprocessingResult;
use redrive_engine::ops::{Ops, OpsError, RunRequest, Running};
use redrive_ledger::Halt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Workers;

// Not the workflow's own type: that takes an answer of another version, which may lack something; this one promises all of it.
/// What a batch does: what its workflow says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The batch.
    pub batch_id: String,
    /// What it is doing: `opening`, `adopting`, `scanning`, `settling`, `restarting` or `recording`.
    #[schema(example = "restarting")]
    pub phase: String,
    /// Chunks begun.
    pub chunks_started: u32,
    /// Chunks ended.
    pub chunks_done: u32,
    /// Orders claimed by the chunks that ended.
    pub claimed: u64,
    /// Whether an operator paused it.
    pub paused: bool,
    /// Whether an operator stopped it.
    pub stopping: bool,
}

impl From<redrive_engine::ops::Progress> for Progress {
    fn from(now: redrive_engine::ops::Progress) -> Self {
        Self {
            batch_id: now.batch_id,
            phase: now.phase,
            chunks_started: now.chunks_started,
            chunks_done: now.chunks_done,
            claimed: now.claimed,
            paused: now.paused,
            stopping: now.stopping,
        }
    }
}

/// How a batch stands: what it does and what is left to it, or its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchNow {
    /// Its workflow.
    pub workflow_id: String,
    /// The batch.
    pub batch_id: String,
    /// Its result, once it has ended well.
    pub result: Option<ReprocessingResult>,
    /// Why it did not end well, or cannot be followed.
    pub error: Option<String>,
    /// What it does, where it runs and its worker answers.
    pub progress: Option<Progress>,
    /// Its numbers so far, where it runs and a worker has begun it.
    pub so_far: Option<ReprocessingResult>,
    /// How many orders are left to it, as far as is known: those that it has claimed, and those that are due.
    pub left: Option<u64>,
    /// Who works; only while it runs, and where Temporal tells.
    pub workers: Option<Workers>,
    /// Whether starts are halted, by whom and why.
    pub halted: Option<Halt>,
}

impl BatchNow {
    /// The batch of that workflow id or batch id, as soon as it has ended, or after so long. What is left to it is counted for
    /// these failure statuses; without any for those of the policy.
    pub async fn look(
        ops: &Ops,
        id: &str,
        failure_statuses: Vec<String>,
        patience: Duration,
    ) -> Result<Self, OpsError> {
        let standing = ops.follow(id, patience).await?;
        let batch = standing.batch;
        let mut now = Self {
            workflow_id: batch.workflow_id.clone(),
            batch_id: batch.batch_id.clone(),
            result: None,
            error: None,
            progress: None,
            so_far: None,
            left: None,
            workers: None,
            halted: ops.records.halted().await?,
        };
        match standing.end {
            Some(Ok(result)) => now.result = Some(result),
            Some(Err(error)) => now.error = Some(error),
            None => now.while_it_runs(ops, &batch, failure_statuses).await,
        }
        Ok(now)
    }

    async fn while_it_runs(&mut self, ops: &Ops, batch: &Running, failure_statuses: Vec<String>) {
        let request = RunRequest {
            failure_statuses,
            ..RunRequest::default()
        };
        let (progress, so_far, left, who) = tokio::join!(
            ops.progress(batch),
            ops.counts(&batch.batch_id),
            ops.left_to(batch, &request),
            Workers::look(ops),
        );
        self.progress = progress.map(Progress::from);
        // One that no worker has begun has no numbers.
        self.so_far = so_far.ok();
        self.left = left.ok();
        self.workers = who.ok();
    }

    /// Whether it goes on.
    pub fn goes_on(&self) -> bool {
        self.result.is_none() && self.error.is_none()
    }
}
