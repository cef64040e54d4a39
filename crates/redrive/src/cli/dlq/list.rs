//! `redrive dlq list`.

use std::process::ExitCode;

use clap::Args;
use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{DeadLetter, DeadLetterFilter};

use super::{decided, why};
use crate::cli::when;
use crate::printer::{Paint, Printer, table};

/// `dlq list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Show those that are decided, too
    #[arg(long)]
    resolved: bool,
    /// Show at most N
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Lists.
pub async fn run(args: ListArgs, records: &Records, printer: &Printer) -> anyhow::Result<ExitCode> {
    let filter = DeadLetterFilter {
        resolved: (!args.resolved).then_some(false),
        ..DeadLetterFilter::default()
    };
    let entries = records.dead_letters(&filter, args.limit).await?;
    printer.data(&entries, |entries, paint| {
        listing(entries, args.resolved, paint)
    })?;
    if entries.len() >= args.limit as usize {
        printer.hint(format_args!(
            "these are the first {}; --limit shows more.",
            args.limit
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn listing(entries: &[DeadLetter], resolved: bool, paint: Paint) -> String {
    if entries.is_empty() {
        return "The dead letter queue is empty.".to_owned();
    }
    let now = SystemClock.now();
    let header: &[&str] = match resolved {
        true => &[
            "order",
            "status",
            "why",
            "restarts",
            "since",
            "decided",
            "last message",
        ],
        false => &[
            "order",
            "status",
            "why",
            "restarts",
            "waits for",
            "last message",
        ],
    };
    let mut table = table(header);
    for entry in entries {
        let why = why(entry.reason).to_owned();
        let waits = when::age(entry.created_at, now);
        let mut row = vec![
            paint.bold(&entry.order_id),
            entry.failure_status.clone(),
            why,
            entry.retry_count.to_string(),
        ];
        match resolved {
            true => row.extend([when::local(entry.created_at), decided(entry)]),
            false => row.push(waits),
        }
        row.push(short(&entry.failure_reason));
        table.add_row(row);
    }
    table.trim_fmt()
}

/// The first line of a message, cut to what a table bears.
fn short(message: &str) -> String {
    const WIDTH: usize = 60;
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
