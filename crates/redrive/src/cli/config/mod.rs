//! `redrive config`: the configuration that holds here, and whether it is fine.

mod check;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use super::Global;
use crate::printer::Printer;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration is fine, and which file it is
    ///
    /// Neither Temporal nor the ledger is needed.
    Check,
    /// Show every setting: its value, where that comes from, and its default
    Show,
}

/// Runs one of the commands.
pub fn run(
    command: &ConfigCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check => check::run(global, printer),
        ConfigCommand::Show => show::run(global, printer),
    }
}
