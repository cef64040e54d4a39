//! `redrive policy`: what a policy does, before it is used.

mod described;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use crate::printer::Printer;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check a configuration file, and show what its policy does about each failure status
    ///
    /// With a failure described by the flags, it tells which rule such a failure meets, and which condition the other rules
    /// miss. Neither Temporal nor the ledger is needed.
    Test(test::TestArgs),
}

/// Runs one of the commands.
pub fn run(command: PolicyCommand, printer: &Printer) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Test(args) => test::run(args, printer),
    }
}
