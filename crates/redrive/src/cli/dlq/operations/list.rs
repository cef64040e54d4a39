//! `redrive dlq operations list`.

use std::process::ExitCode;

use clap::Args;
use redrive_engine::ops::Records;
use redrive_ledger::{Operation, OperationStatus};

use crate::backend::Backend;
use crate::cli::narrow::Most;
use crate::cli::when;
use crate::cli::words::short;
use crate::printer::{Paint, Printer, table};

/// `dlq operations list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    most: Most,
}

/// Lists.
pub async fn run(
    args: ListArgs,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let operations = records.operations(args.most.limit).await?;
    printer.data(&operations, |operations, paint| text(operations, paint))?;
    args.most.tell(operations.len(), printer);
    Ok(ExitCode::SUCCESS)
}

fn text(operations: &[Operation], paint: Paint) -> String {
    if operations.is_empty() {
        return "No operation has been started yet.".to_owned();
    }
    let mut table = table([
        "operation",
        "begun",
        "status",
        "orders",
        "started",
        "failed",
        "skipped",
        "by",
        "why",
    ]);
    for operation in operations {
        let mut row = vec![
            paint.bold(&operation.id),
            when::local(operation.created_at),
            status(operation.status, paint),
        ];
        let counts = [
            operation.matched,
            operation.started,
            operation.failed,
            operation.skipped,
        ];
        row.extend(counts.map(|count| count.to_string()));
        row.extend([operation.actor.clone(), short(&operation.reason)]);
        table.add_row(row);
    }
    table.trim_fmt()
}

/// How it stands, in its colour.
pub(super) fn status(status: OperationStatus, paint: Paint) -> String {
    let name = status.as_str();
    match status {
        OperationStatus::Completed => paint.green(name),
        OperationStatus::Failed => paint.red(name),
        OperationStatus::Stopped | OperationStatus::Paused => paint.yellow(name),
        OperationStatus::Running => paint.cyan(name),
    }
}
