//! `redrive-chaos`: kills workers in mid-batch, again and again, and audits that no order is lost or started twice.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use redrive::printer::{Format, Printer};
use redrive::telemetry::{self, LogFormat};
use redrive_chaos::{RunArgs, WorkerArgs};

/// Kills Redrive's workers in mid-batch, again and again, and audits that no order is lost or started twice.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// Print the report as text or as JSON.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(RunArgs),
    Worker(WorkerArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer::new(cli.output);
    let done = async {
        telemetry::start(LogFormat::Text, false)?;
        match cli.command {
            Command::Run(args) => redrive_chaos::run(args, &printer).await,
            Command::Worker(args) => redrive_chaos::run_worker(args).await,
        }
    };
    done.await.unwrap_or_else(|error: anyhow::Error| {
        printer.error(&error);
        ExitCode::FAILURE
    })
}
