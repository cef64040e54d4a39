//! The emergency brake.

use axum::Json;
use axum::extract::State;

use super::taking::Taking;
use crate::app::{self, App};
use crate::extract::{self, Query};
use crate::problem::{self, Result};
use crate::views::{Halted, NewHalt};

/// Show whether every start is halted
#[utoipa::path(get, path = "/halt", tag = "brakes", responses((status = OK, body = Halted)))]
pub(crate) async fn show(State(app): State<App>) -> Result<Json<Halted>> {
    Ok(Json(Halted::look(app.records()).await?))
}

/// Halt every start, everywhere, within a second
///
/// Batches go on to run and find what failed; they start nothing. Where it was halted before, nothing is changed.
#[utoipa::path(put, path = "/halt", tag = "brakes", request_body = NewHalt, responses(
    (status = OK, body = Halted),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn put(
    State(app): State<App>,
    extract::Json(new): extract::Json<NewHalt>,
) -> Result<Json<Halted>> {
    let by = app::by(new.by, new.reason);
    Ok(Json(Halted::halt(app.records(), &by).await?))
}

/// Let starts happen again
#[utoipa::path(delete, path = "/halt", tag = "brakes", params(Taking), responses(
    (status = OK, body = Halted),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn take(
    State(app): State<App>,
    Query(taking): Query<Taking>,
) -> Result<Json<Halted>> {
    let by = taking.by()?;
    Ok(Json(Halted::unhalt(app.records(), &by).await?))
}
