//! `redrive failures show`.

use std::process::ExitCode;

use clap::Args;
use redrive_core::ids::RunId;
use redrive_engine::ops::Records;
use redrive_ledger::FailureEntry;
use serde::Serialize;

use crate::cli::when;
use crate::cli::words::plain;
use crate::printer::{Paint, Printer};

/// `failures show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The run id, as `failures list` shows it
    run: String,
}

/// A failed run as it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    entry: FailureEntry,
    /// Whether the policy reprocesses such a failure.
    reprocessed: bool,
}

/// Shows.
pub async fn run(args: ShowArgs, records: &Records, printer: &Printer) -> anyhow::Result<ExitCode> {
    let entry = records.failure(&RunId::from(args.run)).await?;
    let reprocessed = records.policy.reprocess(&entry.failure.failure_status);
    let order = entry.order_id.clone();
    printer.data(&Shown { entry, reprocessed }, text)?;
    printer.hint(format_args!(
        "`redrive orders show {order}` tells its whole story."
    ));
    Ok(ExitCode::SUCCESS)
}

fn text(shown: &Shown, paint: Paint) -> String {
    let FailureEntry {
        workflow_id,
        order_id,
        workflow_type,
        state,
        failure,
    } = &shown.entry;
    let how = if failure.timed_out {
        "timed out"
    } else {
        "failed"
    };
    let policy = if shown.reprocessed {
        "the policy reprocesses it"
    } else {
        "the policy leaves it alone"
    };
    let lines = [
        format!("{} ({workflow_id}, {workflow_type})", paint.bold(order_id)),
        format!(
            "Run          {} {how} {}",
            failure.run_id,
            when::local(failure.closed_at)
        ),
        format!(
            "Status       {}: {policy}",
            paint.red(&failure.failure_status)
        ),
        format!("Group        {}", failure.fingerprint),
        format!("Order is now {}", plain(state.as_str())),
        format!("Message      {}", failure.reason),
    ];
    lines.join("\n")
}
