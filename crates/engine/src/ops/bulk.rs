//! Decisions about many dead letters at once: each is decided in a transaction of its own, and what cannot be done to one
//! is told of that one. Whoever is interrupted asks again: what is decided already is not in the queue any more.

use std::collections::HashMap;

use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::report::VerdictKind;
use redrive_ledger::{
    BatchVerdict, DeadLetter, DeadLetterFilter, NewAuditEvent, Resolution, Resolved,
};
use serde::Serialize;

use super::rehearse::all_verdicts;
use super::{Decision, Ops, Records, Result, RunRequest};

/// Entries read at a time.
const PAGE: u32 = 1_000;
/// Batches that a retry of many starts at most, one after the other: the deadline of one leaves the rest to the next.
const ROUNDS: u32 = 20;

/// An order of the dead letter queue that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// The order id.
    pub order_id: String,
}

/// What was done with many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkReport {
    /// How many were chosen.
    pub matched: u64,
    /// With how many it was done.
    pub done: u64,
    /// With which it was not.
    pub failed: Vec<NotDone>,
}

/// One with which it was not done, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotDone {
    /// The order.
    #[serde(flatten)]
    pub order: Chosen,
    /// Why.
    pub reason: String,
}

/// Hears how far it is: done, of how many.
pub type Told<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

impl BulkReport {
    fn of(chosen: &[Chosen]) -> Self {
        Self {
            matched: chosen.len() as u64,
            ..Self::default()
        }
    }

    fn not_done(&mut self, order: &Chosen, reason: impl Into<String>) {
        self.failed.push(NotDone {
            order: order.clone(),
            reason: reason.into(),
        });
    }
}

impl Records {
    /// All that a filter chooses, the oldest first, at most `limit`.
    pub async fn choose(
        &self,
        filter: &DeadLetterFilter,
        limit: Option<u32>,
    ) -> Result<Vec<DeadLetter>> {
        let most = limit.map_or(usize::MAX, |limit| limit as usize);
        let (mut chosen, mut filter) = (Vec::new(), filter.clone());
        loop {
            let page = self.reader.dead_letters(&filter, PAGE).await?;
            let full = page.len() == PAGE as usize;
            filter.after = page.last().map(|entry| (entry.created_at, entry.id));
            chosen.extend(page);
            if !full || chosen.len() >= most {
                chosen.truncate(most);
                return Ok(chosen);
            }
        }
    }

    /// Closes many entries without starting anything.
    pub async fn decide_many(
        &self,
        chosen: &[Chosen],
        decision: Decision,
        by: &NewAuditEvent,
        told: Told<'_>,
    ) -> Result<BulkReport> {
        let resolution = match decision {
            Decision::Cancel => Resolution::Cancelled,
            Decision::Escalate => Resolution::Escalated,
        };
        let (report, _) = self.resolve_many(chosen, resolution, by, told).await?;
        Ok(report)
    }

    /// Returns those that were resolved, too.
    async fn resolve_many(
        &self,
        chosen: &[Chosen],
        resolution: Resolution,
        by: &NewAuditEvent,
        told: Told<'_>,
    ) -> Result<(BulkReport, Vec<Chosen>)> {
        let mut report = BulkReport::of(chosen);
        let mut resolved = Vec::with_capacity(chosen.len());
        for order in chosen {
            match self
                .resolve(order.workflow_id.as_str(), resolution, by.clone())
                .await?
            {
                Resolved::Done(_) => {
                    report.done += 1;
                    resolved.push(order.clone());
                }
                Resolved::Already(entry) => {
                    let how = entry.resolution.map_or("decided", Resolution::as_str);
                    let by = entry.resolved_by.unwrap_or_default();
                    report.not_done(
                        order,
                        format!("it was decided before: {} by {by}", how.replace('_', " ")),
                    );
                }
                Resolved::NotDeadLettered | Resolved::NoSuchOrder => {
                    report.not_done(order, "it is not in the dead letter queue");
                }
            }
            told(report.done + report.failed.len() as u64, report.matched);
        }
        Ok((report, resolved))
    }
}

impl Ops {
    /// Retries many: all entries are resolved and the orders put first in line; then batches start them. If this process
    /// dies in between, the next batch does it.
    pub async fn retry_many(
        &self,
        chosen: &[Chosen],
        by: &NewAuditEvent,
        told: Told<'_>,
    ) -> Result<BulkReport> {
        let (mut report, resolved) = self
            .records
            .resolve_many(chosen, Resolution::ManualRetry, by, &|_, _| {})
            .await?;
        report.done = 0;
        let mut waiting: HashMap<WorkflowId, Chosen> = resolved
            .into_iter()
            .map(|order| (order.workflow_id.clone(), order))
            .collect();
        for _ in 0..ROUNDS {
            if waiting.is_empty() || self.retry_round(&mut waiting, &mut report, told).await? == 0 {
                break;
            }
        }
        let mut left: Vec<Chosen> = waiting.into_values().collect();
        left.sort_by(|a, b| a.workflow_id.cmp(&b.workflow_id));
        for order in &left {
            report.not_done(order, "no batch has handled it yet; the next one does");
        }
        Ok(report)
    }

    /// One batch for those that wait: they are first in line, after those that an earlier retry has left. Returns how many
    /// orders the batch found.
    async fn retry_round(
        &self,
        waiting: &mut HashMap<WorkflowId, Chosen>,
        report: &mut BulkReport,
        told: Told<'_>,
    ) -> Result<u64> {
        let request = RunRequest {
            max_orders: Some(u32::try_from(waiting.len()).unwrap_or(u32::MAX)),
            ..RunRequest::default()
        };
        let running = self.start_batch(&request).await?;
        let result = self.await_batch(&running).await?;
        let batch = BatchId::from(running.batch_id.as_str());
        for verdict in all_verdicts(&*self.records.reader, &batch).await? {
            if let Some(order) = waiting.remove(&verdict.workflow_id) {
                judge(report, &order, &verdict);
            }
        }
        told(report.done + report.failed.len() as u64, report.matched);
        Ok(result.found_count)
    }
}

fn judge(report: &mut BulkReport, order: &Chosen, verdict: &BatchVerdict) {
    if verdict.verdict == VerdictKind::Restarted {
        report.done += 1;
        return;
    }
    let reason = verdict
        .reason
        .as_deref()
        .unwrap_or(verdict.verdict.as_str());
    report.not_done(order, reason.replace('_', " "));
}

impl From<&DeadLetter> for Chosen {
    fn from(entry: &DeadLetter) -> Self {
        Self {
            workflow_id: entry.workflow_id.clone(),
            order_id: entry.order_id.clone(),
        }
    }
}
