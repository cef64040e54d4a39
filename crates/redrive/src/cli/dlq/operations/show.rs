//! `redrive dlq operations show`: how far an operation is, and what it did not start and why.

use std::process::ExitCode;

use clap::Args;
use redrive_core::ids::OperationId;
use redrive_engine::ops::Records;
use redrive_ledger::{Operation, OperationStatus};
use redrive_web::views::OperationShown;

use super::follow::until_ended;
use super::list::status;
use crate::backend::Backend;
use crate::cli::Session;
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

/// Shows how it stands.
pub async fn run(
    args: ShowArgs,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let id = OperationId::from(args.id);
    let shown = records.operation(&id, args.most.limit).await?;
    show(&shown, printer)?;
    Ok(ExitCode::SUCCESS)
}

/// Follows it to its end.
pub async fn wait(
    args: ShowArgs,
    session: &Backend<Session>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let id = OperationId::from(args.id);
    let mut signals = StopSignals::listen()?;
    match until_ended(&id, session, &mut signals, printer).await? {
        Ok(()) => end(&id, args.most.limit, &session.records(), printer).await,
        Err(interrupted) => Ok(interrupted),
    }
}

/// Tells how it has ended: 0 where every order was started.
pub(super) async fn end(
    id: &OperationId,
    limit: u32,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let shown = records.operation(id, limit).await?;
    show(&shown, printer)?;
    let ended = &shown.operation;
    let well = ended.status == OperationStatus::Completed && ended.started == ended.matched;
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    })
}

fn show(told: &OperationShown, printer: &Printer) -> anyhow::Result<()> {
    printer.data(told, text)?;
    let operation = &told.operation;
    let (shown, all) = (
        told.not_started.len() as u64,
        operation.failed + operation.skipped,
    );
    if shown < all {
        printer.hint(format_args!(
            "these are the first {shown} of {all} that were not started; `redrive dlq operations show {} --limit` shows more.",
            operation.id
        ));
    }
    Ok(())
}

fn text(shown: &OperationShown, paint: Paint) -> String {
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
