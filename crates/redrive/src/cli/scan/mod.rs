//! `redrive scan`: failures older than the look-back, taken in by a person's word after they have seen what they are.

mod preview;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use redrive_core::policy::duration;
use redrive_engine::Steady;
use redrive_engine::ops::{Older, Ops};
use redrive_ledger::{NewAuditEvent, ObserveSummary};
use serde::Serialize;

use super::run::{Bar, INTERRUPTED};
use super::session::Why;
use super::signals::StopSignals;
use super::words::{count_of, orders};
use super::{Global, Session, Verb, confirm, when};
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

/// What was taken in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    since: Timestamp,
    new_failures: u64,
    new_orders: u64,
    eligible_orders: u64,
}

/// Runs the command.
pub async fn run(args: ScanArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let ops = Session::open(global, Verb::OnExisting).await?.ops;
    let mut signals = StopSignals::listen()?;
    let bar = Bar::new("looking at older failures", printer);
    let older = tokio::select! {
        older = ops.preview_older(args.since, &Steady) => older?,
        () = signals.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    drop(bar);
    if args.dry_run {
        printer.data(&older, preview::text)?;
        return Ok(ExitCode::SUCCESS);
    }
    printer.say(preview::text(&older, printer.talk_paint()));
    if older.runs == 0 {
        return tell(&older, ObserveSummary::default(), printer);
    }
    if !args.yes && !confirm::asked(&question(&older))? {
        printer.say("Nothing was taken in.");
        return Ok(ExitCode::SUCCESS);
    }
    take_in(&ops, &older, &by, &mut signals, printer).await
}

fn question(older: &Older) -> String {
    format!(
        "Take in {}? Batches then restart what the policy reprocesses.",
        count_of(older.runs, "failure")
    )
}

async fn take_in(
    ops: &Ops,
    older: &Older,
    by: &NewAuditEvent,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let bar = Bar::new("taking in older failures", printer);
    let heard = |taken: &ObserveSummary| {
        bar.tell(format!(": {} of about {}", taken.new_failures, older.runs));
    };
    let taken = tokio::select! {
        taken = ops.take_in_older(older.since, by, &Steady, &heard) => taken?,
        () = signals.asked() => {
            drop(bar);
            printer.say("Stopped: what was taken in stays, and the same command does the rest.");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    drop(bar);
    tell(older, taken, printer)
}

fn tell(older: &Older, taken: ObserveSummary, printer: &Printer) -> anyhow::Result<ExitCode> {
    let taken = Taken {
        since: older.since,
        new_failures: taken.new_failures,
        new_orders: taken.new_orders,
        eligible_orders: taken.eligible_orders,
    };
    printer.data(&taken, text)?;
    if taken.eligible_orders > 0 {
        printer.hint("`redrive run --dry-run` shows what the next batch does with them.");
    }
    Ok(ExitCode::SUCCESS)
}

fn text(taken: &Taken, _: Paint) -> String {
    format!(
        "Took in {} since {}: {} not known before, {} of them to be restarted under the policy.",
        count_of(taken.new_failures, "failure"),
        when::local(taken.since),
        orders(taken.new_orders),
        taken.eligible_orders,
    )
}
