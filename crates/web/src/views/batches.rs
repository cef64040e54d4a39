//! Starting batches, and telling them what to do.

use redrive_engine::ops::Control;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
}

/// A batch that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchStarted {
    /// Its workflow.
    pub workflow_id: String,
    /// The batch.
    pub batch_id: String,
}

/// What a batch is told.
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

impl From<Deed> for Control {
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

/// What became of what a batch was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchTold {
    /// Its workflow.
    pub workflow_id: String,
    /// The batch.
    pub batch_id: String,
    /// Whether its answer shows that it has heard; else it hears it when a worker goes on with it.
    pub heard: bool,
    /// Whether it is paused now, where it answers.
    pub paused: Option<bool>,
    /// Whether it is ending now, where it answers.
    pub stopping: Option<bool>,
}
