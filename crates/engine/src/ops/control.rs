//! Telling a batch that runs: pause, resume, stop. Its workflow hears it by a signal, and its query tells what it does.
//!
//! *Running* is what the server says: a row of the ledger may say so of a batch whose workflow was terminated, and a batch
//! that no worker has begun has no row yet.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use redrive_core::report::BatchStatus;
use redrive_flows::batch::orchestration_id;
use redrive_flows::operation::operation_of;
use redrive_flows::orchestration::Progress;
use redrive_flows::{BATCH_WORKFLOW, ORCHESTRATION_WORKFLOW};
use redrive_ledger::NewAuditEvent;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, ListWorkflowExecutionsRequest, SignalWorkflowExecutionRequest,
};
use tonic::Code;
use uuid::Uuid;

use super::{Ops, OpsError, Result, Running};
use crate::gateway::{GatewayError, asked, quoted};

/// How often a batch is asked whether it has heard, and how long it is waited for between: a few workflow tasks.
const LOOKS: u32 = 25;
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// After so many questions without an answer its worker is busy, or gone: each waits for seconds.
const UNANSWERED: u32 = 10;
/// Batches asked about at the same time.
const AT_ONCE: usize = 16;
/// More batches than ever run at once.
const MANY: i32 = 100;

/// What an operator tells a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Begin no chunk until it is resumed.
    Pause,
    /// Go on.
    Resume,
    /// End early: give back what is untouched, record the result.
    Stop,
}

impl Control {
    /// The signal's name, and the act's in the audit trail after `batch_`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop => "stop",
        }
    }

    fn is_heard(self, progress: &Progress) -> bool {
        match self {
            Self::Pause => progress.paused,
            Self::Resume => !progress.paused,
            Self::Stop => progress.stopping,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controlled {
    /// The batch.
    pub running: Running,
    /// Whether its answer shows that it has heard; else it hears it when a worker goes on with it.
    pub heard: bool,
    /// What it does now; `None` where nobody answers.
    pub progress: Option<Progress>,
}

impl Ops {
    /// Tells the batch of that workflow id or batch id, or the only one that runs. It is written to the audit trail first.
    pub async fn control_batch(
        &self,
        id: Option<&str>,
        control: Control,
        by: &NewAuditEvent,
    ) -> Result<Controlled> {
        let running = match id {
            Some(id) => self.running_batch(id).await?,
            None => self.only_batch().await?,
        };
        self.record(
            &format!("batch_{}", control.as_str()),
            &running.workflow_id,
            by,
        )
        .await?;
        self.signal(&running, control).await?;
        let progress = self.answer(&running, control).await?;
        Ok(Controlled {
            running,
            heard: progress.as_ref().is_some_and(|now| control.is_heard(now)),
            progress,
        })
    }

    /// What the batch does once it has heard; what it did last where it does not hear in time.
    async fn answer(&self, running: &Running, control: Control) -> Result<Option<Progress>> {
        let mut unanswered = 0;
        for _ in 0..LOOKS {
            let progress = self.progress(running).await;
            if progress.as_ref().is_some_and(|now| control.is_heard(now)) {
                return Ok(progress);
            }
            unanswered += u32::from(progress.is_none());
            // Nobody works, so nobody will answer.
            if unanswered == UNANSWERED || progress.is_none() && self.pollers().await? == 0 {
                return Ok(None);
            }
            self.engine.clock.sleep(LOOK_EVERY).await;
        }
        Ok(self.progress(running).await)
    }

    /// The batches that run, by their workflow ids.
    pub async fn running_batches(&self) -> Result<Vec<Running>> {
        let mut ids: BTreeSet<String> = self.listed().await?.into_iter().collect();
        let rows = self.engine.ledger.unfinished_batches().await?;
        ids.extend(rows.into_iter().map(|row| row.workflow_id));
        let running = futures::stream::iter(ids)
            .map(|id| async move { self.running_now(&id).await })
            .buffered(AT_ONCE);
        running
            .try_filter_map(async |batch| Ok(batch))
            .try_collect()
            .await
    }

    async fn only_batch(&self) -> Result<Running> {
        only(self.running_batches().await?, |batch| &batch.workflow_id)
    }

    async fn running_batch(&self, id: &str) -> Result<Running> {
        if let Some(running) = self.running_now(id).await? {
            return Ok(running);
        }
        let mut running = self.running_batches().await?.into_iter();
        if let Some(running) = running.find(|batch| batch.batch_id == id) {
            return Ok(running);
        }
        let batch = self.records.show_batch(id).await?;
        let runs = batch.status == BatchStatus::Running;
        if let Some(operation) = operation_of(&batch.workflow_id).filter(|_| runs) {
            return Err(OpsError::IsAnOperation {
                id: operation.to_string(),
            });
        }
        Err(OpsError::BatchEnded {
            workflow_id: batch.workflow_id,
        })
    }

    /// The batch that runs under that workflow id; of a batch's child, that batch.
    async fn running_now(&self, workflow_id: &str) -> Result<Option<Running>> {
        let known = self.known_batch(workflow_id).await?;
        Ok(known.filter(|(_, runs)| *runs).map(|(batch, _)| batch))
    }

    /// The batch of that workflow id, as the server knows it, and whether it runs; of a batch's child, that batch.
    pub(super) async fn known_batch(&self, workflow_id: &str) -> Result<Option<(Running, bool)>> {
        let Some(info) = self.info(workflow_id).await? else {
            return Ok(None);
        };
        let runs = info.status() == WorkflowExecutionStatus::Running;
        Ok(batch_of(workflow_id, info).map(|batch| (batch, runs)))
    }

    /// The workflow ids of batches that visibility shows to run; it lags.
    async fn listed(&self) -> Result<Vec<String>> {
        let request = ListWorkflowExecutionsRequest {
            namespace: self.client.options().namespace.clone(),
            page_size: MANY,
            query: format!(
                "WorkflowType IN ('{BATCH_WORKFLOW}', '{ORCHESTRATION_WORKFLOW}') AND ExecutionStatus = 'Running' AND \
                 TaskQueue = {}",
                quoted(&self.engine.settings.task_queue)
            ),
            ..Default::default()
        };
        let listed = asked(&self.client, &request, |mut service, request| async move {
            service.list_workflow_executions(request).await
        });
        let listed = listed
            .await
            .map_err(|status| GatewayError::from_status(&status))?;
        let runs = listed.into_inner().executions.into_iter();
        Ok(runs
            .filter(|run| run.parent_execution.is_none())
            .filter_map(|run| run.execution)
            .map(|run| run.workflow_id)
            .collect())
    }

    async fn info(&self, workflow_id: &str) -> Result<Option<WorkflowExecutionInfo>> {
        let request = DescribeWorkflowExecutionRequest {
            namespace: self.client.options().namespace.clone(),
            execution: Some(WorkflowExecution {
                workflow_id: workflow_id.to_owned(),
                ..Default::default()
            }),
        };
        let described = asked(&self.client, &request, |mut service, request| async move {
            service.describe_workflow_execution(request).await
        });
        match described.await {
            Ok(described) => Ok(described.into_inner().workflow_execution_info),
            Err(status) => match GatewayError::from_status(&status) {
                // It knows none, or no workflow can have such an id.
                GatewayError::Item(_) => Ok(None),
                error => Err(error.into()),
            },
        }
    }

    async fn signal(&self, running: &Running, control: Control) -> Result<()> {
        let request = SignalWorkflowExecutionRequest {
            namespace: self.client.options().namespace.clone(),
            workflow_execution: Some(WorkflowExecution {
                workflow_id: running.workflow_id.clone(),
                ..Default::default()
            }),
            signal_name: control.as_str().to_owned(),
            identity: self.client.connection().identity().to_owned(),
            request_id: Uuid::new_v4().to_string(),
            ..Default::default()
        };
        let told = asked(&self.client, &request, |mut service, request| async move {
            service.signal_workflow_execution(request).await
        });
        match told.await {
            Ok(_) => Ok(()),
            Err(status) if status.code() == Code::NotFound => Err(OpsError::BatchEnded {
                workflow_id: running.workflow_id.clone(),
            }),
            Err(status) => Err(GatewayError::from_status(&status).into()),
        }
    }
}

/// The only one of the batches that run, where none was named.
///
/// Errors: none runs, or several do.
pub fn only<T>(mut running: Vec<T>, workflow_id: impl Fn(&T) -> &str) -> Result<T> {
    match (running.pop(), running.is_empty()) {
        (None, _) => Err(OpsError::NoBatchRuns),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            running.push(last);
            let ids: Vec<&str> = running.iter().map(workflow_id).collect();
            let ids = ids.join(", ");
            Err(OpsError::SeveralBatchesRun { ids })
        }
    }
}

/// The batch whose workflow, or whose child, that is; `None` where it is no batch's.
fn batch_of(workflow_id: &str, info: WorkflowExecutionInfo) -> Option<Running> {
    let kind = info.r#type.unwrap_or_default().name;
    if kind == ORCHESTRATION_WORKFLOW
        && let Some(parent) = info.parent_execution
    {
        return Some(Running {
            workflow_id: parent.workflow_id,
            batch_id: parent.run_id,
            orchestration_id: workflow_id.to_owned(),
        });
    }
    let orchestration_id = match kind.as_str() {
        BATCH_WORKFLOW => orchestration_id(workflow_id),
        ORCHESTRATION_WORKFLOW => workflow_id.to_owned(),
        _ => return None,
    };
    Some(Running {
        workflow_id: workflow_id.to_owned(),
        batch_id: info.first_run_id,
        orchestration_id,
    })
}
