//! Who works.

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
