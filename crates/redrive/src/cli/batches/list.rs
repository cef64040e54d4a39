//! `redrive batches list`.

use std::process::ExitCode;

use clap::Args;
use redrive_core::report::BatchStatus;
use redrive_engine::ops::Records;
use redrive_ledger::BatchRow;

use crate::backend::Backend;
use crate::cli::narrow::Most;
use crate::cli::when;
use crate::cli::words::plain;
use crate::printer::{Paint, Printer, table};

/// `batches list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    most: Most,
}

/// Lists.
pub async fn run(
    args: ListArgs,
    backend: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let batches = backend.batches(args.most.limit).await?;
    printer.data(&batches, |batches, paint| text(batches, paint))?;
    args.most.tell(batches.len(), printer);
    Ok(ExitCode::SUCCESS)
}

fn text(batches: &[BatchRow], paint: Paint) -> String {
    if batches.is_empty() {
        return "No batch has run yet.".to_owned();
    }
    let mut table = table([
        "started",
        "status",
        "found",
        "restarted",
        "dead-lettered",
        "errors",
        "skipped",
        "recovered",
        "failed again",
        "batch",
        "",
    ]);
    for batch in batches {
        let result = &batch.result;
        let counts = [
            result.found_count,
            result.restarted_count,
            result.dlq_count,
            result.error_count,
            result.skipped_count,
            result.recovered_count,
            result.failed_again_count,
        ];
        let mut row = vec![when::local(batch.started_at), status(batch, paint)];
        row.extend(counts.map(|count| count.to_string()));
        row.push(paint.dim(&result.batch_id));
        row.push(remarks(batch, paint));
        table.add_row(row);
    }
    table.trim_fmt()
}

/// How it stands, in its colour.
pub(super) fn status(batch: &BatchRow, paint: Paint) -> String {
    let name = plain(batch.status.as_str());
    match batch.status {
        BatchStatus::Completed => paint.green(name),
        BatchStatus::Failed | BatchStatus::Abandoned => paint.red(name),
        BatchStatus::Partial => paint.yellow(name),
        BatchStatus::Running => paint.cyan(name),
    }
}

fn remarks(batch: &BatchRow, paint: Paint) -> String {
    let mut remarks = Vec::new();
    if batch.one_order {
        remarks.push("an operator's retry".to_owned());
    }
    if batch.result.truncated {
        remarks.push("ended early".to_owned());
    }
    match batch.alerts.len() {
        0 => {}
        1 => remarks.push(paint.yellow("1 alert")),
        count => remarks.push(paint.yellow(format_args!("{count} alerts"))),
    }
    remarks.join(", ")
}
