//! `redrive batches pause`, `resume` and `stop`: telling a batch that runs.

use std::process::ExitCode;

use clap::Args;
use redrive_web::views::{BatchTold, Deed, Progress};

use crate::backend::Backend;
use crate::cli::Session;
use crate::cli::session::Why;
use crate::cli::words::{count_of, orders};
use crate::printer::{Paint, Printer};

/// What those commands take.
#[derive(Debug, Args)]
pub struct ControlArgs {
    /// The batch id or its workflow id [default: the batch that runs]
    id: Option<String>,
    #[command(flatten)]
    why: Why,
}

/// Tells it.
pub async fn run(
    args: ControlArgs,
    deed: Deed,
    backend: &Backend<Session>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let told = backend.tell_batch(args.id.as_deref(), deed, by).await?;
    printer.data(&told, text)?;
    match &told.workers {
        Some(workers) if workers.polling == 0 => printer.hint(format_args!(
            "no worker polls the task queue {:?}: it hears this when one does (`redrive worker`).",
            workers.task_queue
        )),
        _ => printer.hint(format_args!(
            "`redrive batches show {}` tells how it stands.",
            told.workflow_id
        )),
    }
    Ok(ExitCode::SUCCESS)
}

fn text(told: &BatchTold, paint: Paint) -> String {
    let id = paint.bold(&told.workflow_id);
    let doing = told.progress.as_ref().map(doing).unwrap_or_default();
    match (told.heard, told.told) {
        (false, deed) => format!(
            "{id} is told to {}, and has not answered yet.{doing}",
            deed.as_str()
        ),
        (true, Deed::Pause) => format!(
            "{id} claims no more orders until `redrive batches resume`; its deadline stays.{doing}"
        ),
        (true, Deed::Resume) => format!("{id} goes on.{doing}"),
        (true, Deed::Stop) => format!(
            "{id} ends: it gives back what it has not begun, and records its result.{doing}"
        ),
    }
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
