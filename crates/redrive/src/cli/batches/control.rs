//! `redrive batches pause`, `resume` and `stop`: telling a batch that runs.

use std::process::ExitCode;

use clap::Args;
use redrive_engine::ops::{Control, Controlled, Ops};
use redrive_flows::orchestration::Progress;
use serde::Serialize;

use crate::cli::session::Why;
use crate::cli::words::{count_of, orders};
use crate::printer::Printer;

/// What those commands take.
#[derive(Debug, Args)]
pub struct ControlArgs {
    /// The batch id or its workflow id [default: the batch that runs]
    id: Option<String>,
    #[command(flatten)]
    why: Why,
}

/// What it was told, and what it says to that.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    workflow_id: &'a str,
    batch_id: &'a str,
    told: &'static str,
    /// Whether its answer shows that it has heard; else it hears when a worker goes on with it.
    heard: bool,
    /// What it does now; none where nobody answers.
    progress: Option<&'a Progress>,
}

/// Tells it.
pub async fn run(
    args: ControlArgs,
    control: Control,
    ops: &Ops,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let controlled = ops.control_batch(args.id.as_deref(), control, &by).await?;
    let Controlled {
        running,
        heard,
        progress,
    } = &controlled;
    let told = Told {
        workflow_id: &running.workflow_id,
        batch_id: &running.batch_id,
        told: control.as_str(),
        heard: *heard,
        progress: progress.as_ref(),
    };
    printer.data(&told, |told, paint| {
        let id = paint.bold(told.workflow_id);
        let doing = told.progress.map(doing).unwrap_or_default();
        match (told.heard, control) {
            (false, _) => format!(
                "{id} is told to {}, and has not answered yet.{doing}",
                told.told
            ),
            (true, Control::Pause) => format!(
                "{id} claims no more orders until `redrive batches resume`; its deadline stays.{doing}"
            ),
            (true, Control::Resume) => format!("{id} goes on.{doing}"),
            (true, Control::Stop) => format!(
                "{id} ends: it gives back what it has not begun, and records its result.{doing}"
            ),
        }
    })?;
    if !heard && ops.pollers().await? == 0 {
        printer.hint(format_args!(
            "no worker polls the task queue {:?}: it hears this when one does (`redrive worker`).",
            ops.engine.settings.task_queue
        ));
    } else {
        printer.hint(format_args!(
            "`redrive batches show {}` tells how it stands.",
            told.workflow_id
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// What it does now, as a sentence.
fn doing(progress: &Progress) -> String {
    format!(
        " It is {}: {} of {} done, {} claimed.",
        progress.phase,
        progress.chunks_done,
        count_of(u64::from(progress.chunks_started), "chunk"),
        orders(progress.claimed)
    )
}
