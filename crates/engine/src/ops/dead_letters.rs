//! The dead letter queue: list, retry, cancel, escalate.

use std::time::Duration;

use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::states::State;
use redrive_ledger::{DeadLetter, NewAuditEvent, Resolution, Resolve, Resolved};

use super::{Ops, OpsError, Records, Result, RunRequest, Running};

/// A start is waited for so long before it matters whether anybody works at all.
const SOON: Duration = Duration::from_secs(5);
/// And so long altogether, for the batch goes on by itself, and a request over HTTP ends after a minute.
const AT_MOST: Duration = Duration::from_secs(45);

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
    /// alone does the work, and is waited for, but not for long. If this process dies in between, the next batch does it.
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
        let request = RunRequest::for_order(workflow_id.clone());
        let batch = self.start_batch(&request).await?;
        let goes_on = self.goes_on(&batch).await?;
        let batch = BatchId::from(batch.batch_id);
        let end = self.how_it_went(&workflow_id, &batch, goes_on).await?;
        Ok(Retried { workflow_id, end })
    }

    /// Waits until a batch has ended; where that takes too long, says what it waits for.
    async fn goes_on(&self, batch: &Running) -> Result<Option<String>> {
        let mut ending = std::pin::pin!(self.await_batch(batch));
        if let Ok(ended) = tokio::time::timeout(SOON, ending.as_mut()).await {
            return ended.map(|_| None);
        }
        let (id, queue) = (&batch.workflow_id, &self.engine.settings.task_queue);
        // The entry is decided: that nobody can tell who works keeps nobody from hearing that.
        if matches!(self.pollers().await, Ok(0)) {
            return Ok(Some(format!(
                "no worker polls task queue {queue:?}: start one, and batch {id} restarts it"
            )));
        }
        match tokio::time::timeout(AT_MOST - SOON, ending).await {
            Ok(ended) => ended.map(|_| None),
            Err(_) => Ok(Some(format!(
                "batch {id} has not come to it yet, and goes on: `redrive batches show {id}` tells how far it is"
            ))),
        }
    }

    /// Reads from the order's story what `batch` made of it, which may go on.
    async fn how_it_went(
        &self,
        workflow_id: &WorkflowId,
        batch: &BatchId,
        goes_on: Option<String>,
    ) -> Result<RetryEnd> {
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
            None if story.order.state == State::Claimed && goes_on.is_none() => {
                "another batch has taken it up, and finishes it".to_owned()
            }
            None if self.records.halted().await?.is_some() => {
                "every start is halted; the first batch after `redrive unhalt` starts it".to_owned()
            }
            None => goes_on
                .unwrap_or_else(|| "no batch has handled it yet; the next one does".to_owned()),
        };
        Ok(RetryEnd::NotStarted {
            state: story.order.state,
            reason,
        })
    }
}
