//! Operations on many dead letters: how far they are, and telling them what to do.

use axum::Json;
use axum::extract::State;
use redrive_core::ids::OperationId;
use redrive_ledger::Operation;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::{self, App};
use crate::extract::{self, Path, Query};
use crate::problem::{self, Result};
use crate::views::{Deed, Listed, NewRate, OperationShown, OperationTold, Why};
use crate::{cursor, page};

/// Which operations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Operations a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// The page after the one that gave it.
    #[param(pattern = r"^[0-9]{1,17}\.[0-9a-f-]{1,100}$")]
    cursor: Option<String>,
}

/// List operations on dead letters, the latest first
#[utoipa::path(get, path = "/dead-letter-queue/actions", tag = "dead letter queue", params(Which), responses(
    (status = OK, body = Listed<Operation>),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(which): Query<Which>,
) -> Result<Json<Listed<Operation>>> {
    let limit = page::limit(which.limit, page::USUAL, page::LARGEST)?;
    let cursor = which.cursor.as_deref();
    let after = cursor.map(cursor::operation).transpose()?;
    let after = after.as_ref().map(|(at, id)| (*at, id));
    let operations = app.records().operations(after, limit).await?;
    Ok(Json(Listed::page(operations, limit, cursor::of_operation)))
}

/// Which of the orders that an operation did not start.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NotStarted {
    /// Orders a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// The page after the one that gave it.
    #[param(pattern = r"^(failed|skipped)\.[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// How far an operation is, and what it did not start
#[utoipa::path(get, path = "/dead-letter-queue/actions/{operationId}", tag = "dead letter queue",
    params(("operationId" = String, Path, description = "The operation's id."), NotStarted),
    responses(
        (status = OK, body = OperationShown),
        (status = BAD_REQUEST, body = problem::Body),
        (status = NOT_FOUND, body = problem::Body)
    )
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(which): Query<NotStarted>,
) -> Result<Json<OperationShown>> {
    let limit = page::limit(which.limit, page::USUAL, page::LARGEST)?;
    let cursor = which.cursor.as_deref();
    let after = cursor.map(cursor::not_started).transpose()?;
    let (id, records) = (OperationId::from(id), app.records());
    let operation = records.operation(&id).await?;
    let not_started = records.not_started(&id, after, limit).await?;
    Ok(Json(OperationShown::of(operation, not_started, limit)))
}

/// Tell an operation to pause, to resume, or to stop
///
/// A paused one finishes what it has taken, and takes no more until it is resumed; `resume` also takes up one whose workflow has ended
/// before its time. One that is stopped finishes what it has taken; the rest stays in the queue.
#[utoipa::path(post, path = "/dead-letter-queue/actions/{operationId}/{deed}", tag = "dead letter queue",
    params(
        ("operationId" = String, Path, description = "The operation's id."),
        ("deed" = inline(Deed), Path, description = "What it is told.")
    ),
    request_body = Why,
    responses(
        (status = OK, body = OperationTold),
        (status = BAD_REQUEST, body = problem::Body),
        (status = NOT_FOUND, body = problem::Body),
        (status = CONFLICT, description = "It has ended, or does not run.", body = problem::Body)
    )
)]
pub(crate) async fn tell(
    State(app): State<App>,
    Path((id, deed)): Path<(String, Deed)>,
    extract::Json(why): extract::Json<Why>,
) -> Result<Json<OperationTold>> {
    let (id, by) = (OperationId::from(id), app::by(why.by, why.reason));
    let answered = app.ops.tell_operation(&id, deed.into(), &by).await?;
    Ok(Json(OperationTold::of(deed, answered)))
}

/// Let an operation go at another rate, from its next starts on
#[utoipa::path(put, path = "/dead-letter-queue/actions/{operationId}/rate", tag = "dead letter queue",
    params(("operationId" = String, Path, description = "The operation's id.")),
    request_body = NewRate,
    responses(
        (status = OK, body = Operation),
        (status = BAD_REQUEST, body = problem::Body),
        (status = NOT_FOUND, body = problem::Body),
        (status = CONFLICT, description = "It has ended.", body = problem::Body)
    )
)]
pub(crate) async fn rate(
    State(app): State<App>,
    Path(id): Path<String>,
    extract::Json(new): extract::Json<NewRate>,
) -> Result<Json<Operation>> {
    let (id, by) = (OperationId::from(id), app::by(new.by, new.reason));
    let records = app.records();
    let set = records.set_operation_rate(&id, new.per_second, &by);
    Ok(Json(set.await?))
}
