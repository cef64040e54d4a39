//! `redrive status`: how everything stands, on one screen.

mod view;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use redrive_engine::schedule_status;
use redrive_web::views::{NextBatch, Status};

use super::{Global, session};
use crate::config::Config;
use crate::connect::Target;
use crate::printer::Printer;

/// How long Temporal is waited for: the rest is known without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Show how everything stands: is it healthy, what waits, what needs you
///
/// It needs the ledger only: while Temporal does not answer, all but the schedule is told.
#[derive(Debug, Args)]
pub struct StatusArgs {}

/// Runs the command.
pub async fn run(_: StatusArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let records = session::records(global).await?;
    let config = crate::config::load(&global.overrides())?;
    let schedule = tokio::time::timeout(PATIENCE, schedule(&config)).await;
    let now = records.clock.now();
    let (schedule, interval) = (schedule.ok().flatten(), config.schedule.interval);
    let status = Status::look(&records, midnight(now), schedule, interval).await?;
    printer.data(&status, |status, paint| view::text(status, now, paint))?;
    if let Some(hint) = status.health.hint() {
        printer.hint(hint);
    }
    Ok(ExitCode::SUCCESS)
}

/// The schedule; `None` where Temporal does not answer.
async fn schedule(config: &Config) -> Option<NextBatch> {
    let client = Target::configured().ok()?.connect().await.ok()?;
    let settings = super::schedule::settings(config);
    let found = schedule_status(&client, &settings).await.ok()?;
    Some(NextBatch::of(found))
}

/// When today began, where this runs.
fn midnight(now: Timestamp) -> Timestamp {
    let today = now.to_zoned_datetime(TimeZone::system()).start_of_day();
    today.map_or(now, |midnight| midnight.timestamp())
}
