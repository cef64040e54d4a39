//! Who did what.

use axum::Json;
use axum::extract::State;
use redrive_ledger::{AuditFilter, AuditRow};

use crate::app::App;
use crate::extract::Query;
use crate::problem::{self, Result};
use crate::views::{Listed, WhichActs};
use crate::{cursor, page};

/// List what people did, the latest first
#[utoipa::path(get, path = "/audit", tag = "audit", params(WhichActs), responses(
    (status = OK, body = Listed<AuditRow>),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(which): Query<WhichActs>,
) -> Result<Json<Listed<AuditRow>>> {
    let limit = page::limit(which.limit, page::USUAL, page::LARGEST)?;
    let filter = AuditFilter {
        actor: which.actor,
        action: which.action,
        since: which.since,
        after: which.cursor.as_deref().map(cursor::entry).transpose()?,
    };
    let data = app.records().audit(&filter, limit).await?;
    let listed = Listed::page(data, limit, |row| cursor::of_entry((row.at, row.id)));
    Ok(Json(listed))
}
