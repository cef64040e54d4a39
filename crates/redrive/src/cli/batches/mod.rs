//! `redrive batches`: what batches did, and telling one that runs.

mod control;
mod list;
mod show;

use std::process::ExitCode;

use clap::Subcommand;
use redrive_engine::ops::Records;
use redrive_web::views::Deed;

use super::{Global, Verb};
use crate::backend::Backend;
use crate::printer::Printer;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum BatchesCommand {
    /// List batches, the newest first
    List(list::ListArgs),
    /// Show a batch: its numbers, and what it did with each order and why
    Show(show::ShowArgs),
    /// Let a batch begin no more chunks until it is resumed; those begun before, eight at most, go on
    Pause(control::ControlArgs),
    /// Let a paused batch go on
    Resume(control::ControlArgs),
    /// End a batch early: it gives back what it has not begun, and records its result
    Stop(control::ControlArgs),
}

/// Runs one of the commands.
pub async fn run(
    command: BatchesCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let records = || Backend::<Records>::records(global);
    let (args, deed) = match command {
        BatchesCommand::List(args) => return list::run(args, &records().await?, printer).await,
        BatchesCommand::Show(args) => return show::run(args, &records().await?, printer).await,
        BatchesCommand::Pause(args) => (args, Deed::Pause),
        BatchesCommand::Resume(args) => (args, Deed::Resume),
        BatchesCommand::Stop(args) => (args, Deed::Stop),
    };
    let backend = Backend::session(global, Verb::OnExisting).await?;
    control::run(args, deed, &backend, printer).await
}
