//! `redrive dlq`: the dead letter queue, and the decisions about it.

mod decide;
mod list;
mod retry;

use std::process::ExitCode;

use clap::Subcommand;
use redrive_core::decide::DeadLetterReason;
use redrive_engine::ops::Decision;
use redrive_ledger::DeadLetter;

use super::{Global, Session, Verb, session, when};
use crate::printer::Printer;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// List the orders that wait for a decision, the oldest first
    List(list::ListArgs),
    /// Start an order again now, with a fresh budget of restarts
    ///
    /// It works after Temporal has deleted the order's history, too. If the order turns out to be running, completed or
    /// stopped, nothing is started, and that is told.
    Retry(retry::RetryArgs),
    /// Give an order up: it is not restarted by itself any more, whatever happens to it
    Cancel(decide::DecideArgs),
    /// Hand an order to somebody else: the reason says to whom
    Escalate(decide::DecideArgs),
}

/// Runs one of the commands.
pub async fn run(
    command: DlqCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let records = || session::records(global);
    match command {
        DlqCommand::List(args) => list::run(args, &records().await?, printer).await,
        DlqCommand::Retry(args) => {
            let ops = Session::open(global, Verb::OnExisting).await?.ops;
            retry::run(args, &ops, printer).await
        }
        DlqCommand::Cancel(args) => {
            decide::run(args, Decision::Cancel, &records().await?, printer).await
        }
        DlqCommand::Escalate(args) => {
            decide::run(args, Decision::Escalate, &records().await?, printer).await
        }
    }
}

/// Why an order is in the queue, in a few words.
pub(super) fn why(reason: DeadLetterReason) -> &'static str {
    match reason {
        DeadLetterReason::BudgetSpent => "restarts used up",
        DeadLetterReason::CannotStart => "cannot be started",
        DeadLetterReason::OutcomeUnknown => "outcome unknown",
        DeadLetterReason::Parked => "parked by hand",
    }
}

/// How an entry was decided, by whom, when, and why.
pub(super) fn decided(entry: &DeadLetter) -> String {
    let Some(resolution) = entry.resolution else {
        return "not decided".to_owned();
    };
    let by = entry
        .resolved_by
        .as_deref()
        .map_or_else(String::new, |by| format!(" by {by}"));
    let at = entry
        .resolved_at
        .map_or_else(String::new, |at| format!(", {}", when::local(at)));
    let note = entry
        .notes
        .as_deref()
        .filter(|note| !note.is_empty())
        .map_or_else(String::new, |note| format!(": {note}"));
    format!("{}{by}{at}{note}", resolution.as_str().replace('_', " "))
}
