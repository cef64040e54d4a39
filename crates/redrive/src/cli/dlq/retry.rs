//! `redrive dlq retry`.

use std::process::ExitCode;

use clap::Args;
use redrive_engine::ops::{Ops, Retried, RetryEnd};
use redrive_ledger::DeadLetter;
use serde::Serialize;

use super::decided;
use crate::cli::session::Who;
use crate::printer::{Paint, Printer};
use crate::problem::USER;

/// `dlq retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The order id, or the workflow id
    id: String,
    /// Why
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    #[command(flatten)]
    who: Who,
}

/// Retries, and waits for what comes of it.
pub async fn run(args: RetryArgs, ops: &Ops, printer: &Printer) -> anyhow::Result<ExitCode> {
    let by = args.who.because(args.reason)?;
    ops.records.find(&args.id).await?;
    printer.say(format_args!("Retrying {}: a batch for it alone runs now. If this is interrupted, the next batch does it.", args.id));
    let retried = ops.retry_dead_letter(&args.id, by).await?;
    let answer = Answer::of(&retried);
    printer.data(&answer, |answer, paint| answer.text(paint))?;
    Ok(if answer.started() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    })
}

/// What became of a retry, as data.
#[derive(Serialize)]
#[serde(
    tag = "outcome",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
enum Answer<'a> {
    Started {
        workflow_id: &'a str,
        run_id: &'a str,
    },
    NotStarted {
        workflow_id: &'a str,
        state: &'static str,
        reason: &'a str,
    },
    AlreadyResolved {
        workflow_id: &'a str,
        entry: &'a DeadLetter,
    },
}

impl<'a> Answer<'a> {
    fn of(retried: &'a Retried) -> Self {
        let workflow_id = retried.workflow_id.as_str();
        match &retried.end {
            RetryEnd::Started { run_id } => Self::Started {
                workflow_id,
                run_id,
            },
            RetryEnd::NotStarted { state, reason } => Self::NotStarted {
                workflow_id,
                state: state.as_str(),
                reason,
            },
            RetryEnd::AlreadyResolved(entry) => Self::AlreadyResolved { workflow_id, entry },
        }
    }

    fn started(&self) -> bool {
        matches!(self, Self::Started { .. })
    }

    fn text(&self, paint: Paint) -> String {
        match self {
            Self::Started {
                workflow_id,
                run_id,
            } => {
                format!(
                    "{}: {workflow_id} runs as {run_id}.",
                    paint.green("Started")
                )
            }
            Self::NotStarted {
                workflow_id,
                state,
                reason,
            } => {
                format!(
                    "{}: {workflow_id} is {state} ({reason}).",
                    paint.yellow("Not started")
                )
            }
            Self::AlreadyResolved { workflow_id, entry } => {
                format!(
                    "{}: {workflow_id} is {}.",
                    paint.yellow("Not started"),
                    decided(entry)
                )
            }
        }
    }
}
