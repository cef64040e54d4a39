//! Failures that services report, so that they need not wait for the next scan; and those that somebody asks about.

use redrive_core::ids::{RunId, WorkflowId};
use redrive_ledger::OrderRow;

use super::{Ops, OpsError, Result};
use crate::failed_run::{NoFailedRun, read_failed_run};
use crate::gateway::{FailedRun, GatewayError};

/// A failed run, as somebody else has seen it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The order's workflow; `None`: the one that is known, or that the policy's pattern of order ids names.
    pub workflow_id: Option<WorkflowId>,
    /// The run; `None`: the workflow's latest.
    pub run_id: Option<RunId>,
    /// What went wrong; `None`: what the policy makes of the run's failure.
    pub failure_status: Option<String>,
}

impl Ops {
    /// Takes in a failed run now. Temporal is asked whether it failed, and how: a report of what did not happen changes nothing.
    /// The same run is taken in once, whoever reports or finds it.
    pub async fn report_failure(&self, id: &str, report: &Report) -> Result<OrderRow> {
        let run = self.reported(id, report).await?;
        let mut failure = self.engine.classified(run);
        if let Some(status) = &report.failure_status {
            failure.classification.status = status.clone();
        }
        let (policy, moment) = (&self.engine.policy, self.engine.clock.moment());
        let ledger = &self.engine.ledger;
        ledger.report(policy, &failure, moment).await?;
        let story = self
            .records
            .show_order(failure.workflow_id.as_str())
            .await?;
        Ok(story.order)
    }

    /// Reads a failed run: the one that is named, else the latest of the workflow id.
    pub async fn failed_run(
        &self,
        workflow_id: &WorkflowId,
        run_id: Option<&RunId>,
    ) -> Result<FailedRun> {
        let gateway = self.engine.gateway.as_ref();
        let run = read_failed_run(gateway, workflow_id, run_id).await;
        run.map_err(|error| match error {
            NoFailedRun::Gateway(error) => error.into(),
            error => OpsError::NotFailed(error),
        })
    }

    /// The failed run that is meant, of a type that is watched.
    async fn reported(&self, id: &str, report: &Report) -> Result<FailedRun> {
        let nobody = || OpsError::NoSuchOrder { id: id.to_owned() };
        let gateway = self.engine.gateway.as_ref();
        for workflow_id in self.workflows_of(id, report).await? {
            match read_failed_run(gateway, &workflow_id, report.run_id.as_ref()).await {
                Ok(run) if self.engine.policy.watched(&run.workflow_type).is_some() => {
                    return Ok(run);
                }
                Ok(_) => return Err(nobody()),
                // Nor has a workflow an id that the server refuses.
                Err(NoFailedRun::Unknown { .. } | NoFailedRun::Gateway(GatewayError::Item(_))) => {}
                Err(NoFailedRun::Gateway(error)) => return Err(error.into()),
                Err(error) => return Err(OpsError::NotFailed(error)),
            }
        }
        Err(nobody())
    }

    /// The workflow that is named, else the one that is known, else those that the patterns of watched types name.
    async fn workflows_of(&self, id: &str, report: &Report) -> Result<Vec<WorkflowId>> {
        if let Some(workflow_id) = &report.workflow_id {
            return Ok(vec![workflow_id.clone()]);
        }
        match self.records.find(id).await {
            Ok(known) => Ok(vec![known]),
            Err(OpsError::NoSuchOrder { .. }) => {
                let watched = self.engine.policy.watch.iter();
                let named = watched.map(|watch| WorkflowId::from(watch.workflow_id_of(id)));
                Ok(named.collect())
            }
            Err(error) => Err(error),
        }
    }
}
