//! `redrive dlq retry`.

use std::process::ExitCode;

use clap::Args;
use redrive_core::states::State;
use redrive_ledger::NewAuditEvent;
use redrive_web::views::{ByHand, Entry, RetryOutcome};
use serde::Serialize;

use super::choose::{Choice, Selection};
use super::{decided, operations};
use crate::backend::Backend;
use crate::backend::many::About;
use crate::cli::Session;
use crate::cli::halt::warn_of;
use crate::cli::session::Why;
use crate::cli::signals::StopSignals;
use crate::cli::words::orders;
use crate::printer::{Paint, Printer};
use crate::problem::USER;

/// `dlq retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    why: Why,
    /// Start at most N orders a second [default: as fast as everything]
    #[arg(long, value_name = "N", value_parser = operations::rate)]
    rate: Option<f64>,
    /// Start the operation and return at once, with its id
    #[arg(long)]
    no_wait: bool,
}

/// Retries, and waits for what comes of it.
pub async fn run(
    args: RetryArgs,
    session: &Backend<Session>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let choice = args
        .selection
        .choose("Retry", ByHand::ManualRetry, &by, session, printer);
    let choice = choice.await?;
    let halted = session.records().halted().await?;
    warn_of(halted.halt.as_ref(), printer);
    let chosen = match choice {
        Choice::One(id) if args.rate.is_none() && !args.no_wait => {
            return one(&id, by, session, printer).await;
        }
        Choice::One(id) => {
            let about = About::Named(vec![id]);
            session.preview(about, ByHand::ManualRetry, &by).await?
        }
        Choice::Many(chosen) => chosen,
        Choice::Nothing(none) => {
            return printer
                .data(&Nothing::of(none.matched), |_, _| String::new())
                .map(|()| ExitCode::SUCCESS);
        }
    };
    let mut signals = StopSignals::listen()?;
    let operation = chosen.retry(args.rate, by).await?;
    if args.no_wait {
        return operations::goes_on(&operation, printer);
    }
    printer.say(format_args!(
        "Retrying {}: operation {} does it, also if this is interrupted.",
        orders(operation.matched),
        operation.id
    ));
    operations::follow(&operation.id, session, &mut signals, printer).await
}

async fn one(
    id: &str,
    by: NewAuditEvent,
    session: &Backend<Session>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let waits = !session.records().dead_letter(id).await?.resolved;
    if waits {
        printer.say(format_args!(
            "Retrying {id}: a batch for it alone runs now. If this is interrupted, the next batch does it."
        ));
    }
    let retried = session.retry_dead_letter(id, by).await?;
    let answer = Answer::of(&retried);
    printer.data(&answer, |answer, paint| answer.text(paint))?;
    Ok(if answer.started() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    })
}

/// Nothing was done, in the form of an operation that has ended.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Nothing {
    matched: u64,
    started: u64,
    failed: u64,
    skipped: u64,
    not_started: [(); 0],
}

impl Nothing {
    fn of(matched: u64) -> Self {
        Self {
            matched,
            ..Self::default()
        }
    }
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
        state: State,
        reason: &'a str,
    },
    AlreadyResolved {
        workflow_id: &'a str,
        entry: &'a Entry,
    },
}

impl<'a> Answer<'a> {
    fn of(retried: &'a Result<(Entry, RetryOutcome), Entry>) -> Self {
        let (Ok((entry, _)) | Err(entry)) = retried;
        let workflow_id = entry.entry.workflow_id.as_str();
        match retried {
            Ok((_, RetryOutcome::Started { run_id })) => Self::Started {
                workflow_id,
                run_id,
            },
            Ok((_, RetryOutcome::NotStarted { state, reason })) => Self::NotStarted {
                workflow_id,
                state: *state,
                reason,
            },
            Err(entry) => Self::AlreadyResolved { workflow_id, entry },
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
                state: State::Failed | State::Claimed,
                reason,
            } => {
                format!(
                    "{}: {reason}. The retry of {workflow_id} is decided: Redrive goes on with it.",
                    paint.yellow("Not started yet")
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
                    decided(&entry.entry)
                )
            }
        }
    }
}
