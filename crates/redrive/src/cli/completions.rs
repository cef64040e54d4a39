//! `redrive completions`: what a shell needs to complete commands and flags.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde::Serialize;

use super::Cli;
use crate::printer::Printer;

/// Print the completions of a shell: bash, elvish, fish, powershell or zsh
///
/// For bash: redrive completions bash > ~/.local/share/bash-completion/completions/redrive
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL", hide_possible_values = true)]
    shell: Shell,
}

/// A shell's completions.
#[derive(Serialize)]
struct Completions {
    shell: String,
    script: String,
}

/// Runs the command.
pub fn run(args: &CompletionsArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "redrive", &mut script);
    let completions = Completions {
        shell: args.shell.to_string(),
        script: String::from_utf8(script)?,
    };
    printer.data(&completions, |made, _| made.script.clone())?;
    Ok(ExitCode::SUCCESS)
}
