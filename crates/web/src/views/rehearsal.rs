//! A rehearsal: what a batch would do with each order, or with orders alone.

use jiff::Timestamp;
use redrive_core::ids::WorkflowId;
use redrive_core::report::ReprocessingResult;
use redrive_engine::ops::{Ops, OpsError, Pace, Rehearsed, RunRequest};
use redrive_ledger::{BatchVerdict, Halt};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OrderEnded, OrdersEnded};

/// So many orders are run alone, one after the other: more are a batch's work.
pub const MOST_ALONE: usize = 100;

/// What is rehearsed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rehearse {
    /// At most so many orders; by default all that are due.
    #[schema(minimum = 1, maximum = 1000000000)]
    pub max_orders: Option<u32>,
    /// Only orders of these failure statuses, whatever the policy says of them; by default those of the policy.
    #[schema(max_items = 100)]
    pub failure_statuses: Vec<String>,
    /// These orders, by order id or workflow id, each alone and after those before it.
    #[schema(max_items = 100)]
    pub orders: Vec<String>,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// Its numbers: of orders alone the sum. The batch that it names is the rehearsal's own, and is gone.
    pub result: ReprocessingResult,
    /// What it would do with each order that it would find, by order id: the first ten thousand of them.
    pub verdicts: Vec<BatchVerdict>,
    /// What it would make of each order that was named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<OrderEnded>,
    /// Starts a second, over everything that works on this ledger.
    pub starts_per_second: f64,
    /// Whether its time was up before it had looked at everything, so that a batch may find more: over HTTP it looks for half a minute.
    #[serde(default)]
    pub cut_short: bool,
    /// About so many starts are made before a batch's deadline: a rehearsal has none.
    pub starts_before_deadline: u64,
    /// Whether starts are halted, by whom and why.
    pub halted: Option<Halt>,
    /// What is odd about what was asked for, such as a failure status that no order has had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Rehearsal {
    /// Rehearses on a copy of the ledger: nothing is changed anywhere. What was seen by `ends_at` is told; without it, a rehearsal
    /// has as long as a batch.
    pub async fn run(
        ops: &Ops,
        asked: Rehearse,
        ends_at: Option<Timestamp>,
    ) -> Result<Self, OpsError> {
        let request = RunRequest {
            max_orders: asked.max_orders,
            failure_statuses: asked.failure_statuses,
            order: None,
        };
        let warnings = ops.doubts(&request).await?;
        let mut told = if asked.orders.is_empty() {
            let rehearsed = ops.rehearse(&request, ends_at).await?;
            Self::of(rehearsed, ops.pace().await?)
        } else {
            let orders = found(ops, &asked.orders).await?;
            Self::alone(ops, orders, &request, ends_at).await?
        };
        told.halted = ops.records.halted().await?;
        told.warnings = warnings;
        Ok(told)
    }

    fn of(rehearsed: Rehearsed, pace: Pace) -> Self {
        Self {
            result: rehearsed.result,
            verdicts: rehearsed.verdicts,
            orders: Vec::new(),
            cut_short: rehearsed.cut_short,
            starts_per_second: pace.starts_per_second,
            starts_before_deadline: pace.before_deadline,
            halted: None,
            warnings: Vec::new(),
        }
    }

    async fn alone(
        ops: &Ops,
        orders: Vec<WorkflowId>,
        request: &RunRequest,
        ends_at: Option<Timestamp>,
    ) -> Result<Self, OpsError> {
        let rehearsal = ops.rehearsal(ends_at).await?;
        let (mut verdicts, mut ended) = (Vec::new(), OrdersEnded::default());
        let mut cut_short = false;
        for order in orders {
            let one = RunRequest {
                order: Some(order.clone()),
                ..request.clone()
            };
            let rehearsed = rehearsal.run(&one).await?;
            let batch = &rehearsed.result.batch_id;
            let told = OrderEnded::look(rehearsal.engine(), batch, &order).await?;
            ended.add(rehearsed.result, told);
            verdicts.extend(rehearsed.verdicts);
            cut_short |= rehearsed.cut_short;
        }
        let sum = Rehearsed {
            result: ended.result,
            verdicts,
            cut_short,
        };
        Ok(Self {
            orders: ended.orders,
            ..Self::of(sum, ops.pace().await?)
        })
    }
}

/// Every order must be known before anything is done. One that is named twice is meant once.
async fn found(ops: &Ops, ids: &[String]) -> Result<Vec<WorkflowId>, OpsError> {
    let mut found: Vec<WorkflowId> = Vec::new();
    for id in ids {
        let order = ops.records.find(id).await?;
        if !found.contains(&order) {
            found.push(order);
        }
    }
    Ok(found)
}
