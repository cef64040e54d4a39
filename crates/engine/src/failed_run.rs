//! One failed run, read from Temporal for a person who asks about it. The ledger is not needed.

use redrive_core::decide::RunStatus;
use redrive_core::ids::{RunId, WorkflowId};

use crate::gateway::{FailedRun, Gateway, GatewayError, RunToRead};

/// Why there is no failed run to read.
#[derive(Debug, thiserror::Error)]
pub enum NoFailedRun {
    /// The server does not know it.
    #[error("Temporal knows no workflow {workflow_id}{} in namespace {namespace:?}.", with_run(.run_id.as_ref()))]
    Unknown {
        /// The workflow id.
        workflow_id: WorkflowId,
        /// The run, if one was named.
        run_id: Option<RunId>,
        /// The namespace that was asked.
        namespace: String,
    },
    /// It did not fail.
    #[error("run {run_id} of {workflow_id} did not fail: it is {}.", .status.as_str().replace('_', " "))]
    NotFailed {
        /// The workflow id.
        workflow_id: WorkflowId,
        /// The run.
        run_id: RunId,
        /// What it did.
        status: RunStatus,
    },
    /// It failed, and its own workflow goes on as another run: a retry of its retry policy, or the next run of its cron
    /// schedule.
    #[error(
        "run {run_id} of {workflow_id} failed, and its workflow went on by itself as another run."
    )]
    WentOn {
        /// The workflow id.
        workflow_id: WorkflowId,
        /// The run.
        run_id: RunId,
    },
    /// The call failed.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

fn with_run(run_id: Option<&RunId>) -> String {
    run_id.map_or_else(String::new, |run_id| format!(" with a run {run_id}"))
}

/// Reads a failed run: the one that is named, else the latest of the workflow id.
pub async fn read_failed_run(
    gateway: &dyn Gateway,
    workflow_id: &WorkflowId,
    run_id: Option<&RunId>,
) -> Result<FailedRun, NoFailedRun> {
    let found = match run_id {
        Some(run_id) => {
            let status = gateway.run_status(workflow_id, run_id).await?;
            status.map(|status| (run_id.clone(), status))
        }
        None => {
            let latest = gateway.describe(workflow_id, None).await?;
            latest.map(|latest| (latest.run_id, latest.status))
        }
    };
    let unknown = || NoFailedRun::Unknown {
        workflow_id: workflow_id.clone(),
        run_id: run_id.cloned(),
        namespace: gateway.home().namespace.clone(),
    };
    let (run_id, status) = found.ok_or_else(unknown)?;
    if !status.is_failure() {
        return Err(NoFailedRun::NotFailed {
            workflow_id: workflow_id.clone(),
            run_id,
            status,
        });
    }
    let to_read = RunToRead::new(workflow_id.clone(), run_id.clone());
    let run = gateway.read_failure(&to_read).await?;
    run.ok_or_else(|| NoFailedRun::WentOn {
        workflow_id: workflow_id.clone(),
        run_id,
    })
}
