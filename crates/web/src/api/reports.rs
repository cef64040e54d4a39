//! What was done a day.

use axum::Json;
use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use redrive_ledger::Day;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::extract::Query;
use crate::problem::{self, Result};
use crate::views::Listed;

/// A week, where nothing else is asked for.
const USUAL: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Since when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Since {
    /// Batches since then; by default of the last seven days.
    since: Option<Timestamp>,
}

/// What batches did a day (UTC), the latest first
#[utoipa::path(get, path = "/reports/daily", tag = "batches", params(Since), responses(
    (status = OK, body = Listed<Day>),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn daily(
    State(app): State<App>,
    Query(asked): Query<Since>,
) -> Result<Json<Listed<Day>>> {
    let records = app.records();
    let since = asked.since.unwrap_or_else(|| records.clock.now() - USUAL);
    let data = records.daily(since).await?;
    Ok(Json(Listed::whole(data)))
}
