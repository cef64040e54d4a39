//! Who works.

use redrive_engine::ops::{Ops, OpsError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The workers of this deployment, as Temporal sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workers {
    /// The task queue of our workflows.
    pub task_queue: String,
    /// How many poll it now.
    pub polling: usize,
}

impl Workers {
    /// Looks.
    pub async fn look(ops: &Ops) -> Result<Self, OpsError> {
        Ok(Self {
            polling: ops.pollers().await?,
            task_queue: ops.engine.settings.task_queue.clone(),
        })
    }
}
