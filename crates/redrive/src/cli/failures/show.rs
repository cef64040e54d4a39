//! `redrive failures show`.

use std::process::ExitCode;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use redrive_engine::ops::Records;
use redrive_ledger::FailureEntry;
use redrive_web::views::FailureShown;

use crate::backend::Backend;
use crate::cli::when;
use crate::cli::words::plain;
use crate::printer::{Paint, Printer};

/// `failures show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The run id, as `failures list` shows it
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    run: String,
}

/// Shows.
pub async fn run(
    args: ShowArgs,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let shown = records.failure(&args.run).await?;
    printer.data(&shown, text)?;
    printer.hint(format_args!(
        "`redrive orders show {}` tells its whole story.",
        shown.entry.order_id
    ));
    Ok(ExitCode::SUCCESS)
}

fn text(shown: &FailureShown, paint: Paint) -> String {
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
