//! `redrive failures list`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{FailureEntry, FailureFilter};

use crate::backend::Backend;
use crate::cli::narrow::{Most, Which, ago, span};
use crate::cli::when;
use crate::cli::words::{plain, short};
use crate::printer::{Paint, Printer, table};

/// `failures list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// Only runs that closed within this span, say 24h
    #[arg(long, value_name = "SPAN", value_parser = span)]
    since: Option<Duration>,
    #[command(flatten)]
    most: Most,
}

/// Lists.
pub async fn run(
    args: ListArgs,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let filter = FailureFilter {
        failure_status: args.which.status,
        group: args.which.group,
        since: args.since.map(|span| ago(span, SystemClock.now())),
        after: None,
    };
    let failures = records.failures(&filter, args.most.limit).await?;
    printer.data(&failures, |failures, paint| text(failures, paint))?;
    args.most.tell(failures.len(), printer);
    Ok(ExitCode::SUCCESS)
}

fn text(failures: &[FailureEntry], paint: Paint) -> String {
    if failures.is_empty() {
        return "No failed run is known.".to_owned();
    }
    let mut table = table([
        "closed",
        "order",
        "status",
        "order is now",
        "run",
        "message",
    ]);
    for entry in failures {
        table.add_row([
            when::local(entry.failure.closed_at),
            paint.bold(&entry.order_id),
            entry.failure.failure_status.clone(),
            plain(entry.state.as_str()),
            paint.dim(&entry.failure.run_id),
            short(&entry.failure.reason),
        ]);
    }
    table.trim_fmt()
}
