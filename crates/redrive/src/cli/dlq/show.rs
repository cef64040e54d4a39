//! `redrive dlq show`: one entry, with every attempt that led to it.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use redrive_engine::ops::{OpsError, Records};
use redrive_ledger::{DeadLetter, FailureRow, Story};
use serde::Serialize;

use super::{decided, why};
use crate::cli::when;
use crate::cli::words::short;
use crate::printer::{Paint, Printer, table};

/// `dlq show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The order id, or the workflow id
    id: String,
}

/// An entry as it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    entry: DeadLetter,
    resolved: bool,
    retry_history: Vec<Try>,
}

/// A run that failed on the way to the queue.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Try {
    /// 0 is the order's first run.
    attempt: usize,
    run_id: String,
    failed_at: Timestamp,
    status: String,
    reason: String,
}

/// Shows.
pub async fn run(args: ShowArgs, records: &Records, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut story = records.show_order(&args.id).await?;
    let Some(entry) = story.dead_letters.pop() else {
        return Err(OpsError::NotDeadLettered { id: args.id }.into());
    };
    let shown = Shown {
        retry_history: history(&story, &entry),
        resolved: entry.resolved_at.is_some(),
        entry,
    };
    let now = records.clock.now();
    printer.data(&shown, |shown, paint| text(shown, now, paint))?;
    if !shown.resolved {
        printer.hint("`redrive dlq retry`, `cancel` or `escalate` with its id decides about it.");
    }
    Ok(ExitCode::SUCCESS)
}

/// The failures that led to the entry.
fn history(story: &Story, entry: &DeadLetter) -> Vec<Try> {
    let until = entry.created_at;
    let failures: Vec<&FailureRow> = story
        .failures
        .iter()
        .filter(|failure| failure.closed_at <= until)
        .collect();
    let counted = entry.retry_count as usize + 1;
    failures[failures.len().saturating_sub(counted)..]
        .iter()
        .enumerate()
        .map(|(attempt, failure)| Try {
            attempt,
            run_id: failure.run_id.to_string(),
            failed_at: failure.closed_at,
            status: failure.failure_status.clone(),
            reason: failure.reason.clone(),
        })
        .collect()
}

fn text(shown: &Shown, now: Timestamp, paint: Paint) -> String {
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
    for one in &shown.retry_history {
        let which = match one.attempt {
            0 => "first".to_owned(),
            number => format!("restart {number}"),
        };
        table.add_row([
            which,
            when::local(one.failed_at),
            one.status.clone(),
            short(&one.reason),
            paint.dim(&one.run_id),
        ]);
    }
    let lines = [
        format!("{} ({})", paint.bold(&entry.order_id), entry.workflow_id),
        format!(
            "{stands} It is in the queue because: {}.",
            why(entry.reason)
        ),
        String::new(),
        table.trim_fmt(),
    ];
    lines.join("\n")
}
