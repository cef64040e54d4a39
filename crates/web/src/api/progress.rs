//! A batch while it runs, and what became of one order in it.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::extract::{Path, Query};
use crate::page;
use crate::problem::{self, ApiError, Result};
use crate::views::{BatchNow, OrderEnded};

/// A request waits no longer for a batch's end, in seconds: whoever stops the server waits for its requests.
const LONGEST: u32 = 10;

/// How it is looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Look {
    /// Answer when the batch has ended, or after so many seconds.
    #[param(minimum = 0, maximum = 10, default = 0)]
    wait: Option<u32>,
    /// The failure statuses that the batch was started with, for what is left to it: given several times, or with commas between.
    #[serde(default)]
    #[param(schema_with = page::list)]
    failure_status: Vec<String>,
}

/// Tell how far a batch is: what it does, its numbers so far and what is left to it, or how it ended
///
/// Whoever follows a batch asks again until there is a result or an error.
#[utoipa::path(get, path = "/batches/{batchId}/progress", tag = "batches",
    params(("batchId" = String, Path, description = "The batch's id, or its workflow id."), Look),
    responses(
        (status = OK, body = BatchNow),
        (status = BAD_REQUEST, body = problem::Body),
        (status = NOT_FOUND, body = problem::Body),
        (status = SERVICE_UNAVAILABLE, description = "Temporal does not answer.", body = problem::Body)
    )
)]
pub(crate) async fn progress(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(look): Query<Look>,
) -> Result<Json<BatchNow>> {
    let wait = look.wait.unwrap_or(0);
    if wait > LONGEST {
        return Err(ApiError::invalid(format!(
            "wait is {wait}; it can be up to {LONGEST} seconds"
        )));
    }
    let patience = Duration::from_secs(u64::from(wait));
    let statuses = page::several(look.failure_status);
    Ok(Json(
        BatchNow::look(&app.ops, &id, statuses, patience).await?,
    ))
}

/// Tell what became of an order in a batch, or why the batch left it alone
#[utoipa::path(get, path = "/batches/{batchId}/orders/{orderId}", tag = "batches",
    params(
        ("batchId" = String, Path, description = "The batch's id."),
        ("orderId" = String, Path, description = "The order's id, or its workflow id.")
    ),
    responses((status = OK, body = OrderEnded), (status = NOT_FOUND, body = problem::Body))
)]
pub(crate) async fn order(
    State(app): State<App>,
    Path((batch, id)): Path<(String, String)>,
) -> Result<Json<OrderEnded>> {
    let order = app.records().find(&id).await?;
    Ok(Json(
        OrderEnded::look(&app.ops.engine, &batch, &order).await?,
    ))
}
