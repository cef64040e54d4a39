//! `redrive run`: a batch now, and its result; or what it would do.

mod dry_run;
mod orders;
mod progress;
mod result;
pub(super) mod verdict;
mod wait;

use std::process::ExitCode;

use clap::Args;
use redrive_core::report::ReprocessingResult;
use redrive_ledger::NewAuditEvent;
use redrive_web::views::{BatchStarted, NewBatch, Rehearse};

use super::halt::warn_of;
use super::session::Who;
use super::signals::StopSignals;
use super::{Global, Session, Verb};
use crate::backend::Backend;
use crate::printer::Printer;
use crate::problem::{Problem, USER};

pub(super) use progress::Bar;
pub(super) use result::text;

/// The exit code of a command that Ctrl-C ended, as shells have it.
pub(super) const INTERRUPTED: u8 = 130;

/// Run a batch now, and print its result
///
/// It does what the schedule's batches do, and may run beside one: no order is handled by both. Exit code 1 where an order
/// could not be processed (errors above 0).
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Handle at most N orders: a cap on the whole batch [default: every order that is due]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_orders: Option<u32>,
    /// Only orders of this failure status, whatever the policy says of it; give it again for more
    #[arg(long = "status", value_name = "STATUS")]
    statuses: Vec<String>,
    /// Only this order, by order id or workflow id; give it again for more, up to 100, one after the other
    ///
    /// Its backoff and budget count; nothing is scanned or settled for it. What became of each order is told.
    #[arg(long = "order", value_name = "ID", conflicts_with_all = ["statuses", "max_orders", "no_wait"])]
    orders: Vec<String>,
    /// Say what would be done with each order, and change nothing anywhere
    ///
    /// The batch runs on a copy of the ledger and asks the server, but starts nothing. It cannot foresee a start that the
    /// server would refuse, nor what others do meanwhile. The copy needs as much room in the temporary folder as the ledger.
    #[arg(long, conflicts_with = "no_wait")]
    dry_run: bool,
    /// Start the batch and return at once, with its ids
    #[arg(long)]
    no_wait: bool,
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// Runs the command.
pub async fn run(args: RunArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let by = who(args.reason, args.who)?;
    let backend = Backend::session(global, Verb::OnExisting).await?;
    let mut signals = StopSignals::listen()?;
    match (args.dry_run, args.orders.is_empty()) {
        (true, _) => {
            orders::not_too_many(&args.orders)?;
            let asked = Rehearse {
                max_orders: args.max_orders,
                failure_statuses: args.statuses,
                orders: args.orders,
            };
            dry_run::run(&backend, asked, &mut signals, printer).await
        }
        (false, false) => {
            orders::run(&backend, &args.orders, by.as_ref(), &mut signals, printer).await
        }
        (false, true) => {
            let new = NewBatch {
                max_orders: args.max_orders,
                failure_statuses: args.statuses,
                ..NewBatch::default()
            };
            let started = start(&backend, new.clone(), by.as_ref(), printer).await?;
            if args.no_wait {
                return goes_on(&started, printer);
            }
            batch(&backend, &new, &started, &mut signals, printer).await
        }
    }
}

/// Who runs it, if that is known: only who gives a reason must have a name.
fn who(reason: Option<String>, who: Who) -> Result<Option<NewAuditEvent>, Problem> {
    match reason {
        Some(reason) => who.because(reason).map(Some),
        None => Ok(who.because(String::new()).ok()),
    }
}

/// Starts a batch, and tells what is odd about it.
async fn start(
    backend: &Backend<Session>,
    new: NewBatch,
    by: Option<&NewAuditEvent>,
    printer: &Printer,
) -> anyhow::Result<BatchStarted> {
    let started = backend.start_batch(new, by).await?;
    warn(&started.warnings, printer);
    Ok(started)
}

fn warn(warnings: &[String], printer: &Printer) {
    for warning in warnings {
        printer.warn(format_args!("{warning}."));
    }
}

async fn batch(
    backend: &Backend<Session>,
    new: &NewBatch,
    started: &BatchStarted,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let ended = wait::for_end(backend, new, started, signals, printer).await?;
    let Some((result, halted)) = ended else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    printer.data(&result, result::text)?;
    if result.truncated {
        warn_of(halted.as_ref(), printer);
    }
    Ok(code(&result))
}

fn goes_on(started: &BatchStarted, printer: &Printer) -> anyhow::Result<ExitCode> {
    printer.data(started, |started, _| {
        format!("Batch {} has begun.", started.workflow_id)
    })?;
    printer.hint(wait::follow(started));
    Ok(ExitCode::SUCCESS)
}

/// Errors are work that was done in part.
fn code(result: &ReprocessingResult) -> ExitCode {
    if result.error_count == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    }
}
