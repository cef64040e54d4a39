//! What became of one order in a batch, in words: what was done with it, or why it was left alone and what to do.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redrive_core::ids::WorkflowId;
use redrive_core::report::{ReprocessingResult, VerdictKind};
use redrive_core::states::State;
use redrive_engine::Engine;
use redrive_engine::ops::{OpsError, OrderEnd, WaitsFor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderEnded {
    /// The order.
    pub order_id: String,
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// The batch.
    pub batch_id: String,
    /// What the batch did with it; none where it left it alone.
    pub verdict: Option<VerdictKind>,
    /// Why, where it was not restarted.
    pub reason: Option<String>,
    /// The number of the attempt that it was restarted as.
    pub attempt: Option<u32>,
    /// What went wrong last.
    pub failure_status: String,
    /// Where it stands.
    pub state: State,
    /// What it waits for, where the batch left it alone and it waits for a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<WaitsFor>,
    /// It is not restarted before then, where it waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// In words, with what to do.
    pub told: String,
}

impl OrderEnded {
    /// What the batch made of it, on `engine`'s ledger.
    pub async fn look(
        engine: &Engine,
        batch_id: &str,
        order: &WorkflowId,
    ) -> Result<Self, OpsError> {
        let end = engine.order_end(batch_id, order).await?;
        Ok(Self::of(end, batch_id))
    }

    fn of(end: OrderEnd, batch_id: &str) -> Self {
        let OrderEnd {
            verdict,
            waits_for,
            order,
        } = end;
        let mut ended = Self {
            told: verdict.as_ref().map(|one| one.why()).unwrap_or_default(),
            order_id: order.order_id,
            workflow_id: order.workflow_id,
            batch_id: batch_id.to_owned(),
            reason: verdict.as_ref().and_then(|one| one.reason.clone()),
            attempt: verdict.as_ref().and_then(|one| one.attempt),
            verdict: verdict.map(|one| one.verdict),
            failure_status: order.failure_status,
            state: order.state,
            waits_for,
            due_at: Some(order.due_at).filter(|_| waits_for == Some(WaitsFor::Time)),
        };
        ended.told = ended.in_words(&TimeZone::UTC);
        ended
    }

    /// What became of it, with times in that zone.
    pub fn in_words(&self, zone: &TimeZone) -> String {
        match (self.verdict, self.waits_for) {
            (Some(_), _) => self.told.clone(),
            (None, Some(waits_for)) => self.waiting(waits_for, zone),
            (None, None) => self.elsewhere(),
        }
    }

    /// Why a batch had no verdict for it, and what to do.
    fn elsewhere(&self) -> String {
        let id = &self.order_id;
        match self.state {
            State::Failed => "it was not handled: the next batch does it.".to_owned(),
            State::Claimed => "another batch has taken it up, and finishes it.".to_owned(),
            State::InFlight => {
                "a run of it goes on, as far as is known; the next batch learns how it ends.".to_owned()
            }
            State::Held => "an operator holds it back: it waits until it is released.".to_owned(),
            State::DeadLettered => {
                format!("it is in the dead letter queue: `redrive dlq retry {id}` starts it again.")
            }
            State::Recovered => "it has recovered: a run of it completed.".to_owned(),
            State::Resolved => format!("it is resolved: `redrive orders show {id}` tells how."),
            State::Stopped => {
                "a person stopped its latest run, so it is not restarted by itself: start it by hand if it is wanted."
                    .to_owned()
            }
        }
    }

    fn waiting(&self, waits_for: WaitsFor, zone: &TimeZone) -> String {
        let (id, status) = (&self.order_id, &self.failure_status);
        match waits_for {
            WaitsFor::Parent => {
                "it has a parent workflow, which answers for it: policy.restart_children restarts such orders.".to_owned()
            }
            WaitsFor::Policy => format!(
                "the policy leaves {status} alone: `redrive run --status {status}` restarts orders of that status, or set \
                 policy.statuses.{status}.reprocess."
            ),
            WaitsFor::Time => format!(
                "it is not due before {}: batches restart it then, and so does `redrive run --order {id}`.",
                self.due_at
                    .unwrap_or_default()
                    .to_zoned_datetime(zone.clone())
                    .strftime("%Y-%m-%d %H:%M:%S %Z")
            ),
            WaitsFor::Unhalt => {
                "every start is halted: `redrive unhalt` lets starts happen again.".to_owned()
            }
            WaitsFor::Batch => "it was not handled: the next batch does it.".to_owned(),
        }
    }
}

/// What became of orders that were run alone, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OrdersEnded {
    /// The sum of their batches; it names a batch only where there was one, and what waits is what the last one saw.
    pub result: ReprocessingResult,
    /// What became of each.
    pub orders: Vec<OrderEnded>,
}

impl OrdersEnded {
    /// Adds an order, and the result of its batch.
    pub fn add(&mut self, result: ReprocessingResult, ended: OrderEnded) {
        let mut sum = result.plus(&self.result);
        if !self.orders.is_empty() {
            sum.batch_id.clear();
        }
        self.result = sum;
        self.orders.push(ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_alone(state: State, waits_for: Option<WaitsFor>) -> OrderEnded {
        OrderEnded {
            order_id: "A-1".into(),
            workflow_id: "order-A-1".into(),
            batch_id: "b".into(),
            verdict: None,
            reason: None,
            attempt: None,
            failure_status: "shipping_failed".into(),
            state,
            waits_for,
            due_at: Some(Timestamp::UNIX_EPOCH),
            told: String::new(),
        }
    }

    #[test]
    fn an_order_that_was_left_alone_says_why() {
        for (state, waits_for, part) in [
            (State::Held, None, "an operator holds it back"),
            (State::DeadLettered, None, "`redrive dlq retry A-1`"),
            (
                State::Failed,
                Some(WaitsFor::Policy),
                "--status shipping_failed",
            ),
            (State::Failed, Some(WaitsFor::Unhalt), "`redrive unhalt`"),
            (
                State::Failed,
                Some(WaitsFor::Time),
                "not due before 1970-01-01 00:00:00 UTC:",
            ),
        ] {
            let told = left_alone(state, waits_for).in_words(&TimeZone::UTC);
            assert!(told.contains(part), "{part} in {told}");
        }
    }

    #[test]
    fn a_time_is_told_in_the_zone_of_who_reads_it() {
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        let told = left_alone(State::Failed, Some(WaitsFor::Time)).in_words(&berlin);
        assert!(told.contains("1970-01-01 01:00:00 +01"), "{told}");
    }
}
