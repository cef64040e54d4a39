//! Orders in lists, and an order's story.

use jiff::Timestamp;
use redrive_core::ids::WorkflowId;
use redrive_core::policy::Policy;
use redrive_core::states::State;
use redrive_ledger::{OrderRow, Story};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::timeline::{self, Event};
use crate::links::Links;

/// Which orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichOrders {
    /// In these states: given several times, or with commas between. By default in any.
    #[serde(default)]
    #[param(value_type = Vec<State>)]
    pub state: Vec<String>,
    /// Of this failure status.
    pub failure_status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    pub group: Option<String>,
    /// Of this customer.
    pub customer_id: Option<String>,
    /// Whose last failure is older than that.
    pub failed_before: Option<Timestamp>,
    /// Orders a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// The page after the one that gave it.
    #[param(pattern = r"^[0-9]{1,17}\.[0-9]{1,18}$")]
    pub cursor: Option<String>,
}

/// An order in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// As it is kept.
    #[serde(flatten)]
    pub order: OrderRow,
    /// So many restarts it may have in a generation.
    pub max_retries: u32,
}

impl OrderLine {
    /// The order under `policy`.
    pub fn of(order: OrderRow, policy: &Policy) -> Self {
        Self {
            max_retries: policy.max_retries(&order.failure_status),
            order,
        }
    }
}

/// Why something was not done to an order: the `details` of that 409.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotNow {
    /// Where it stands.
    pub state: State,
    /// Why that does not allow it, and what to do.
    pub reason: String,
}

/// Where an order stands, and how it came there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderStory {
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// Its id.
    pub order_id: String,
    /// Its workflow's type.
    pub workflow_type: String,
    /// Where it stands.
    pub state: State,
    /// What went wrong last.
    pub failure_status: String,
    /// Restarts of the current generation.
    pub retry_count: u32,
    /// So many it may have.
    pub max_retries: u32,
    /// How many budgets of restarts it has been given.
    pub generation: u32,
    /// Whether the policy lets it be restarted.
    pub reprocessed: bool,
    /// Not restarted before then; while it waits for a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When it is looked at again, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_check_at: Option<Timestamp>,
    /// When it closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// How it closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// Everything that happened, in its order of time.
    pub timeline: Vec<Event>,
}

impl OrderStory {
    /// The story under `policy`.
    pub fn of(story: &Story, policy: &Policy, links: &Links) -> Self {
        let order: &OrderRow = &story.order;
        let mut timeline = timeline::of(story);
        for event in &mut timeline {
            let run = event.run_id.as_deref();
            event.link = run.and_then(|run| links.run(&order.workflow_id, run));
        }
        Self {
            workflow_id: order.workflow_id.clone(),
            order_id: order.order_id.clone(),
            workflow_type: order.workflow_type.clone(),
            state: order.state,
            failure_status: order.failure_status.clone(),
            retry_count: order.retry_count,
            max_retries: policy.max_retries(&order.failure_status),
            generation: order.generation,
            reprocessed: order.eligible || order.manual,
            due_at: Some(order.due_at)
                .filter(|_| order.state == State::Failed && (order.eligible || order.manual)),
            next_check_at: order
                .next_check_at
                .filter(|_| order.state == State::InFlight),
            closed_at: order.closed_at,
            resolution: order.resolution.clone(),
            timeline,
        }
    }
}
