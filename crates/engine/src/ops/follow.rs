//! Looking on while a batch runs that somebody started by hand, and what they should know before.

use std::collections::BTreeSet;
use std::time::Duration;

use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::report::{ReprocessingResult, VerdictKind};
use redrive_flows::ReprocessingOrchestrationWorkflow;
use redrive_flows::orchestration::{OrchestrationRun, Progress};
use redrive_ledger::{BatchVerdict, NewAuditEvent, OrderRow};
use temporalio_client::WorkflowQueryOptions;

use super::{Ops, OpsError, Result, RunRequest, Running};
use crate::engine::Engine;

/// A look is not worth waiting longer for: the worker that would answer is busy, or gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a batch for one order came to.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderEnd {
    /// What the batch said of it; `None`: its turn had not come, or somebody else had it.
    pub verdict: Option<BatchVerdict>,
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
        Ok(OrderEnd {
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
