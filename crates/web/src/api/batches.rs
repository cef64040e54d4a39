//! Batches: what they did, and starting, pausing and stopping them. How one is while it runs is told in `progress`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use redrive_core::ids::BatchId;
use redrive_core::report::VerdictKind;
use redrive_ledger::BatchRow;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::{self, App};
use crate::extract::{self, Path, Query};
use crate::problem::{self, Result};
use crate::views::{
    BatchOrders, BatchStarted, BatchTold, Deed, Listed, NewBatch, RunningBatch, Why,
};
use crate::{cursor, page};

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Most {
    /// Batches a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// The page after the one that gave it.
    #[param(max_length = 1000, pattern = r"^[0-9]{1,17}\.[0-9]{1,17}\.[!-~]+$")]
    cursor: Option<String>,
}

/// List batches, the newest first
#[utoipa::path(get, path = "/batches", tag = "batches", params(Most), responses(
    (status = OK, body = Listed<BatchRow>),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(most): Query<Most>,
) -> Result<Json<Listed<BatchRow>>> {
    let limit = page::limit(most.limit, page::USUAL, page::LARGEST)?;
    let after = most.cursor.as_deref().map(cursor::batch).transpose()?;
    let data = app.records().newest_batches(after.as_ref(), limit).await?;
    Ok(Json(Listed::page(data, limit, |batch| {
        cursor::of_batch(&batch.place())
    })))
}

/// List the batches that run now, as Temporal has it: one that no worker has begun yet, too
#[utoipa::path(get, path = "/batches/running", tag = "batches", responses(
    (status = OK, body = Listed<RunningBatch>),
    (status = SERVICE_UNAVAILABLE, description = "Temporal does not answer.", body = problem::Body)
))]
pub(crate) async fn running(State(app): State<App>) -> Result<Json<Listed<RunningBatch>>> {
    let running = app.ops.running_batches().await?.into_iter();
    let data = running.map(|batch| RunningBatch {
        workflow_id: batch.workflow_id,
        batch_id: batch.batch_id,
    });
    Ok(Json(Listed::whole(data.collect())))
}

/// Start a batch now, beside what the schedule starts
#[utoipa::path(post, path = "/batches", tag = "batches", request_body = NewBatch, responses(
    (status = CREATED, body = BatchStarted),
    (status = BAD_REQUEST, body = problem::Body),
    (status = NOT_FOUND, description = "There is no such order.", body = problem::Body),
    (status = SERVICE_UNAVAILABLE, description = "Temporal does not answer.", body = problem::Body)
))]
pub(crate) async fn start(
    State(app): State<App>,
    extract::Json(new): extract::Json<NewBatch>,
) -> Result<(StatusCode, Json<BatchStarted>)> {
    let by = app::by(new.by.clone(), new.reason.clone());
    let order = match &new.order {
        Some(id) => Some(app.records().find(id).await?),
        None => None,
    };
    let started = BatchStarted::start(&app.ops, &new.request(order), Some(&by)).await?;
    Ok((StatusCode::CREATED, Json(started)))
}

/// Which of a batch's orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Orders {
    /// Orders a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// The page after the one that gave it.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
    /// Only those with this verdict.
    verdict: Option<VerdictKind>,
}

/// Show a batch, with what it did with each order
#[utoipa::path(get, path = "/batches/{batchId}", tag = "batches",
    params(("batchId" = String, Path, description = "The batch's id, or its workflow id."), Orders),
    responses(
        (status = OK, body = BatchOrders),
        (status = BAD_REQUEST, body = problem::Body),
        (status = NOT_FOUND, body = problem::Body)
    )
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(which): Query<Orders>,
) -> Result<Json<BatchOrders>> {
    let limit = page::limit(which.limit, page::USUAL, page::LARGEST)?;
    let after = which.cursor.as_deref().map(cursor::key).transpose()?;
    let records = app.records();
    let batch = records.show_batch(&id).await?;
    let batch_id = BatchId::from(batch.result.batch_id.as_str());
    let orders = records
        .verdicts(&batch_id, which.verdict, after, limit)
        .await?;
    let last = orders.last().filter(|_| orders.len() == limit as usize);
    Ok(Json(BatchOrders {
        next_cursor: last.map(|order| order.pk.to_string()),
        batch,
        orders,
    }))
}

/// Tell a batch to pause, to resume, or to stop
///
/// A paused batch begins no order until it is resumed. One that is stopped ends early: what it has not touched is given back.
#[utoipa::path(post, path = "/batches/{batchId}/{deed}", tag = "batches",
    params(
        ("batchId" = String, Path, description = "The batch's id, or its workflow id."),
        ("deed" = inline(Deed), Path, description = "What it is told.")
    ),
    request_body = Why,
    responses(
        (status = OK, body = BatchTold),
        (status = BAD_REQUEST, body = problem::Body),
        (status = NOT_FOUND, body = problem::Body),
        (status = CONFLICT, description = "It has ended.", body = problem::Body)
    )
)]
pub(crate) async fn tell(
    State(app): State<App>,
    Path((id, deed)): Path<(String, Deed)>,
    extract::Json(why): extract::Json<Why>,
) -> Result<Json<BatchTold>> {
    let by = app::by(why.by, why.reason);
    let told = BatchTold::tell(&app.ops, Some(&id), deed, &by).await?;
    Ok(Json(told))
}
