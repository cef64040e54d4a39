//! Failed runs, and what they have in common.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use redrive_ledger::{FailureEntry, FailureFilter, FailureGroup, GroupFilter};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::extract::Query;
use crate::page;
use crate::problem::{self, Result};
use crate::views::Listed;

/// Which failed runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Of this failure status.
    failure_status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    group: Option<String>,
    /// Closed at or after then.
    since: Option<Timestamp>,
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// List failed runs, the latest first
#[utoipa::path(get, path = "/failures", tag = "failures", params(Which), responses(
    (status = OK, body = Listed<FailureEntry>),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(which): Query<Which>,
) -> Result<Json<Listed<FailureEntry>>> {
    let limit = page::limit(which.limit, page::USUAL, page::LARGEST)?;
    let filter = FailureFilter {
        failure_status: which.failure_status,
        group: which.group,
        since: which.since,
    };
    let data = app.records().failures(&filter, limit).await?;
    Ok(Json(Listed { data }))
}

/// Which groups.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Groups {
    /// With a failure at or after then.
    since: Option<Timestamp>,
    /// Whose status or last message has these words in it, whatever their case.
    search: Option<String>,
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// Group failures by type, status and message, those with the most failures first
#[utoipa::path(get, path = "/failures/groups", tag = "failures", params(Groups), responses(
    (status = OK, body = Listed<FailureGroup>),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn groups(
    State(app): State<App>,
    Query(which): Query<Groups>,
) -> Result<Json<Listed<FailureGroup>>> {
    let limit = page::limit(which.limit, page::USUAL, page::LARGEST)?;
    let filter = GroupFilter {
        since: which.since,
        search: which.search,
    };
    let data = app.records().failure_groups(&filter, limit).await?;
    Ok(Json(Listed { data }))
}
