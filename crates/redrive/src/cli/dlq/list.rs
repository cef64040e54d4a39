//! `redrive dlq list`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock};
use redrive_web::views::Entry;

use super::decided;
use crate::backend::Backend;
use crate::backend::dead_letters::Wanted;
use crate::cli::narrow::{Most, Which, Whose, span};
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
pub async fn run(
    args: ListArgs,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let wanted = Wanted {
        status: args.which.status,
        group: args.which.group,
        customer: args.whose.customer,
        older_than: args.older_than,
    };
    let listed = records.dead_letters(&wanted, args.resolved, args.most.limit);
    let (entries, narrowed) = (listed.await?, wanted.narrows());
    printer.data(&entries, |entries, paint| match entries.is_empty() {
        true if narrowed => "No order in the dead letter queue matches.".to_owned(),
        true => "The dead letter queue is empty.".to_owned(),
        false => listing(entries, args.resolved, paint),
    })?;
    args.most.tell(entries.len(), printer);
    Ok(ExitCode::SUCCESS)
}

/// The entries as a table.
pub(super) fn listing(entries: &[Entry], resolved: bool, paint: Paint) -> String {
    let now = SystemClock.now();
    let mut header = vec!["order", "status", "why", "restarts"];
    header.extend_from_slice(if resolved {
        &["since", "decided"]
    } else {
        &["waits for"]
    });
    header.push("last message");
    let mut table = table(header);
    for Entry { entry, .. } in entries {
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
