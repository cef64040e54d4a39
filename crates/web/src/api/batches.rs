//! Batches: what they did, and starting, pausing and stopping them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use redrive_core::ids::BatchId;
use redrive_engine::ops::{Controlled, RunRequest};
use redrive_ledger::BatchRow;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::{self, App};
use crate::extract::{self, Path, Query};
use crate::page;
use crate::problem::{self, Result};
use crate::views::{BatchOrders, BatchStarted, BatchTold, Deed, Listed, NewBatch, Why};

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Most {
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
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
    let data = app.records().batches(limit).await?;
    Ok(Json(Listed { data }))
}

/// Start a batch now, beside what the schedule starts
#[utoipa::path(post, path = "/batches", tag = "batches", request_body = NewBatch, responses(
    (status = CREATED, body = BatchStarted),
    (status = BAD_REQUEST, body = problem::Body),
    (status = SERVICE_UNAVAILABLE, description = "Temporal does not answer.", body = problem::Body)
))]
pub(crate) async fn start(
    State(app): State<App>,
    extract::Json(new): extract::Json<NewBatch>,
) -> Result<(StatusCode, Json<BatchStarted>)> {
    let request = RunRequest {
        max_orders: new.max_orders,
        failure_statuses: new.failure_statuses,
        order: None,
    };
    let running = app.ops.start_batch(&request).await?;
    let started = BatchStarted {
        workflow_id: running.workflow_id,
        batch_id: running.batch_id,
    };
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
    let after = which.cursor.as_deref().map(page::key).transpose()?;
    let records = app.records();
    let batch = records.show_batch(&id).await?;
    let batch_id = BatchId::from(batch.result.batch_id.as_str());
    let orders = records.verdicts(&batch_id, after, limit).await?;
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
    let Controlled {
        running,
        heard,
        progress,
    } = app.ops.control_batch(Some(&id), deed.into(), &by).await?;
    Ok(Json(BatchTold {
        workflow_id: running.workflow_id,
        batch_id: running.batch_id,
        heard,
        paused: progress.as_ref().map(|now| now.paused),
        stopping: progress.as_ref().map(|now| now.stopping),
    }))
}
