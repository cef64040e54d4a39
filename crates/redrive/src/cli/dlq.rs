//! `redrive dlq`: the dead letter queue, and the decisions about it.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use redrive_core::decide::DeadLetterReason;
use redrive_engine::ops::{Decision, Ops, Retried, RetryEnd};
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::DeadLetter;
use serde::Serialize;

use super::session::Who;
use super::{Global, Session, Verb, when};
use crate::printer::{Paint, Printer, table};
use crate::problem::USER;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// List the orders that wait for a decision, the oldest first
    List(ListArgs),
    /// Start an order again now, with a fresh budget of restarts
    ///
    /// It works after Temporal has deleted the order's history, too. If the order turns out to be running, completed or
    /// stopped, nothing is started, and that is told.
    Retry(RetryArgs),
    /// Give an order up: it is not restarted by itself any more, whatever happens to it
    Cancel(DecideArgs),
    /// Hand an order to somebody else: the reason says to whom
    Escalate(DecideArgs),
}

/// `dlq list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Show those that are decided, too
    #[arg(long)]
    resolved: bool,
    /// Show at most N
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

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

/// `dlq cancel`, `dlq escalate`.
#[derive(Debug, Args)]
pub struct DecideArgs {
    /// The order id, or the workflow id
    id: String,
    /// Why, or to whom
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

/// Runs one of the commands.
pub async fn run(
    command: DlqCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let ops = || async { anyhow::Ok(Session::open(global, Verb::OnExisting).await?.ops) };
    match command {
        DlqCommand::List(args) => list(args, &ops().await?, printer).await,
        DlqCommand::Retry(args) => retry(args, &ops().await?, printer).await,
        DlqCommand::Cancel(args) => decide(args, Decision::Cancel, &ops().await?, printer).await,
        DlqCommand::Escalate(args) => {
            decide(args, Decision::Escalate, &ops().await?, printer).await
        }
    }
}

async fn list(args: ListArgs, ops: &Ops, printer: &Printer) -> anyhow::Result<ExitCode> {
    let entries = ops.dead_letters(args.resolved, args.limit).await?;
    printer.data(&entries, |entries, paint| {
        listing(entries, args.resolved, paint)
    })?;
    if entries.len() >= args.limit as usize {
        printer.hint(format_args!(
            "these are the first {}; --limit shows more.",
            args.limit
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn listing(entries: &[DeadLetter], resolved: bool, paint: Paint) -> String {
    if entries.is_empty() {
        return "The dead letter queue is empty.".to_owned();
    }
    let now = SystemClock.now();
    let mut table = table([
        "order",
        "status",
        "why",
        "restarts",
        "waits for",
        "last message",
    ]);
    if resolved {
        table.set_header([
            "order",
            "status",
            "why",
            "restarts",
            "since",
            "decided",
            "last message",
        ]);
    }
    for entry in entries {
        let why = why(entry.reason).to_owned();
        let waits = when::age(entry.created_at, now);
        let mut row = vec![
            paint.bold(&entry.order_id),
            entry.failure_status.clone(),
            why,
            entry.retry_count.to_string(),
        ];
        match resolved {
            true => row.extend([when::local(entry.created_at), decided(entry)]),
            false => row.push(waits),
        }
        row.push(short(&entry.failure_reason));
        table.add_row(row);
    }
    table.trim_fmt()
}

async fn retry(args: RetryArgs, ops: &Ops, printer: &Printer) -> anyhow::Result<ExitCode> {
    let by = args.who.because(args.reason)?;
    ops.show_order(&args.id).await?;
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

async fn decide(
    args: DecideArgs,
    decision: Decision,
    ops: &Ops,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.who.because(args.reason)?;
    let (entry, first) = match ops.decide_dead_letter(&args.id, decision, by).await? {
        Ok(entry) => (entry, true),
        Err(entry) => (entry, false),
    };
    printer.data(&entry, |entry, paint| {
        let unchanged = if first {
            String::new()
        } else {
            format!("{}: ", paint.yellow("Nothing was changed"))
        };
        format!(
            "{unchanged}{} is {}.",
            paint.bold(&entry.order_id),
            decided(entry)
        )
    })?;
    Ok(if first {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    })
}

/// Why an order is in the queue, in a few words.
pub(super) fn why(reason: DeadLetterReason) -> &'static str {
    match reason {
        DeadLetterReason::BudgetSpent => "restarts used up",
        DeadLetterReason::CannotStart => "cannot be started",
        DeadLetterReason::OutcomeUnknown => "outcome unknown",
        DeadLetterReason::Parked => "parked by hand",
    }
}

/// How an entry was decided, by whom, when, and why.
pub(super) fn decided(entry: &DeadLetter) -> String {
    let Some(resolution) = entry.resolution else {
        return "not decided".to_owned();
    };
    let by = entry
        .resolved_by
        .as_deref()
        .map_or_else(String::new, |by| format!(" by {by}"));
    let at = entry
        .resolved_at
        .map_or_else(String::new, |at| format!(", {}", when::local(at)));
    let note = entry
        .notes
        .as_deref()
        .filter(|note| !note.is_empty())
        .map_or_else(String::new, |note| format!(": {note}"));
    format!("{}{by}{at}{note}", resolution.as_str().replace('_', " "))
}

/// The first line of a message, cut to what a table bears.
fn short(message: &str) -> String {
    const WIDTH: usize = 60;
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
