//! When batches start by themselves.

use axum::Json;
use axum::extract::State;
use redrive_engine::ops::OpsError;

use crate::app::{self, App};
use crate::extract;
use crate::problem::{self, Result};
use crate::views::{ScheduleChange, ScheduleShown};

/// Show how the schedule stands
#[utoipa::path(get, path = "/schedule", tag = "schedule", responses(
    (status = OK, body = ScheduleShown),
    (status = NOT_FOUND, description = "There is none.", body = problem::Body),
    (status = SERVICE_UNAVAILABLE, description = "Temporal does not answer.", body = problem::Body)
))]
pub(crate) async fn show(State(app): State<App>) -> Result<Json<ScheduleShown>> {
    shown(&app).await.map(Json)
}

/// Pause the schedule, or let it go on
///
/// A schedule that is not there is made, as it is configured.
#[utoipa::path(put, path = "/schedule", tag = "schedule", request_body = ScheduleChange, responses(
    (status = OK, body = ScheduleShown),
    (status = BAD_REQUEST, body = problem::Body),
    (status = SERVICE_UNAVAILABLE, description = "Temporal does not answer.", body = problem::Body)
))]
pub(crate) async fn put(
    State(app): State<App>,
    extract::Json(change): extract::Json<ScheduleChange>,
) -> Result<Json<ScheduleShown>> {
    let by = app::by(change.by, change.reason);
    app.ops.apply_schedule(&app.schedule, &by).await?;
    match change.paused {
        Some(true) => drop(app.ops.pause_schedule(&app.schedule, &by).await?),
        Some(false) => drop(app.ops.resume_schedule(&app.schedule, &by).await?),
        None => {}
    }
    shown(&app).await.map(Json)
}

async fn shown(app: &App) -> Result<ScheduleShown> {
    let id = &app.schedule.id;
    let status = app.ops.schedule(&app.schedule).await?;
    let status = status.ok_or_else(|| OpsError::NoSchedule { id: id.clone() })?;
    Ok(ScheduleShown::of(id, status))
}
