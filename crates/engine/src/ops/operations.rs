//! Operations on many dead letters: a durable workflow each, that an operator starts, looks at, pauses, resumes and stops.
//!
//! The ledger knows what an operation is about and how far it is; its workflow does the work. So an operation whose workflow was
//! ended before its time is resumed by a new one, which goes on where the ledger says.

use std::time::Duration;

use jiff::Timestamp;
use redrive_core::ids::{BatchId, OperationId, WorkflowId};
use redrive_flows::DeadLetterOperationWorkflow;
use redrive_flows::operation::{OperationRun, operation_workflow_id};
use redrive_flows::operation_input::{OperationInput, OperationProgress};
use redrive_ledger::{
    Chosen, NewAuditEvent, NotStarted, Operation, OperationEnd, OperationOpening, OperationStatus,
    OrderPk,
};
use temporalio_client::errors::{WorkflowInteractionError, WorkflowStartError};
use temporalio_client::{WorkflowQueryOptions, WorkflowSignalOptions, WorkflowStartOptions};
use uuid::Uuid;

use super::bulk::Many;
use super::{Ops, OpsError, Records, Result};
use crate::gateway::{GatewayError, twice};

/// How long an operation is asked whether it has heard, and how long it is waited for between. A request over HTTP ends after a
/// minute, and this is not all of it.
const LISTENS: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// An answer is not worth waiting longer for: the worker that would give it is busy, or gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// What an operator tells an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// Take no more until it is resumed.
    Pause,
    /// Go on; also where its workflow has ended before its time.
    Resume,
    /// End: what is taken is finished, the rest stays in the queue.
    Stop,
}

impl Tell {
    /// The signal's name, and the act's in the audit trail after `operation_`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop => "stop",
        }
    }

    fn is_heard(self, progress: &OperationProgress) -> bool {
        match self {
            Self::Pause => progress.paused,
            Self::Resume => !progress.paused,
            Self::Stop => progress.stopping,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The operation.
    pub operation: Operation,
    /// Whether its answer shows that it has heard; else it hears it when a worker goes on with it.
    pub heard: bool,
}

impl Records {
    /// Operations, the latest first; only those that come after that one, by when it was opened and its id.
    pub async fn operations(
        &self,
        after: Option<(Timestamp, &OperationId)>,
        limit: u32,
    ) -> Result<Vec<Operation>> {
        Ok(self.reader.operations(after, limit).await?)
    }

    /// The operation of that id.
    pub async fn operation(&self, id: &OperationId) -> Result<Operation> {
        let found = self.reader.operation(id).await?;
        found.ok_or_else(|| OpsError::NoSuchOperation { id: id.to_string() })
    }

    /// Lets an operation go at another rate, starts a second, from the next turns on; `None`: as fast as everything.
    ///
    /// Errors: there is none of that id, or it has ended for good.
    pub async fn set_operation_rate(
        &self,
        id: &OperationId,
        per_second: Option<f64>,
        by: &NewAuditEvent,
    ) -> Result<Operation> {
        self.unended(id).await?;
        let now = self.clock.now();
        let set = self.ledger.set_operation_rate(id, per_second, by, now);
        Ok(set.await?)
    }

    async fn unended(&self, id: &OperationId) -> Result<()> {
        if self.operation(id).await?.status.is_final() {
            return Err(OpsError::OperationEnded { id: id.to_string() });
        }
        Ok(())
    }

    /// Orders that an operation did not start, and why, those that failed first; only those after that place.
    pub async fn not_started(
        &self,
        id: &OperationId,
        after: Option<(bool, OrderPk)>,
        limit: u32,
    ) -> Result<Vec<NotStarted>> {
        Ok(self.reader.not_started(id, after, limit).await?)
    }
}

impl Ops {
    /// Opens an operation that retries many, and starts its workflow.
    pub async fn retry_many(
        &self,
        many: Many,
        per_second: Option<f64>,
        by: NewAuditEvent,
    ) -> Result<Operation> {
        let moment = self.engine.clock.moment();
        let at = moment.now.strftime("%Y%m%d-%H%M%S");
        let chance = moment.seed ^ moment.now.as_microsecond().unsigned_abs();
        let id = OperationId::from(format!("{at}-{:04x}", chance & 0xffff));
        let chosen = match many {
            Many::Matching(filter, limit) => Chosen::Matching { filter, limit },
            Many::Named(orders) => {
                let ids = orders.into_iter().map(|order| order.workflow_id);
                Chosen::Named(ids.collect::<Vec<WorkflowId>>())
            }
        };
        let opening = OperationOpening {
            id: id.clone(),
            chosen,
            per_second,
            by,
        };
        let operation = self
            .records
            .ledger
            .open_operation(&opening, moment.now)
            .await?;
        if let Err(error) = self.begin(&id).await {
            let end = OperationEnd::Failed {
                error: error.to_string(),
            };
            let now = self.engine.clock.now();
            self.records.ledger.end_operation(&id, &end, now).await?;
            return Err(error);
        }
        Ok(operation)
    }

    /// Tells an operation something. It is written to the audit trail first.
    ///
    /// Errors: there is none of that id, or it has ended for good.
    pub async fn tell_operation(
        &self,
        id: &OperationId,
        tell: Tell,
        by: &NewAuditEvent,
    ) -> Result<Answered> {
        self.records.unended(id).await?;
        self.record(&format!("operation_{}", tell.as_str()), id.as_str(), by)
            .await?;
        let heard = if self.signal_operation(id, tell).await? {
            self.has_heard(id, tell).await?
        } else {
            self.without_workflow(id, tell).await?
        };
        let operation = self.records.operation(id).await?;
        Ok(Answered { operation, heard })
    }

    /// What an operation's workflow tells of itself; `None` where nobody answers in time.
    pub async fn operation_progress(&self, id: &OperationId) -> Option<OperationProgress> {
        let handle = self
            .client
            .get_workflow_handle::<OperationRun>(operation_workflow_id(id));
        let asked = handle.query(
            DeadLetterOperationWorkflow::progress,
            (),
            WorkflowQueryOptions::default(),
        );
        tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()
    }

    /// Starts the operation's workflow, unless it runs. Returns the batch that it is.
    async fn begin(&self, id: &OperationId) -> Result<Option<BatchId>> {
        let workflow_id = operation_workflow_id(id);
        let input = OperationInput {
            operation: Some(id.clone()),
            ..OperationInput::default()
        };
        let queue = self.engine.settings.task_queue.clone();
        let options = WorkflowStartOptions::new(queue, workflow_id.clone()).build();
        let start = || {
            let workflow = DeadLetterOperationWorkflow::run;
            self.client
                .start_workflow(workflow, input.clone(), options.clone())
        };
        match twice(start).await {
            Ok(handle) => Ok(handle.run_id().map(BatchId::from)),
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(None),
            Err(error) => Err(super::batch::not_started(&workflow_id, &error)),
        }
    }

    /// Returns whether a workflow was there to be told.
    async fn signal_operation(&self, id: &OperationId, tell: Tell) -> Result<bool> {
        type Flow = DeadLetterOperationWorkflow;
        let handle = self
            .client
            .get_workflow_handle::<OperationRun>(operation_workflow_id(id));
        let options = WorkflowSignalOptions::builder()
            .request_id(Uuid::new_v4().to_string())
            .build();
        let told = twice(async || {
            let options = options.clone();
            match tell {
                Tell::Pause => handle.signal(Flow::pause, (), options).await,
                Tell::Resume => handle.signal(Flow::resume, (), options).await,
                Tell::Stop => handle.signal(Flow::stop, (), options).await,
            }
        });
        match told.await {
            Ok(()) => Ok(true),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
            Err(WorkflowInteractionError::Rpc(status)) => {
                Err(GatewayError::from_status(&status).into())
            }
            Err(other) => Err(super::batch::batch_error(
                &operation_workflow_id(id),
                format!("cannot be told: {other}"),
            )),
        }
    }

    async fn has_heard(&self, id: &OperationId, tell: Tell) -> Result<bool> {
        let hearing = async {
            loop {
                match self.operation_progress(id).await {
                    Some(progress) if tell.is_heard(&progress) => return Ok(true),
                    // Nobody works, so nobody will answer.
                    None if self.pollers().await? == 0 => return Ok(false),
                    _ => self.engine.clock.sleep(LOOK_EVERY).await,
                }
            }
        };
        let heard = tokio::time::timeout(LISTENS, hearing).await;
        heard.unwrap_or(Ok(false))
    }

    /// The operation's workflow has ended before its time, or never began. Returns whether what was told holds now.
    async fn without_workflow(&self, id: &OperationId, tell: Tell) -> Result<bool> {
        let (ledger, now) = (&self.records.ledger, self.engine.clock.now());
        match tell {
            Tell::Resume => {
                ledger.note_operation(id, false, now).await?;
                // As its workflow will say when a worker begins with it; until then nobody is told that it has failed.
                if let Some(batch) = self.begin(id).await? {
                    ledger.begin_operation(id, &batch, now).await?;
                }
                self.has_heard(id, tell).await
            }
            Tell::Stop => {
                let end = OperationEnd::Stopped;
                let ended = ledger.end_operation(id, &end, now).await?;
                Ok(ended.status == OperationStatus::Stopped)
            }
            Tell::Pause => Err(OpsError::OperationDoesNotRun { id: id.to_string() }),
        }
    }
}
