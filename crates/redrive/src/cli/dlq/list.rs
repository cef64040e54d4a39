//! `redrive dlq list`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{DeadLetter, DeadLetterFilter};

use super::decided;
use crate::cli::narrow::{Most, Which, Whose, ago, span};
use crate::cli::when;
use crate::cli::words::short;
use crate::printer::{Paint, Printer, table};

/// `dlq list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Show those that are decided, too
    #[arg(long)]
    resolved: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    whose: Whose,
    /// Only those that are in the queue for longer than this span, say 7d
    #[arg(long, value_name = "SPAN", value_parser = span)]
    older_than: Option<Duration>,
    #[command(flatten)]
    most: Most,
}

/// Lists.
pub async fn run(args: ListArgs, records: &Records, printer: &Printer) -> anyhow::Result<ExitCode> {
    let filter = DeadLetterFilter {
        resolved: (!args.resolved).then_some(false),
        failure_status: args.which.status,
        group: args.which.group,
        customer_id: args.whose.customer,
        before: args.older_than.map(|span| ago(span, records.clock.now())),
        ..DeadLetterFilter::default()
    };
    let narrowed = is_narrowed(&filter);
    let entries = records.dead_letters(&filter, args.most.limit).await?;
    printer.data(&entries, |entries, paint| match entries.is_empty() {
        true if narrowed => "No order in the dead letter queue matches.".to_owned(),
        true => "The dead letter queue is empty.".to_owned(),
        false => listing(entries, args.resolved, paint),
    })?;
    args.most.tell(entries.len(), printer);
    Ok(ExitCode::SUCCESS)
}

/// Whether the filter leaves anybody out, but for decided ones.
fn is_narrowed(filter: &DeadLetterFilter) -> bool {
    filter.failure_status.is_some()
        || filter.group.is_some()
        || filter.customer_id.is_some()
        || filter.before.is_some()
}

/// The entries as a table.
pub(super) fn listing(entries: &[DeadLetter], resolved: bool, paint: Paint) -> String {
    let now = SystemClock.now();
    let mut header = vec!["order", "status", "why", "restarts"];
    header.extend_from_slice(if resolved {
        &["since", "decided"]
    } else {
        &["waits for"]
    });
    header.push("last message");
    let mut table = table(header);
    for entry in entries {
        let mut row = vec![
            paint.bold(&entry.order_id),
            entry.failure_status.clone(),
            entry.reason.in_words().to_owned(),
            entry.retry_count.to_string(),
        ];
        if resolved {
            row.extend([when::local(entry.created_at), decided(entry)]);
        } else {
            row.push(when::age(entry.created_at, now));
        }
        row.push(short(&entry.failure_reason));
        table.add_row(row);
    }
    table.trim_fmt()
}
