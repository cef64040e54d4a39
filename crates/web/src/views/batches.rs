//! Starting batches, and telling them what to do.

use redrive_core::ids::WorkflowId;
use redrive_engine::ops::{Control, Controlled, Ops, OpsError, RunRequest, Tell};
use redrive_ledger::NewAuditEvent;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Progress, Workers};

/// What a batch is started with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewBatch {
    /// At most so many orders; by default all that are due.
    #[schema(minimum = 1, maximum = 1000000000)]
    pub max_orders: Option<u32>,
    /// Only orders of these failure statuses, whatever the policy says of them; by default those of the policy.
    #[schema(max_items = 100)]
    pub failure_statuses: Vec<String>,
    /// This order alone, by order id or workflow id. Its backoff and budget count, and nothing is scanned or settled for it.
    #[schema(max_length = 1000)]
    pub order: Option<String>,
    /// Why.
    #[schema(max_length = 4000, example = "the carrier is back")]
    pub reason: String,
    /// Who.
    #[schema(max_length = 200, example = "ann")]
    pub by: Option<String>,
}

impl NewBatch {
    /// What is to be run, where an order is named by its workflow.
    pub fn request(self, order: Option<WorkflowId>) -> RunRequest {
        RunRequest {
            max_orders: self.max_orders,
            failure_statuses: self.failure_statuses,
            order,
        }
    }
}

/// A batch that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchStarted {
    /// Its workflow.
    pub workflow_id: String,
    /// The batch.
    pub batch_id: String,
    /// What is odd about it, such as a failure status that no order has had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl BatchStarted {
    /// Starts a batch, and notes who did, where that is known. That it cannot be noted does not stop it any more.
    pub async fn start(
        ops: &Ops,
        request: &RunRequest,
        by: Option<&NewAuditEvent>,
    ) -> Result<Self, OpsError> {
        let mut warnings = ops.doubts(request).await?;
        let running = ops.start_batch(request).await?;
        if let Some(by) = by
            && let Err(error) = ops.audit_run(&running, by).await
        {
            tracing::error!(%error, batch = running.batch_id, "who began a batch is not noted");
            warnings.push(format!(
                "batch {} has begun, but not who began it is noted",
                running.workflow_id
            ));
        }
        Ok(Self {
            workflow_id: running.workflow_id,
            batch_id: running.batch_id,
            warnings,
        })
    }
}

/// A batch that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningBatch {
    /// Its workflow.
    pub workflow_id: String,
    /// The batch.
    pub batch_id: String,
}

/// What a batch, or an operation on dead letters, is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Begin no order until it is resumed.
    Pause,
    /// Go on.
    Resume,
    /// End early: give back what is untouched.
    Stop,
}

impl Deed {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        Control::from(self).as_str()
    }
}

impl From<Deed> for Control {
    fn from(deed: Deed) -> Self {
        match deed {
            Deed::Pause => Self::Pause,
            Deed::Resume => Self::Resume,
            Deed::Stop => Self::Stop,
        }
    }
}

impl From<Deed> for Tell {
    fn from(deed: Deed) -> Self {
        match deed {
            Deed::Pause => Self::Pause,
            Deed::Resume => Self::Resume,
            Deed::Stop => Self::Stop,
        }
    }
}

/// Who tells it, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Why {
    /// Why.
    #[schema(max_length = 4000, example = "the carrier is down")]
    pub reason: String,
    /// Who.
    #[schema(max_length = 200, example = "ann")]
    pub by: Option<String>,
}

impl From<NewAuditEvent> for Why {
    fn from(by: NewAuditEvent) -> Self {
        Self {
            reason: by.reason,
            by: Some(by.actor),
        }
    }
}

/// What became of what a batch was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchTold {
    /// Its workflow.
    pub workflow_id: String,
    /// The batch.
    pub batch_id: String,
    /// What it was told.
    pub told: Deed,
    /// Whether its answer shows that it has heard; else it hears it when a worker goes on with it.
    pub heard: bool,
    /// Whether it is paused now, where it answers.
    pub paused: Option<bool>,
    /// Whether it is ending now, where it answers.
    pub stopping: Option<bool>,
    /// What it does now, where it answers.
    pub progress: Option<Progress>,
    /// Who works; only where it has not heard, and where Temporal tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Workers>,
}

impl BatchTold {
    /// Tells the batch of that workflow id or batch id, or the only one that runs.
    pub async fn tell(
        ops: &Ops,
        id: Option<&str>,
        deed: Deed,
        by: &NewAuditEvent,
    ) -> Result<Self, OpsError> {
        let Controlled {
            running,
            heard,
            progress,
        } = ops.control_batch(id, deed.into(), by).await?;
        let who = match heard {
            true => None,
            false => Workers::look(ops).await.ok(),
        };
        Ok(Self {
            workflow_id: running.workflow_id,
            batch_id: running.batch_id,
            told: deed,
            heard,
            paused: progress.as_ref().map(|now| now.paused),
            stopping: progress.as_ref().map(|now| now.stopping),
            progress: progress.map(Progress::from),
            workers: who,
        })
    }
}
