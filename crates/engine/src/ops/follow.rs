//! Looking on while a batch runs that somebody started by hand, and what they should know before.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::policy::Policy;
use redrive_core::report::{BatchStatus, ReprocessingResult, VerdictKind};
use redrive_core::states::State;
use redrive_core::suggest::did_you_mean;
use redrive_flows::ReprocessingOrchestrationWorkflow;
use redrive_flows::orchestration::{OrchestrationRun, Progress};
use redrive_ledger::{BatchVerdict, NewAuditEvent, OrderRow};
use serde::{Deserialize, Serialize};
use temporalio_client::WorkflowQueryOptions;
use utoipa::ToSchema;
use uuid::Uuid;

use super::batch::batch_error;
use super::{Ops, OpsError, Result, RunRequest, Running};
use crate::engine::Engine;

/// A look is not worth waiting longer for: the worker that would answer is busy, or gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// A workflow that has closed tells its result at once; the parent of one that has a moment later.
const CLOSED: Duration = Duration::from_secs(5);

/// What a batch for one order came to.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderEnd {
    /// What the batch said of it; `None`: its turn had not come, or somebody else had it.
    pub verdict: Option<BatchVerdict>,
    /// What it waits for, where the batch left it alone and it waits for a restart.
    pub waits_for: Option<WaitsFor>,
    /// How the order stands.
    pub order: OrderRow,
}

/// What an order waits for that a batch has left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// It has a parent workflow, which answers for it.
    Parent,
    /// The policy leaves its failure status alone.
    Policy,
    /// Its time has not come.
    Time,
    /// Every start is halted.
    Unhalt,
    /// Nothing in particular: the next batch does it.
    Batch,
}

impl WaitsFor {
    fn of(order: &OrderRow, policy: &Policy, halted: bool, now: Timestamp) -> Self {
        if order.has_parent && !policy.restart_children && !order.manual {
            Self::Parent
        } else if !policy.reprocess(&order.failure_status) && !order.manual {
            Self::Policy
        } else if order.due_at > now {
            Self::Time
        } else if halted {
            Self::Unhalt
        } else {
            Self::Batch
        }
    }
}

/// How a batch stands that somebody follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The batch.
    pub batch: Running,
    /// How it ended, or why it did not end well; `None`: it goes on.
    pub end: Option<std::result::Result<ReprocessingResult, String>>,
}

impl Ops {
    /// How the batch of that workflow id or batch id stands, as soon as it has ended, or after so long.
    pub async fn follow(&self, id: &str, patience: Duration) -> Result<Standing> {
        let (batch, patience) = match self.known_batch(id).await? {
            Some((batch, true)) => (batch, patience),
            Some((batch, false)) => (batch, CLOSED),
            None => match self.batch_by_id(id).await? {
                Known::Served(batch, true) => (batch, patience),
                Known::Served(batch, false) => (batch, CLOSED),
                Known::Kept(standing) => return Ok(standing),
            },
        };
        let ended = tokio::time::timeout(patience, self.await_batch(&batch)).await;
        let end = match ended {
            Err(_) => None,
            Ok(Ok(result)) => Some(Ok(result)),
            Ok(Err(error @ OpsError::Batch { .. })) => Some(Err(error.to_string())),
            Ok(Err(error)) => return Err(error),
        };
        Ok(Standing { batch, end })
    }

    /// The batch of that batch id, or one whose workflow the server has forgotten.
    async fn batch_by_id(&self, id: &str) -> Result<Known> {
        let row = match self.records.show_batch(id).await {
            Ok(row) => row,
            // No worker has begun it yet; or it is none, for a batch's id is a run's.
            Err(unknown @ OpsError::NoSuchBatch { .. }) if Uuid::parse_str(id).is_ok() => {
                let mut running = self.running_batches().await?.into_iter();
                let found = running.find(|batch| batch.batch_id == id);
                return found.map(|batch| Known::Served(batch, true)).ok_or(unknown);
            }
            Err(error) => return Err(error),
        };
        if let Some((batch, runs)) = self.known_batch(&row.workflow_id).await?
            && batch.batch_id == row.result.batch_id
        {
            return Ok(Known::Served(batch, runs));
        }
        let end = match (row.status, row.error) {
            (BatchStatus::Running, _) => None,
            (_, Some(error)) => Some(Err(batch_error(&row.workflow_id, error).to_string())),
            (_, None) => Some(Ok(row.result.clone())),
        };
        Ok(Known::Kept(Standing {
            batch: Running {
                orchestration_id: row.workflow_id.clone(),
                workflow_id: row.workflow_id,
                batch_id: row.result.batch_id,
            },
            end,
        }))
    }

    /// What a running batch is doing; `None` where nobody answers in time.
    pub async fn progress(&self, running: &Running) -> Option<Progress> {
        let handle = self
            .client
            .get_workflow_handle::<OrchestrationRun>(&running.orchestration_id);
        let asked = handle.query(
            ReprocessingOrchestrationWorkflow::progress,
            (),
            WorkflowQueryOptions::default(),
        );
        tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()
    }

    /// The numbers of a batch as they stand now.
    pub async fn counts(&self, batch_id: &str) -> Result<ReprocessingResult> {
        let (batch, now) = (BatchId::from(batch_id), self.engine.clock.now());
        Ok(self.engine.ledger.batch_counts(&batch, now).await?)
    }

    /// How many orders are left to a running batch, beside those that it has yet to scan.
    pub async fn left_to(&self, running: &Running, request: &RunRequest) -> Result<u64> {
        let batch = BatchId::from(running.batch_id.as_str());
        let (rules, now) = (request.rules(), self.engine.clock.now());
        Ok(self.records.reader.left_to(&batch, &rules, now).await?)
    }

    /// Every failure status that was ever seen or that the policy names, in alphabetical order.
    pub async fn failure_statuses(&self) -> Result<Vec<String>> {
        let policy = &self.engine.policy;
        let mut known: BTreeSet<String> = policy.statuses.keys().cloned().collect();
        known.extend(policy.rules.iter().map(|rule| rule.status.clone()));
        known.extend(self.records.reader.failure_statuses().await?);
        Ok(known.into_iter().collect())
    }

    /// What is odd about a request, each in a sentence: a failure status that nobody has heard of is probably mistyped. It is no
    /// error, for an order may bring it any moment.
    pub async fn doubts(&self, request: &RunRequest) -> Result<Vec<String>> {
        if request.failure_statuses.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.failure_statuses().await?;
        let asked = request.failure_statuses.iter();
        let unknown = asked.filter(|status| !known.contains(status));
        Ok(unknown.map(|status| unheard_of(status, &known)).collect())
    }

    /// Records who ran a batch by hand, and why.
    pub async fn audit_run(&self, running: &Running, by: &NewAuditEvent) -> Result<()> {
        let now = self.engine.clock.now();
        let ledger = &self.engine.ledger;
        Ok(ledger
            .audit("run", Some(&running.batch_id), by, now)
            .await?)
    }
}

/// Where a batch is known that is asked for by its batch id.
enum Known {
    /// The server has its workflow, and it runs or not.
    Served(Running, bool),
    /// The ledger has its row alone.
    Kept(Standing),
}

fn unheard_of(status: &str, known: &[String]) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    format!(
        "no order has had the failure status {status:?}, and the policy does not name it{}",
        did_you_mean(status, &known)
    )
}

impl Engine {
    /// What became of an order in a batch that was run, or rehearsed, for it.
    pub async fn order_end(&self, batch_id: &str, order: &WorkflowId) -> Result<OrderEnd> {
        let story = self.ledger.story(order).await?;
        let story = story.ok_or_else(|| OpsError::NoSuchOrder {
            id: order.to_string(),
        })?;
        let verdict = story
            .verdicts
            .iter()
            .find(|(batch, ..)| batch.as_str() == batch_id);
        let attempt = story
            .attempts
            .iter()
            .rfind(|attempt| attempt.batch.as_str() == batch_id && attempt.run.is_some());
        let waits = verdict.is_none() && story.order.state == State::Failed;
        let waits_for = if waits {
            let (halted, now) = (self.ledger.halted().await?.is_some(), self.clock.now());
            Some(WaitsFor::of(&story.order, &self.policy, halted, now))
        } else {
            None
        };
        Ok(OrderEnd {
            waits_for,
            verdict: verdict.and_then(|(_, verdict, reason, at)| {
                Some(BatchVerdict {
                    pk: story.order.pk,
                    workflow_id: story.order.workflow_id.clone(),
                    order_id: story.order.order_id.clone(),
                    failure_status: story.order.failure_status.clone(),
                    verdict: VerdictKind::parse(verdict)?,
                    reason: reason.clone(),
                    attempt: attempt.map(|attempt| attempt.number),
                    at: *at,
                })
            }),
            order: story.order,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_status_is_recognised() {
        let known = ["shipping_failed", "slam_failed"].map(str::to_owned);
        assert_eq!(
            unheard_of("shiping_failed", &known),
            "no order has had the failure status \"shiping_failed\", and the policy does not name it (did you mean \
             \"shipping_failed\"?)"
        );
    }
}
