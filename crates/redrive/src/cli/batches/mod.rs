//! `redrive batches`: what batches did.

mod list;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use super::{Global, session};
use crate::printer::Printer;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum BatchesCommand {
    /// List batches, the newest first
    List(list::ListArgs),
    /// Show a batch: its numbers, and what it did with each order and why
    Show(show::ShowArgs),
}

/// Runs one of the commands.
pub async fn run(
    command: BatchesCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let records = session::records(global).await?;
    match command {
        BatchesCommand::List(args) => list::run(args, &records, printer).await,
        BatchesCommand::Show(args) => show::run(args, &records, printer).await,
    }
}
