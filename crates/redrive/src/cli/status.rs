//! `redrive status`: how everything stands, on one screen.

mod health;
mod view;

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use redrive_engine::ops::Records;

use self::view::Status;
use super::{Global, session};
use crate::printer::Printer;

/// How many batches are looked at for the last one that ended, and the one that runs.
const BATCHES: u32 = 10;

/// Show how everything stands: is it healthy, what waits, what needs you
///
/// It needs the ledger only, so it answers while Temporal does not.
#[derive(Debug, Args)]
pub struct StatusArgs {}

/// Runs the command.
pub async fn run(_: StatusArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let records = session::records(global).await?;
    let config = crate::config::load(&global.overrides())?;
    let status = look(&records, config.schedule.interval).await?;
    let now = records.clock.now();
    printer.data(&status, |status, paint| view::text(status, now, paint))?;
    if let Some(hint) = status.health.hint() {
        printer.hint(hint);
    }
    Ok(ExitCode::SUCCESS)
}

async fn look(records: &Records, interval: std::time::Duration) -> anyhow::Result<Status> {
    let now = records.clock.now();
    let overview = records.overview(midnight(now)).await?;
    let batches = records.batches(BATCHES).await?;
    let halted = records.halted().await?;
    Ok(Status::of(overview, batches, halted, interval, now))
}

/// When today began, where this runs.
fn midnight(now: Timestamp) -> Timestamp {
    let today = now.to_zoned_datetime(TimeZone::system()).start_of_day();
    today.map_or(now, |midnight| midnight.timestamp())
}
