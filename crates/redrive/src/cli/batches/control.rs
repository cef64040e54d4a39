//! `redrive batches pause`, `resume` and `stop`: telling a batch that runs.

use std::process::ExitCode;

use clap::Args;
use redrive_engine::ops::{Control, Ops};
use serde::Serialize;

use crate::cli::session::Who;
use crate::printer::Printer;

/// What those commands take.
#[derive(Debug, Args)]
pub struct ControlArgs {
    /// The batch id or its workflow id [default: the batch that runs]
    id: Option<String>,
    /// Why
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    #[command(flatten)]
    who: Who,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    workflow_id: String,
    batch_id: String,
    told: &'static str,
    /// Orders that it has found so far.
    found_count: u64,
}

/// Tells it.
pub async fn run(
    args: ControlArgs,
    control: Control,
    ops: &Ops,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.who.because(args.reason)?;
    let batch = ops.control_batch(args.id.as_deref(), control, &by).await?;
    let told = Told {
        workflow_id: batch.workflow_id,
        batch_id: batch.result.batch_id,
        told: control.as_str(),
        found_count: batch.result.found_count,
    };
    printer.data(&told, |told, paint| {
        let id = paint.bold(&told.workflow_id);
        match control {
            Control::Pause => format!(
                "{id} claims no more orders until `redrive batches resume`; its deadline stays."
            ),
            Control::Resume => format!("{id} goes on."),
            Control::Stop => {
                format!("{id} ends: it gives back what it has not begun, and records its result.")
            }
        }
    })?;
    printer.hint(format_args!(
        "`redrive batches show {}` tells how it stands.",
        told.workflow_id
    ));
    Ok(ExitCode::SUCCESS)
}
