//! `redrive classify`: what the policy makes of a run that failed.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use redrive_core::ids::{RunId, WorkflowId};
use redrive_engine::gateway::{FailedRun, GatewayError};
use redrive_engine::{EngineError, NoFailedRun, read_failed_run};
use serde::Serialize;

use super::judgement::Judgement;
use super::{Global, when};
use crate::config;
use crate::connect::{self, Target};
use crate::printer::{Paint, Printer};
use crate::problem::Problem;

/// Read a failed run from Temporal, and tell what the policy makes of it
///
/// It tells the failure status and which rule gave it, and whether the order would be started again. Nothing is changed, and
/// no ledger is needed.
#[derive(Debug, Args)]
pub struct ClassifyArgs {
    /// The workflow id
    #[arg(long, value_name = "ID")]
    workflow_id: String,
    /// The run [default: the latest]
    #[arg(long, value_name = "RUN")]
    run_id: Option<String>,
}

/// A failed run, judged.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Classified<'policy> {
    workflow_id: WorkflowId,
    run_id: RunId,
    timed_out: bool,
    closed_at: Timestamp,
    #[serde(flatten)]
    judgement: Judgement<'policy>,
}

/// Runs the command.
pub async fn run(
    args: ClassifyArgs,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let policy = config::load(&global.overrides())?.policy;
    let target = Target::configured()?;
    let gateway = connect::gateway(&target, &target.connect().await?).await?;
    let workflow_id = WorkflowId::from(args.workflow_id);
    let run_id = args.run_id.map(RunId::from);
    let run = read_failed_run(&gateway, &workflow_id, run_id.as_ref())
        .await
        .map_err(refused)?;
    let judgement = Judgement::new(&policy, &run.workflow_type, &run.facts, run.has_parent);
    printer.data(&Classified::new(run, judgement), Classified::text)?;
    Ok(ExitCode::SUCCESS)
}

/// The error with what to do about it: most are about what was asked for.
fn refused(error: NoFailedRun) -> anyhow::Error {
    let hint = match &error {
        NoFailedRun::Unknown { .. } => {
            "check the id and TEMPORAL_NAMESPACE; the server forgets a closed run when its retention is over."
        }
        NoFailedRun::NotFailed { .. } => "name a run that failed with --run-id.",
        NoFailedRun::WentOn { .. } => "leave --run-id away to read the latest run.",
        NoFailedRun::Gateway(GatewayError::Item(_)) => "check the workflow id and the run id.",
        NoFailedRun::Gateway(error) => return EngineError::from(error.clone()).into(),
    };
    Problem::user(error.to_string(), hint).into()
}

impl<'policy> Classified<'policy> {
    fn new(run: FailedRun, judgement: Judgement<'policy>) -> Self {
        Self {
            workflow_id: run.workflow_id,
            run_id: run.run_id,
            timed_out: run.timed_out,
            closed_at: run.closed_at,
            judgement,
        }
    }

    fn text(&self, paint: Paint) -> String {
        let closed = if self.timed_out {
            "timed out"
        } else {
            "failed"
        };
        format!(
            "{}, run {}, {closed} at {}\n{}",
            paint.bold(&self.workflow_id),
            self.run_id,
            when::local(self.closed_at),
            self.judgement.text(paint)
        )
    }
}
