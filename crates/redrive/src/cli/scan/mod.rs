//! `redrive scan`: failures older than the look-back, taken in by a person's word after they have seen what they are.

mod preview;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use redrive_core::policy::duration;
use redrive_engine::ops::{Older, TakenIn};
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::NewAuditEvent;

use super::narrow::ago;
use super::run::{Bar, INTERRUPTED};
use super::session::Why;
use super::signals::StopSignals;
use super::words::{count_of, orders};
use super::{Global, Session, Verb, confirm, when};
use crate::backend::Backend;
use crate::printer::{Paint, Printer};

/// Take in failures that are older than the look-back, after showing what they are
///
/// A new ledger looks back 24 hours (policy.scan.lookback): what failed before is counted and left alone, for people may
/// have dealt with it. This takes in what failed since then, each failure once. Nothing is started by it; the batches that
/// follow restart what the policy reprocesses, so look first: --dry-run.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// How far to look back, such as 30d
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    since: Duration,
    /// Show what would be taken in, and take in nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    why: Why,
}

/// Runs the command.
pub async fn run(args: ScanArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let backend = Backend::session(global, Verb::OnExisting).await?;
    let since = ago(args.since, SystemClock.now());
    let mut signals = StopSignals::listen()?;
    let bar = Bar::new("looking at older failures", printer);
    let older = tokio::select! {
        older = backend.older(since) => older?,
        () = signals.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    drop(bar);
    if args.dry_run {
        printer.data(&older, preview::text)?;
        return Ok(ExitCode::SUCCESS);
    }
    printer.say(preview::text(&older, printer.talk_paint()));
    if older.runs == 0 {
        return tell(nothing(&older), printer);
    }
    if !args.yes && !confirm::asked(&question(&older))? {
        printer.say("Nothing was taken in.");
        return Ok(ExitCode::SUCCESS);
    }
    take_in(&backend, &older, by, &mut signals, printer).await
}

fn question(older: &Older) -> String {
    format!(
        "Take in {}? Batches then restart what the policy reprocesses.",
        count_of(older.runs, "failure")
    )
}

async fn take_in(
    backend: &Backend<Session>,
    older: &Older,
    by: NewAuditEvent,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let bar = Bar::new("taking in older failures", printer);
    let heard = |taken: u64| bar.tell(format!(": {taken} of about {}", older.runs));
    let taken = tokio::select! {
        taken = backend.take_in_older(older.since, by, &heard) => taken?,
        () = signals.asked() => {
            drop(bar);
            printer.say("Stopped: what was taken in stays, and the same command does the rest.");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    drop(bar);
    tell(taken, printer)
}

fn nothing(older: &Older) -> TakenIn {
    TakenIn {
        since: older.since,
        new_failures: 0,
        new_orders: 0,
        eligible_orders: 0,
        complete: true,
    }
}

fn tell(taken: TakenIn, printer: &Printer) -> anyhow::Result<ExitCode> {
    printer.data(&taken, text)?;
    if taken.eligible_orders > 0 {
        printer.hint("`redrive run --dry-run` shows what the next batch does with them.");
    }
    Ok(ExitCode::SUCCESS)
}

fn text(taken: &TakenIn, _: Paint) -> String {
    format!(
        "Took in {} since {}: {} not known before, {} of them to be restarted under the policy.",
        count_of(taken.new_failures, "failure"),
        when::local(taken.since),
        orders(taken.new_orders),
        taken.eligible_orders,
    )
}
