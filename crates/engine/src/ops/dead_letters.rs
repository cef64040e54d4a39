//! The dead letter queue: list, retry, cancel, escalate.

use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::states::State;
use redrive_ledger::{DeadLetter, NewAuditEvent, Resolution, Resolve, Resolved};

use super::{Ops, OpsError, Records, Result};

/// What an operator can decide without starting anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Give the order up.
    Cancel,
    /// Hand it to somebody else.
    Escalate,
}

/// What an operator's retry came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retried {
    /// The order.
    pub workflow_id: WorkflowId,
    /// How it ended.
    pub end: RetryEnd,
}

/// How a retry ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryEnd {
    /// It was started: the run.
    Started {
        /// The new run.
        run_id: String,
    },
    /// Nothing was started, for the order turned out otherwise: where it stands now, and why.
    NotStarted {
        /// Where the order stands.
        state: State,
        /// Why.
        reason: String,
    },
    /// Somebody has resolved the entry before: as they left it.
    AlreadyResolved(Box<DeadLetter>),
}

impl Records {
    /// Closes an entry without starting anything. `Err(entry)` inside: somebody was first.
    pub async fn decide_dead_letter(
        &self,
        id: &str,
        decision: Decision,
        by: NewAuditEvent,
    ) -> Result<std::result::Result<DeadLetter, DeadLetter>> {
        let resolution = match decision {
            Decision::Cancel => Resolution::Cancelled,
            Decision::Escalate => Resolution::Escalated,
        };
        match self.resolve(id, resolution, by).await? {
            Resolved::Done(entry) => Ok(Ok(entry)),
            Resolved::Already(entry) => Ok(Err(entry)),
            Resolved::NotDeadLettered => Err(OpsError::NotDeadLettered { id: id.to_owned() }),
            Resolved::NoSuchOrder => Err(OpsError::NoSuchOrder { id: id.to_owned() }),
        }
    }

    pub(super) async fn resolve(
        &self,
        id: &str,
        resolution: Resolution,
        by: NewAuditEvent,
    ) -> Result<Resolved> {
        let workflow_id = self.find(id).await?;
        let resolve = Resolve {
            workflow_id,
            resolution,
            by,
        };
        let now = self.clock.now();
        Ok(self.ledger.resolve(&self.policy, &resolve, now).await?)
    }
}

impl Ops {
    /// Retries an order at once: the entry is resolved and the order put first in one transaction; then a batch for it
    /// alone does the work. If this process dies in between, the next batch does it.
    pub async fn retry_dead_letter(&self, id: &str, by: NewAuditEvent) -> Result<Retried> {
        let workflow_id = self.records.find(id).await?;
        match self
            .records
            .resolve(id, Resolution::ManualRetry, by)
            .await?
        {
            Resolved::Already(entry) => {
                return Ok(Retried {
                    workflow_id,
                    end: RetryEnd::AlreadyResolved(Box::new(entry)),
                });
            }
            Resolved::NotDeadLettered => {
                return Err(OpsError::NotDeadLettered { id: id.to_owned() });
            }
            Resolved::NoSuchOrder => return Err(OpsError::NoSuchOrder { id: id.to_owned() }),
            Resolved::Done(_) => {}
        }
        let result = self.run_for_order(&workflow_id).await?;
        let batch = BatchId::from(result.batch_id);
        let end = self.how_it_went(&workflow_id, &batch).await?;
        Ok(Retried { workflow_id, end })
    }

    /// Reads from the order's story what `batch` made of it.
    async fn how_it_went(&self, workflow_id: &WorkflowId, batch: &BatchId) -> Result<RetryEnd> {
        let story = self.records.show_order(workflow_id.as_str()).await?;
        let generation = story.order.generation;
        let mut attempts = story.attempts.iter().rev();
        let started = attempts.find(|attempt| attempt.generation == generation);
        if let Some(run) = started.and_then(|attempt| attempt.run.as_ref()) {
            return Ok(RetryEnd::Started {
                run_id: run.to_string(),
            });
        }
        let verdict = story.verdicts.iter().find(|(by, ..)| by == batch);
        let reason = match verdict {
            Some((_, verdict, reason, _)) => reason.clone().unwrap_or_else(|| verdict.clone()),
            None if story.order.state == State::Claimed => {
                "another batch has taken it up, and finishes it".to_owned()
            }
            None => "no batch has handled it yet; the next one does".to_owned(),
        };
        Ok(RetryEnd::NotStarted {
            state: story.order.state,
            reason,
        })
    }
}
