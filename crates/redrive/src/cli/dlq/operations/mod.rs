//! `redrive dlq operations`: retries of many dead letters, seen and steered.

mod follow;
mod list;
mod show;
mod tell;

use std::process::ExitCode;

use clap::Subcommand;
use redrive_engine::ops::Records;
use redrive_ledger::Operation;
use redrive_web::views::Deed;
use serde::Serialize;

use crate::backend::Backend;
use crate::cli::words::orders;
use crate::cli::{Global, Verb};
use crate::printer::Printer;

pub(super) use follow::follow;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum OperationsCommand {
    /// List operations, the latest first
    List(list::ListArgs),
    /// Show an operation: how far it is, and what it did not start and why
    Show(show::ShowArgs),
    /// Let an operation start no more until it is resumed; what it has taken already, it finishes first
    Pause(tell::TellArgs),
    /// Let a paused operation go on, or one whose workflow has ended before its time
    Resume(tell::TellArgs),
    /// End an operation: what it has taken already, it finishes; the rest stays in the queue
    Stop(tell::TellArgs),
    /// Let an operation go at another rate
    Rate(tell::RateArgs),
}

/// Runs one of the commands.
pub async fn run(
    command: OperationsCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let records = || Backend::<Records>::records(global);
    let (args, deed) = match command {
        OperationsCommand::List(args) => return list::run(args, &records().await?, printer).await,
        OperationsCommand::Show(args) if args.wait => {
            let session = Backend::session(global, Verb::OnExisting).await?;
            return show::wait(args, &session, printer).await;
        }
        OperationsCommand::Show(args) => return show::run(args, &records().await?, printer).await,
        OperationsCommand::Pause(args) => (args, Deed::Pause),
        OperationsCommand::Resume(args) => (args, Deed::Resume),
        OperationsCommand::Stop(args) => (args, Deed::Stop),
        OperationsCommand::Rate(args) => return tell::rate(args, &records().await?, printer).await,
    };
    let session = Backend::session(global, Verb::OnExisting).await?;
    tell::run(args, deed, &session, printer).await
}

/// An operation that goes on without us.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Goes<'a> {
    operation_id: &'a str,
    matched: u64,
}

/// Says that an operation has begun, and how to follow it.
pub(super) fn goes_on(operation: &Operation, printer: &Printer) -> anyhow::Result<ExitCode> {
    let goes = Goes {
        operation_id: operation.id.as_str(),
        matched: operation.matched,
    };
    printer.data(&goes, |goes, _| {
        format!(
            "Operation {} has begun: it retries {}.",
            goes.operation_id,
            orders(goes.matched)
        )
    })?;
    printer.hint(how_to_follow(operation.id.as_str()));
    Ok(ExitCode::SUCCESS)
}

fn how_to_follow(id: &str) -> String {
    format!(
        "`redrive dlq operations show {id} --wait` follows it; `pause`, `resume` and `stop` steer it."
    )
}

/// Starts a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err("a rate is a number of starts a second, from 0.01 to 10000".to_owned()),
    }
}
