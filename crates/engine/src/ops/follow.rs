//! Looking on while a batch runs that somebody started by hand, and what they should know before.

use std::collections::BTreeSet;
use std::time::Duration;

use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::report::ReprocessingResult;
use redrive_flows::ReprocessingOrchestrationWorkflow;
use redrive_flows::orchestration::{OrchestrationRun, Progress};
use redrive_ledger::{NewAuditEvent, OrderRow, OrderVerdict};
use temporalio_client::WorkflowQueryOptions;

use super::{Ops, OpsError, Result, RunRequest, Running};
use crate::engine::Engine;

/// A look is not worth waiting longer for: the worker that would answer is busy, or gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a batch for one order came to.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderEnd {
    /// What the batch said of it; `None`: its turn had not come, or somebody else had it.
    pub verdict: Option<OrderVerdict>,
    /// How the order stands.
    pub order: OrderRow,
}

impl Ops {
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

    /// How many orders such a batch would find due now, beside those that it has yet to scan.
    pub async fn due(&self, request: &RunRequest) -> Result<u64> {
        let now = self.engine.clock.now();
        Ok(self.engine.ledger.due_count(&request.rules(), now).await?)
    }

    /// Every failure status that was ever seen or that the policy names, in alphabetical order.
    pub async fn failure_statuses(&self) -> Result<Vec<String>> {
        let policy = &self.engine.policy;
        let mut known: BTreeSet<String> = policy.statuses.keys().cloned().collect();
        known.extend(policy.rules.iter().map(|rule| rule.status.clone()));
        known.extend(self.engine.ledger.failure_statuses().await?);
        Ok(known.into_iter().collect())
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

impl Engine {
    /// What became of an order in a batch that was run, or rehearsed, for it.
    pub async fn order_end(&self, batch_id: &str, order: &WorkflowId) -> Result<OrderEnd> {
        let batch = BatchId::from(batch_id);
        let verdicts = self.ledger.batch_verdicts(&batch).await?;
        let story = self.ledger.story(order).await?;
        let story = story.ok_or_else(|| OpsError::NoSuchOrder {
            id: order.to_string(),
        })?;
        Ok(OrderEnd {
            verdict: verdicts.into_iter().find(|one| one.workflow_id == *order),
            order: story.order,
        })
    }
}
