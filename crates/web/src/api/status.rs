//! How everything stands.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;

use crate::app::App;
use crate::problem::{self, Result};
use crate::views::{NextBatch, Status};

/// How long Temporal is waited for: the rest is known without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How everything stands; today is UTC's
#[utoipa::path(get, path = "/status", tag = "health", responses(
    (status = OK, body = Status),
    (status = INTERNAL_SERVER_ERROR, description = "The ledger does not answer.", body = problem::Body)
))]
pub(crate) async fn show(State(app): State<App>) -> Result<Json<Status>> {
    status_of(&app).await.map(Json)
}

/// How everything stands.
pub(crate) async fn status_of(app: &App) -> Result<Status> {
    let now = app.records().clock.now();
    let today = now.to_zoned_datetime(TimeZone::UTC).start_of_day();
    let since = today.map_or(now, |midnight| midnight.timestamp());
    let asked = tokio::time::timeout(PATIENCE, app.ops.schedule(&app.schedule)).await;
    let schedule = asked.ok().and_then(std::result::Result::ok);
    let schedule = schedule.map(NextBatch::of);
    Ok(Status::look(app.records(), since, schedule, app.schedule.interval).await?)
}
