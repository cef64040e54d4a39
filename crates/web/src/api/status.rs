//! How everything stands.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use redrive_engine::ScheduleStatus;
use redrive_ledger::BatchRow;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::extract::Query;
use crate::problem::{self, ApiError, Result};
use crate::views::{NextBatch, Status};

/// How long Temporal is waited for: the rest is known without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where today begins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Today {
    /// What is counted of today is counted since then; by default since midnight UTC.
    since: Option<Timestamp>,
}

/// How everything stands
#[utoipa::path(get, path = "/status", tag = "health", params(Today), responses(
    (status = OK, body = Status),
    (status = BAD_REQUEST, body = problem::Body),
    (status = INTERNAL_SERVER_ERROR, description = "The ledger does not answer.", body = problem::Body)
))]
pub(crate) async fn show(
    State(app): State<App>,
    Query(today): Query<Today>,
) -> Result<Json<Status>> {
    let (status, _) = status_since(&app, today.since).await?;
    Ok(Json(status))
}

/// How everything stands, and the newest batches; today is UTC's.
pub(crate) async fn status_and_batches(app: &App) -> Result<(Status, Vec<BatchRow>)> {
    status_since(app, None).await
}

async fn status_since(app: &App, since: Option<Timestamp>) -> Result<(Status, Vec<BatchRow>)> {
    let now = app.records().clock.now();
    let today = now.to_zoned_datetime(TimeZone::UTC).start_of_day();
    let since = since.unwrap_or_else(|| today.map_or(now, |midnight| midnight.timestamp()));
    let schedule = schedule_of(app).await.ok().map(NextBatch::of);
    let interval = app.schedule.interval;
    Ok(Status::with_batches(app.records(), since, schedule, interval).await?)
}

/// The schedule; `None`: there is none.
pub(crate) async fn schedule_of(app: &App) -> Result<Option<ScheduleStatus>> {
    let asked = tokio::time::timeout(PATIENCE, app.ops.schedule(&app.schedule)).await;
    Ok(asked.map_err(|_| ApiError::unavailable("Temporal does not answer"))??)
}
