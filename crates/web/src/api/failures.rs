//! Failed runs, and what they have in common.

use axum::Json;
use axum::extract::State;
use redrive_core::ids::RunId;
use redrive_ledger::{FailureEntry, FailureFilter, FailureGroup, GroupFilter};

use crate::app::App;
use crate::extract::{Path, Query};
use crate::problem::{self, Result};
use crate::views::{FailureShown, Listed, WhichFailures, WhichGroups};
use crate::{cursor, page};

/// List failed runs, the latest first
#[utoipa::path(get, path = "/failures", tag = "failures", params(WhichFailures), responses(
    (status = OK, body = Listed<FailureEntry>),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(which): Query<WhichFailures>,
) -> Result<Json<Listed<FailureEntry>>> {
    let limit = page::limit(which.limit, page::USUAL, page::LARGEST)?;
    let filter = FailureFilter {
        failure_status: which.failure_status,
        group: which.group,
        since: which.since,
        after: which.cursor.as_deref().map(cursor::run).transpose()?,
    };
    let data = app.records().failures(&filter, limit).await?;
    Ok(Json(Listed::page(data, limit, |entry| {
        cursor::of_run((entry.failure.closed_at, &entry.failure.run_id))
    })))
}

/// Group failures by type, status and message, those with the most failures first
#[utoipa::path(get, path = "/failures/groups", tag = "failures", params(WhichGroups), responses(
    (status = OK, body = Listed<FailureGroup>),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn groups(
    State(app): State<App>,
    Query(which): Query<WhichGroups>,
) -> Result<Json<Listed<FailureGroup>>> {
    let limit = page::limit(which.limit, page::USUAL, page::LARGEST)?;
    let filter = GroupFilter {
        since: which.since,
        search: which.search,
        after: which.cursor.as_deref().map(cursor::group).transpose()?,
    };
    let data = app.records().failure_groups(&filter, limit).await?;
    Ok(Json(Listed::page(data, limit, |group| {
        cursor::of_group(&group.place())
    })))
}

/// Show a failed run
#[utoipa::path(get, path = "/failures/{runId}", tag = "failures",
    params(("runId" = String, Path, description = "The failed run's id.")),
    responses((status = OK, body = FailureShown), (status = NOT_FOUND, body = problem::Body))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(run): Path<String>,
) -> Result<Json<FailureShown>> {
    let records = app.records();
    let entry = records.failure(&RunId::from(run)).await?;
    Ok(Json(FailureShown::of(entry, &records.policy)))
}
