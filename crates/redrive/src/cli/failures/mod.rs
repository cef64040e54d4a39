//! `redrive failures`: failed runs as they were seen, and what they have in common.

mod groups;
mod list;
mod show;

use std::process::ExitCode;

use clap::Subcommand;
use redrive_engine::ops::Records;

use super::Global;
use crate::backend::Backend;
use crate::printer::Printer;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum FailuresCommand {
    /// List failed runs, the latest first
    List(list::ListArgs),
    /// Show one failed run: its message in full, and what became of its order
    Show(show::ShowArgs),
    /// Group failures by type, status and message: how many, since when, and how many orders are still open
    ///
    /// Ids, numbers and times in a message do not tell groups apart. A group's fingerprint narrows other commands:
    /// `--group`.
    Groups(groups::GroupsArgs),
}

/// Runs one of the commands.
pub async fn run(
    command: FailuresCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let records = Backend::<Records>::records(global).await?;
    match command {
        FailuresCommand::List(args) => list::run(args, &records, printer).await,
        FailuresCommand::Show(args) => show::run(args, &records, printer).await,
        FailuresCommand::Groups(args) => groups::run(args, &records, printer).await,
    }
}
