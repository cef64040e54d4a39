//! `redrive status`: how everything stands, on one screen.

mod view;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock, schedule_status};
use redrive_web::views::{NextBatch, Status};
use serde::Serialize;

use super::Global;
use crate::backend::Backend;
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
    let now = SystemClock.now();
    let since = midnight(now);
    let status = match Backend::<Records>::records(global).await? {
        Backend::Local(records) => here(&records, since, global).await?,
        Backend::Remote(remote) => remote.get(&["status"], &Today { since }).await?,
    };
    printer.data(&status, |status, paint| view::text(status, now, paint))?;
    if let Some(hint) = status.health.hint() {
        printer.hint(hint);
    }
    Ok(ExitCode::SUCCESS)
}

/// Where today begins, as a server is asked.
#[derive(Serialize)]
struct Today {
    since: Timestamp,
}

/// The same on the ledger itself.
async fn here(records: &Records, since: Timestamp, global: &Global) -> anyhow::Result<Status> {
    let config = crate::config::load(&global.overrides())?;
    let schedule = tokio::time::timeout(PATIENCE, schedule(&config)).await;
    let (schedule, interval) = (schedule.ok().flatten(), config.schedule.interval);
    Ok(Status::look(records, since, schedule, interval).await?)
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
