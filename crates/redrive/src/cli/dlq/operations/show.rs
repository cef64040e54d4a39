//! `redrive dlq operations show`: how far an operation is, and what it did not start and why.

use std::process::ExitCode;

use clap::Args;
use redrive_core::ids::OperationId;
use redrive_engine::ops::{Ops, Records};
use redrive_ledger::{NotStarted, Operation, OperationStatus};
use serde::Serialize;

use super::follow::until_ended;
use super::list::status;
use crate::cli::narrow::Most;
use crate::cli::signals::StopSignals;
use crate::cli::when;
use crate::cli::words::{orders, short};
use crate::printer::{Paint, Printer, table};
use crate::problem::USER;

/// `dlq operations show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The operation's id
    id: String,
    /// Follow it until it has ended
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    most: Most,
}

/// An operation as it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    operation: Operation,
    not_started: Vec<NotStarted>,
}

/// Shows how it stands.
pub async fn run(args: ShowArgs, records: &Records, printer: &Printer) -> anyhow::Result<ExitCode> {
    let operation = records.operation(&args.id.as_str().into()).await?;
    shown(operation, args.most.limit, records, printer).await?;
    Ok(ExitCode::SUCCESS)
}

/// Follows it to its end.
pub async fn wait(args: ShowArgs, ops: &Ops, printer: &Printer) -> anyhow::Result<ExitCode> {
    let id = OperationId::from(args.id);
    let mut signals = StopSignals::listen()?;
    match until_ended(&id, ops, &mut signals, printer).await? {
        Ok(ended) => end(ended, args.most.limit, &ops.records, printer).await,
        Err(interrupted) => Ok(interrupted),
    }
}

/// Tells how it has ended: 0 where every order was started.
pub(super) async fn end(
    operation: Operation,
    limit: u32,
    records: &Records,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let well =
        operation.status == OperationStatus::Completed && operation.started == operation.matched;
    shown(operation, limit, records, printer).await?;
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    })
}

async fn shown(
    operation: Operation,
    limit: u32,
    records: &Records,
    printer: &Printer,
) -> anyhow::Result<()> {
    let not_started = records.not_started(&operation.id, limit).await?;
    let (shown, all) = (
        not_started.len() as u64,
        operation.failed + operation.skipped,
    );
    let shown_of = Shown {
        operation,
        not_started,
    };
    printer.data(&shown_of, text)?;
    if shown < all {
        printer.hint(format_args!(
            "these are the first {shown} of {all} that were not started; `redrive dlq operations show {} --limit` shows more.",
            shown_of.operation.id
        ));
    }
    Ok(())
}

fn text(shown: &Shown, paint: Paint) -> String {
    let operation = &shown.operation;
    let mut lines = vec![numbers(operation, paint), story(operation, paint)];
    if let Some(error) = &operation.error {
        lines.push(format!(
            "{} {error}. `redrive dlq operations resume {}` takes it up again.",
            paint.red("Error:"),
            operation.id
        ));
    }
    if !shown.not_started.is_empty() {
        let mut table = table(["order", "why not"]);
        for one in &shown.not_started {
            table.add_row([paint.bold(&one.order_id), short(&one.reason)]);
        }
        lines.push(String::new());
        lines.push(table.trim_fmt());
    }
    lines.join("\n")
}

/// One line of what was done.
fn numbers(operation: &Operation, paint: Paint) -> String {
    let done = format!(
        "Restarted {} of {}",
        operation.started,
        orders(operation.matched)
    );
    let not: Vec<String> = [
        (operation.failed, "could not be started"),
        (operation.skipped, "had nothing to start"),
        (operation.waiting, "waiting for their start"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if not.is_empty() {
        return paint.green(format_args!("{done}."));
    }
    paint.yellow(format_args!("{done}; {}.", not.join(", ")))
}

fn story(operation: &Operation, paint: Paint) -> String {
    let rate = operation
        .per_second
        .map_or_else(String::new, |rate| format!(", at most {rate} a second"));
    let ended = operation
        .ended_at
        .map_or_else(String::new, |at| format!(", ended {}", when::local(at)));
    let why = match operation.reason.as_str() {
        "" => String::new(),
        why => format!(" ({why})"),
    };
    format!(
        "Operation {} is {}: begun {} by {}{why}{rate}{ended}.",
        paint.bold(&operation.id),
        status(operation.status, paint),
        when::local(operation.created_at),
        operation.actor
    )
}
