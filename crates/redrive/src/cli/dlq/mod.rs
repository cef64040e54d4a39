//! `redrive dlq`: the dead letter queue, and the decisions about it.

mod choose;
mod decide;
mod list;
mod operations;
mod retry;
mod show;
mod stats;

use std::process::ExitCode;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use redrive_engine::ops::{Decision, Records};
use redrive_ledger::DeadLetter;

use super::{Global, Verb, when};
use crate::backend::Backend;
use crate::printer::Printer;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// List the orders that wait for a decision, the oldest first
    List(list::ListArgs),
    /// Show one entry, with every attempt that led to it
    Show(show::ShowArgs),
    /// Show the queue in numbers
    Stats,
    /// Start orders again now, with a fresh budget of restarts
    ///
    /// It works after Temporal has deleted an order's history, too; not for one that was cancelled or escalated, whose input is
    /// not kept. If an order turns out to be running, completed or stopped, nothing is started, and that is told. One order is
    /// retried at once. Several are asked about first; those that a filter chooses are shown, too. Several are an operation,
    /// which goes on whatever becomes of this command: `dlq operations` tells and steers it.
    Retry(retry::RetryArgs),
    /// Give orders up: they are not restarted by themselves any more, whatever happens to them
    ///
    /// One order is given up at once: who names it and says why has decided. Several are asked about first; those that a
    /// filter chooses are shown, too.
    Cancel(decide::DecideArgs),
    /// Hand orders to somebody else: the reason says to whom
    ///
    /// One order is handed over at once: who names it and says to whom has decided. Several are asked about first; those
    /// that a filter chooses are shown, too.
    Escalate(decide::DecideArgs),
    /// See and steer operations: retries of many orders
    #[command(subcommand)]
    Operations(operations::OperationsCommand),
}

/// Runs one of the commands.
pub async fn run(
    command: DlqCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let records = || Backend::<Records>::records(global);
    match command {
        DlqCommand::List(args) => list::run(args, &records().await?, printer).await,
        DlqCommand::Show(args) => show::run(args, &records().await?, printer).await,
        DlqCommand::Stats => stats::run(&records().await?, printer).await,
        DlqCommand::Retry(args) => {
            // Before the server is asked for: whether it is there does not matter then.
            args.selection.must_narrow()?;
            let session = Backend::session(global, Verb::OnExisting).await?;
            retry::run(args, &session, printer).await
        }
        DlqCommand::Operations(command) => operations::run(command, global, printer).await,
        DlqCommand::Cancel(args) => {
            decide::run(args, Decision::Cancel, &records().await?, printer).await
        }
        DlqCommand::Escalate(args) => {
            decide::run(args, Decision::Escalate, &records().await?, printer).await
        }
    }
}

/// A bar for a decision about many.
fn progress(printer: &Printer) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), printer.progress());
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos} of {len}, {elapsed}, {eta} left")
            .expect("the template is fixed"),
    );
    bar
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
