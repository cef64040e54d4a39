//! Orders as services speak of them that count retries themselves.

use jiff::Timestamp;
use redrive_core::policy::Policy;
use redrive_core::states::State;
use redrive_ledger::{EscalationLevel, OrderRow, Total};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Orders that wait for a restart and are due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EligibleOrders {
    /// The orders: an operator's retries first, then the longest due.
    pub data: Vec<EligibleOrder>,
    /// How many there are.
    pub total: u64,
    /// There are more than `total`: they are counted so far only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub total_is_lower_bound: bool,
}

/// An order that waits for a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EligibleOrder {
    /// The order.
    pub order_id: String,
    /// Its customer, where that is known.
    pub customer_id: Option<String>,
    /// Its workflow.
    pub workflow_id: String,
    /// The run that failed last.
    pub run_id: String,
    /// Where it stands.
    pub status: State,
    /// What went wrong last.
    pub failure_status: String,
    /// The message of that, cut.
    pub failure_reason: String,
    /// When that run closed.
    pub failed_at: Timestamp,
    /// Restarts so far.
    pub retry_count: u32,
    /// Whether it goes first, as an operator's retry does.
    pub priority: Urgency,
    /// The same as `failureReason`.
    pub last_failure_reason: String,
    /// The same as `failedAt`.
    pub last_failed_at: Timestamp,
    /// Since when it may be restarted.
    pub next_retry_at: Timestamp,
    /// When it was first seen.
    pub created_at: Timestamp,
}

/// Whose turn is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// An operator's retry.
    High,
    /// Any other.
    Normal,
}

impl EligibleOrders {
    pub(crate) fn of((orders, total): (Vec<OrderRow>, Total)) -> Self {
        let (total, total_is_lower_bound) = total.told();
        Self {
            data: orders.into_iter().map(EligibleOrder::of).collect(),
            total,
            total_is_lower_bound,
        }
    }
}

impl EligibleOrder {
    fn of(order: OrderRow) -> Self {
        Self {
            order_id: order.order_id,
            customer_id: order.customer_id,
            workflow_id: order.workflow_id.to_string(),
            run_id: order.failed_run.to_string(),
            status: order.state,
            failure_status: order.failure_status,
            failure_reason: order.failure_reason.clone(),
            failed_at: order.failed_at,
            retry_count: order.retry_count,
            priority: match order.manual {
                true => Urgency::High,
                false => Urgency::Normal,
            },
            last_failure_reason: order.failure_reason,
            last_failed_at: order.failed_at,
            next_retry_at: order.due_at,
            created_at: order.created_at,
        }
    }
}

/// How often an order was restarted, and what comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryCount {
    /// The order.
    pub order_id: String,
    /// Restarts of its current budget.
    pub retry_count: u32,
    /// The budget.
    pub max_retries: u32,
    /// What went wrong last.
    pub failure_status: String,
    /// The message of that, cut.
    pub last_failure_reason: String,
    /// When that run closed.
    pub last_failed_at: Timestamp,
    /// Not restarted before then; `null` where no restart is to come.
    pub next_retry_at: Option<Timestamp>,
    /// Whether batches restart it, now or when it is due.
    pub is_eligible_for_retry: bool,
    /// The wait before its next restart, without chance.
    pub backoff_seconds: u64,
    /// Whether its budget is spent: the next batch moves it to the dead letter queue, or it is there.
    #[serde(rename = "requiresDLQ")]
    pub requires_dlq: bool,
}

impl RetryCount {
    pub(crate) fn of(order: &OrderRow, policy: &Policy) -> Self {
        let status = order.failure_status.as_str();
        let max_retries = policy.max_retries(status);
        let spent = order.retry_count >= max_retries && !order.manual;
        let waits = order.state == State::Failed && (order.eligible || order.manual);
        let waited = policy.backoff(status).ceiling(order.retry_count);
        Self {
            order_id: order.order_id.clone(),
            retry_count: order.retry_count,
            max_retries,
            failure_status: order.failure_status.clone(),
            last_failure_reason: order.failure_reason.clone(),
            last_failed_at: order.failed_at,
            next_retry_at: (waits && !spent).then_some(order.due_at),
            is_eligible_for_retry: waits && !spent,
            backoff_seconds: waited.as_secs(),
            requires_dlq: order.state == State::DeadLettered || waits && spent,
        }
    }
}

/// Who gives an order a fresh budget, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Reset {
    /// Why.
    #[schema(max_length = 4000, example = "the carrier is back")]
    pub reset_reason: String,
    /// Who.
    #[schema(max_length = 200, example = "ann")]
    pub reset_by: Option<String>,
}

/// Why an order is put into the dead letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDeadLetter {
    /// What went wrong.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"[^\s\x00-\x1F\x7F-\x9F]",
        example = "address_invalid"
    )]
    pub failure_status: String,
    /// In words.
    #[schema(max_length = 4000, example = "the street does not exist")]
    pub failure_reason: String,
    /// How urgent it is.
    #[serde(default)]
    pub escalation_level: EscalationLevel,
}

/// A failed run, as somebody else has seen it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FailureReport {
    /// In words; the order's story has the words of the run's own failure.
    #[schema(max_length = 4000, example = "no carrier takes it")]
    pub failure_reason: String,
    /// What went wrong; by default what the policy makes of the run's failure.
    #[schema(min_length = 1, max_length = 200, pattern = r"[^\s\x00-\x1F\x7F-\x9F]")]
    pub failure_status: Option<String>,
    /// When; the order's story has the time at which the run closed.
    pub failed_at: Option<Timestamp>,
    /// The order's workflow; by default the one that is known, or that the policy's pattern of order ids names.
    #[schema(min_length = 1, max_length = 1000)]
    pub workflow_id: Option<String>,
    /// The run; by default the workflow's latest.
    #[schema(format = Uuid)]
    pub run_id: Option<String>,
}
