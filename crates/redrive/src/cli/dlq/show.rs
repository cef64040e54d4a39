//! `redrive dlq show`: one entry, with every attempt that led to it.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock};
use redrive_web::views::Entry;

use super::decided;
use crate::backend::Backend;
use crate::cli::when;
use crate::printer::{Paint, Printer, table};

/// `dlq show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The order id, or the workflow id
    id: String,
}

/// Shows.
pub async fn run(
    args: ShowArgs,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let shown = records.dead_letter(&args.id).await?;
    let now = SystemClock.now();
    printer.data(&shown, |shown, paint| text(shown, now, paint))?;
    if !shown.resolved {
        printer.hint("`redrive dlq retry`, `cancel` or `escalate` with its id decides about it.");
    }
    Ok(ExitCode::SUCCESS)
}

fn text(shown: &Entry, now: Timestamp, paint: Paint) -> String {
    let entry = &shown.entry;
    let stands = if shown.resolved {
        format!("Decided: {}.", decided(entry))
    } else {
        format!(
            "Waits for a decision for {}.",
            when::age(entry.created_at, now)
        )
    };
    let mut table = table(["run", "failed", "status", "message", "id"]);
    for one in shown.retry_history.iter().flatten() {
        let which = match one.attempt {
            0 => "first".to_owned(),
            number => format!("restart {number}"),
        };
        table.add_row([
            which,
            when::local(one.failed_at),
            one.status.clone(),
            one.reason.clone(),
            paint.dim(&one.run_id),
        ]);
    }
    let lines = [
        format!("{} ({})", paint.bold(&entry.order_id), entry.workflow_id),
        format!(
            "{stands} It is in the queue because: {}.",
            entry.reason.in_words()
        ),
        String::new(),
        table.trim_fmt(),
    ];
    lines.join("\n")
}
