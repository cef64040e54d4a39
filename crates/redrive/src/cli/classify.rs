//! `redrive classify`: what the policy makes of a run that failed.

use std::process::ExitCode;

use clap::Args;
use redrive_core::ids::{RunId, WorkflowId};
use redrive_web::views::Classified;

use super::{Global, judgement, when};
use crate::backend;
use crate::printer::{Paint, Printer};

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

/// Runs the command.
pub async fn run(
    args: ClassifyArgs,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workflow_id = WorkflowId::from(args.workflow_id);
    let run_id = args.run_id.map(RunId::from);
    let classified = backend::classified(global, &workflow_id, run_id.as_ref()).await?;
    printer.data(&classified, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(classified: &Classified, paint: Paint) -> String {
    let closed = if classified.timed_out {
        "timed out"
    } else {
        "failed"
    };
    format!(
        "{}, run {}, {closed} at {}\n{}",
        paint.bold(&classified.workflow_id),
        classified.run_id,
        when::local(classified.closed_at),
        judgement::text(&classified.judgement, paint)
    )
}
