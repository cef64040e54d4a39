//! `redrive-bench`: how fast Redrive is, beside what the Temporal server takes, and what it costs.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use redrive::printer::{Format, Printer};
use redrive::telemetry::{self, LogFormat};
use redrive_bench::{PlainWorkerArgs, RunArgs, WorkerArgs};

/// Measures how fast Redrive is, beside what the Temporal server takes, and what it costs.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// Print the figures as text or as JSON.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(RunArgs),
    #[command(hide = true)]
    Worker(WorkerArgs),
    #[command(hide = true)]
    PlainWorker(PlainWorkerArgs),
}

/// Before these words stands a command line of `redrive`, so that a command is measured as a process of its own.
const REDRIVE: &str = "redrive";

/// As `redrive` runs.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if words.first().is_some_and(|word| word == REDRIVE) {
        return redrive::cli::main_with(words).await;
    }
    let cli = Cli::parse();
    let printer = Printer::new(cli.output);
    let done = async {
        telemetry::start(LogFormat::Text, false)?;
        match cli.command {
            Command::Run(args) => redrive_bench::run(args, &printer).await,
            Command::Worker(args) => redrive_bench::run_worker(args, &printer).await,
            Command::PlainWorker(args) => redrive_bench::run_plain_worker(args, &printer).await,
        }
    };
    done.await.unwrap_or_else(|error: anyhow::Error| {
        printer.error(&error);
        ExitCode::FAILURE
    })
}
