//! Pausing, resuming and stopping a batch that runs: signals to its workflow, each in the audit trail first.

use redrive_core::report::BatchStatus;
use redrive_ledger::{BatchRow, NewAuditEvent};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::workflowservice::v1::SignalWorkflowExecutionRequest;
use uuid::Uuid;

use super::{Ops, OpsError, Result};
use crate::gateway::GatewayError;

/// How many of the newest batches are looked at for those that run.
const NEWEST: u32 = 100;

/// What a batch that runs can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Claim nothing more until it is resumed; its deadline stays.
    Pause,
    /// Go on.
    Resume,
    /// End: give back what is untouched, and record the result.
    Stop,
}

impl Control {
    /// The signal, and its name in the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop => "stop",
        }
    }
}

impl Ops {
    /// Tells a batch, by its id or its workflow id; without one, the only batch that runs.
    ///
    /// Errors: no such batch, none runs, several run, it has ended.
    pub async fn control_batch(
        &self,
        id: Option<&str>,
        control: Control,
        by: &NewAuditEvent,
    ) -> Result<BatchRow> {
        let batch = match id {
            Some(id) => self.records.show_batch(id).await?,
            None => self.only_running_batch().await?,
        };
        if batch.status != BatchStatus::Running {
            return Err(OpsError::BatchEnded {
                workflow_id: batch.workflow_id,
            });
        }
        let action = format!("batch_{}", control.as_str());
        self.record(&action, &batch.workflow_id, by).await?;
        self.signal(&batch, control).await?;
        Ok(batch)
    }

    async fn only_running_batch(&self) -> Result<BatchRow> {
        let newest = self.records.batches(NEWEST).await?;
        let mut running: Vec<BatchRow> = newest
            .into_iter()
            .filter(|batch| batch.status == BatchStatus::Running)
            .collect();
        match (running.pop(), running.is_empty()) {
            (Some(only), true) => Ok(only),
            (None, _) => Err(OpsError::NoBatchRuns),
            (Some(one), false) => {
                running.push(one);
                let ids = running.iter().map(|batch| batch.workflow_id.clone());
                Err(OpsError::SeveralBatchesRun {
                    ids: ids.collect::<Vec<_>>().join(", "),
                })
            }
        }
    }

    async fn signal(&self, batch: &BatchRow, control: Control) -> Result<()> {
        let request = SignalWorkflowExecutionRequest {
            namespace: self.client.options().namespace.clone(),
            workflow_execution: Some(WorkflowExecution {
                workflow_id: batch.workflow_id.clone(),
                run_id: String::new(),
            }),
            signal_name: control.as_str().to_owned(),
            identity: self.client.connection().identity().to_owned(),
            request_id: Uuid::new_v4().to_string(),
            ..Default::default()
        };
        let mut service = self.client.connection().workflow_service();
        let signalled = service
            .signal_workflow_execution(tonic::Request::new(request))
            .await;
        match signalled {
            Ok(_) => Ok(()),
            Err(status) if status.code() == tonic::Code::NotFound => Err(OpsError::BatchEnded {
                workflow_id: batch.workflow_id.clone(),
            }),
            Err(status) => Err(GatewayError::from_status(&status).into()),
        }
    }
}
