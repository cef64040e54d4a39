//! When batches start by themselves.

use axum::Json;
use axum::extract::State;
use redrive_engine::ops::OpsError;

use super::taking::Taking;
use crate::app::{self, App};
use crate::extract::{self, Path, Query};
use crate::problem::{self, Result};
use crate::views::{ScheduleChange, ScheduleDeed, ScheduleShown, ScheduleTold, Why};

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

/// Apply, pause, resume or trigger the schedule
///
/// To `trigger` it starts a batch now, and waits until Temporal shows it; while a batch of the schedule runs none is started, and `did`
/// is `busy`.
#[utoipa::path(post, path = "/schedule/{deed}", tag = "schedule",
    params(("deed" = inline(ScheduleDeed), Path, description = "What it is told.")),
    request_body = Why,
    responses(
        (status = OK, body = ScheduleTold),
        (status = BAD_REQUEST, body = problem::Body),
        (status = NOT_FOUND, description = "There is none; to apply makes one.", body = problem::Body)
    )
)]
pub(crate) async fn tell(
    State(app): State<App>,
    Path(deed): Path<ScheduleDeed>,
    extract::Json(why): extract::Json<Why>,
) -> Result<Json<ScheduleTold>> {
    let by = app::by(why.by, why.reason);
    let told = ScheduleTold::tell(&app.ops, &app.schedule, deed, &by).await?;
    Ok(Json(told))
}

/// Delete the schedule
///
/// Batches then start by hand only; one that runs goes on. A worker that starts makes it again, unless `schedule.manage` is false.
#[utoipa::path(delete, path = "/schedule", tag = "schedule", params(Taking), responses(
    (status = OK, body = ScheduleTold),
    (status = BAD_REQUEST, body = problem::Body),
    (status = NOT_FOUND, description = "There is none.", body = problem::Body)
))]
pub(crate) async fn take(
    State(app): State<App>,
    Query(taking): Query<Taking>,
) -> Result<Json<ScheduleTold>> {
    let by = taking.by()?;
    let told = ScheduleTold::delete(&app.ops, &app.schedule, &by).await?;
    Ok(Json(told))
}

async fn shown(app: &App) -> Result<ScheduleShown> {
    let id = &app.schedule.id;
    let status = app.ops.schedule(&app.schedule).await?;
    let status = status.ok_or_else(|| OpsError::NoSchedule { id: id.clone() })?;
    Ok(ScheduleShown::of(id, status))
}
