//! How fast everything that works on this ledger may go, changed while it works.

use axum::Json;
use axum::extract::State;
use redrive_engine::ops::{Limit, Records};
use redrive_ledger::{Limited, NewAuditEvent};

use super::taking::Taking;
use crate::app::{self, App};
use crate::extract::{self, Path, Query};
use crate::problem::{self, Result};
use crate::views::{Listed, NewLimit};

/// List the limits, and which of them an operator set
#[utoipa::path(get, path = "/limits", tag = "brakes", responses((status = OK, body = Listed<Limit>)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Listed<Limit>>> {
    listed(app.records()).await
}

/// Set a limit for all workers at once, until it is taken away
///
/// The configuration stays as it is. The answer has all limits.
#[utoipa::path(put, path = "/limits/{limit}", tag = "brakes",
    params(("limit" = inline(Limited), Path, description = "What is limited.")),
    request_body = NewLimit,
    responses((status = OK, body = Listed<Limit>), (status = BAD_REQUEST, body = problem::Body))
)]
pub(crate) async fn put(
    State(app): State<App>,
    Path(limit): Path<Limited>,
    extract::Json(new): extract::Json<NewLimit>,
) -> Result<Json<Listed<Limit>>> {
    let by = app::by(new.by, new.reason);
    set(app.records(), limit, Some(new.per_second), &by).await
}

/// Let the configuration's limit hold again
///
/// The answer has all limits.
#[utoipa::path(delete, path = "/limits/{limit}", tag = "brakes",
    params(("limit" = inline(Limited), Path, description = "What is limited."), Taking),
    responses((status = OK, body = Listed<Limit>), (status = BAD_REQUEST, body = problem::Body))
)]
pub(crate) async fn take(
    State(app): State<App>,
    Path(limit): Path<Limited>,
    Query(taking): Query<Taking>,
) -> Result<Json<Listed<Limit>>> {
    set(app.records(), limit, None, &taking.by()?).await
}

async fn set(
    records: &Records,
    limit: Limited,
    per_second: Option<f64>,
    by: &NewAuditEvent,
) -> Result<Json<Listed<Limit>>> {
    records.set_limit(limit, per_second, by).await?;
    listed(records).await
}

async fn listed(records: &Records) -> Result<Json<Listed<Limit>>> {
    let data = records.limits().await?;
    Ok(Json(Listed::whole(data)))
}
