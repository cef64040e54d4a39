//! `redrive dlq retry`.

use std::process::ExitCode;

use clap::Args;
use redrive_core::states::State;
use redrive_engine::ops::{Chosen, Ops, Retried, RetryEnd};
use redrive_ledger::{DeadLetter, NewAuditEvent};
use serde::Serialize;

use super::choose::{Choice, Selection, nothing, told};
use super::{decided, progress};
use crate::cli::halt::warn_if_halted;
use crate::cli::session::Who;
use crate::cli::words::orders;
use crate::printer::{Paint, Printer};
use crate::problem::USER;

/// `dlq retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
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
    let choice = args
        .selection
        .choose("Retry", &ops.records, printer)
        .await?;
    warn_if_halted(&ops.records, printer).await?;
    match choice {
        Choice::One(id) => one(&id, by, ops, printer).await,
        Choice::Many(chosen) => many(&chosen, &by, ops, printer).await,
        Choice::Nothing(none) => nothing(&none, printer),
    }
}

async fn many(
    chosen: &[Chosen],
    by: &NewAuditEvent,
    ops: &Ops,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    printer.say(format_args!(
        "Retrying {}: a batch takes them first. If this is interrupted, the next batch does it.",
        orders(chosen.len() as u64)
    ));
    let bar = progress(printer);
    let report = ops
        .retry_many(chosen, by, &|done, of| {
            bar.set_length(of);
            bar.set_position(done);
        })
        .await?;
    bar.finish_and_clear();
    printer.data(&report, |report, paint| told(report, "Restarted", paint))?;
    Ok(if report.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    })
}

async fn one(
    id: &str,
    by: NewAuditEvent,
    ops: &Ops,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    if ops.records.show_order(id).await?.order.state == State::DeadLettered {
        printer.say(format_args!(
            "Retrying {id}: a batch for it alone runs now. If this is interrupted, the next batch does it."
        ));
    }
    let retried = ops.retry_dead_letter(id, by).await?;
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
                    "{}: {workflow_id} was decided before: {}.",
                    paint.yellow("Not started"),
                    decided(entry)
                )
            }
        }
    }
}
