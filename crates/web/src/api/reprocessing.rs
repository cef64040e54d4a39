//! Orders that wait for a restart, as services speak of them that count retries themselves.

use axum::Json;
use axum::extract::State as Has;
use redrive_core::ids::{RunId, WorkflowId};
use redrive_core::states::State;
use redrive_engine::ops::{OrderDeed, Report};
use redrive_ledger::{Act, EligibleFilter, Park};
use serde::Deserialize;
use utoipa::IntoParams;

use super::orders::not_now;
use crate::app::{self, App};
use crate::extract::{self, Path, Query};
use crate::page;
use crate::problem::{self, ApiError, Result};
use crate::views::{EligibleOrders, Entry, FailureReport, NewDeadLetter, Reset, RetryCount};

/// Orders a page, where nothing else is asked for, and at most.
const PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 500;
/// More restarts than any order has.
const MOST_RETRIES: u32 = 1000;

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Of these failure statuses: given several times, or with commas between. By default of all that are reprocessed.
    #[serde(default)]
    #[param(schema_with = page::list)]
    status: Vec<String>,
    /// Restarted less often than so; by default as the policy has it.
    #[param(minimum = 0, maximum = 1000, default = 5)]
    max_retries: Option<u32>,
    /// Orders a page.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
}

/// List orders that wait for a restart and are due
#[utoipa::path(get, path = "/reprocessing/eligible", tag = "reprocessing", params(Which), responses(
    (status = OK, body = EligibleOrders),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn eligible(
    Has(app): Has<App>,
    Query(which): Query<Which>,
) -> Result<Json<EligibleOrders>> {
    let limit = page::limit(which.limit, PAGE, LARGEST_PAGE)?;
    let records = app.records();
    let max_retries = which.max_retries.unwrap_or(records.policy.max_retries);
    if max_retries > MOST_RETRIES {
        return Err(ApiError::invalid(format!(
            "maxRetries is {max_retries}; it can be up to {MOST_RETRIES}"
        )));
    }
    let filter = EligibleFilter {
        failure_statuses: page::several(which.status),
        max_retries,
        due_by: records.clock.now(),
    };
    let found = records.eligible(&filter, limit).await?;
    Ok(Json(EligibleOrders::of(found)))
}

/// How often an order was restarted, and what comes next
#[utoipa::path(get, path = "/reprocessing/orders/{orderId}/retry-count", tag = "reprocessing",
    params(("orderId" = String, Path, description = "The order's id, or its workflow id.")),
    responses((status = OK, body = RetryCount), (status = NOT_FOUND, body = problem::Body))
)]
pub(crate) async fn retry_count(
    Has(app): Has<App>,
    Path(id): Path<String>,
) -> Result<Json<RetryCount>> {
    let records = app.records();
    let story = records.show_order(&id).await?;
    Ok(Json(RetryCount::of(&story.order, &records.policy)))
}

/// Report a failed run, so that it need not wait for the next scan
///
/// Temporal is asked whether the run failed, and how. The same run is taken in once, whoever reports or finds it, and one that a
/// restart of ours explains counts as that restart's.
#[utoipa::path(post, path = "/reprocessing/orders/{orderId}/retry-count", tag = "reprocessing",
    params(("orderId" = String, Path, description = "The order's id, or its workflow id.")),
    request_body = FailureReport,
    responses(
        (status = OK, body = RetryCount),
        (status = NOT_FOUND, description = "Temporal knows no such run.", body = problem::Body),
        (status = CONFLICT, description = "The run has not failed.", body = problem::Body)
    )
)]
pub(crate) async fn report(
    Has(app): Has<App>,
    Path(id): Path<String>,
    extract::Json(report): extract::Json<FailureReport>,
) -> Result<Json<RetryCount>> {
    let report = Report {
        workflow_id: report.workflow_id.map(WorkflowId::from),
        run_id: report.run_id.map(RunId::from),
        failure_status: report.failure_status,
    };
    let order = app.ops.report_failure(&id, &report).await?;
    Ok(Json(RetryCount::of(&order, &app.records().policy)))
}

/// Give an order a fresh budget, due at once
#[utoipa::path(post, path = "/reprocessing/orders/{orderId}/reset", tag = "reprocessing",
    params(("orderId" = String, Path, description = "The order's id, or its workflow id.")),
    request_body = Reset,
    responses(
        (status = OK, body = RetryCount),
        (status = NOT_FOUND, body = problem::Body),
        (status = CONFLICT, description = "The order's state does not allow it.", body = problem::Body)
    )
)]
pub(crate) async fn reset(
    Has(app): Has<App>,
    Path(id): Path<String>,
    extract::Json(reset): extract::Json<Reset>,
) -> Result<Json<RetryCount>> {
    let records = app.records();
    let by = app::by(reset.reset_by, reset.reset_reason);
    match records.act(&id, Act::Reset, &by).await? {
        Ok(order) => Ok(Json(RetryCount::of(&order, &records.policy))),
        Err(state) => Err(not_now(&id, OrderDeed::Reset, state)),
    }
}

/// Put an order into the dead letter queue
#[utoipa::path(post, path = "/reprocessing/orders/{orderId}/dlq", tag = "reprocessing",
    params(("orderId" = String, Path, description = "The order's id, or its workflow id.")),
    request_body = NewDeadLetter,
    responses(
        (status = OK, body = Entry),
        (status = NOT_FOUND, body = problem::Body),
        (status = CONFLICT, description = "The order's state does not allow it.", body = problem::Body)
    )
)]
pub(crate) async fn dead_letter(
    Has(app): Has<App>,
    Path(id): Path<String>,
    extract::Json(new): extract::Json<NewDeadLetter>,
) -> Result<Json<Entry>> {
    let park = Park {
        by: app::by(None, new.failure_reason.clone()),
        escalation_level: new.escalation_level,
        failure: Some((new.failure_status, new.failure_reason)),
    };
    let records = app.records();
    match records.park(&id, &park).await? {
        // With the runs that led there, which the queue's row has not.
        Ok(_) => {
            let story = records.show_order(&id).await?;
            let entry = Entry::told(story, records.clock.now());
            entry
                .map(Json)
                .ok_or_else(|| not_now(&id, OrderDeed::DeadLetter, State::DeadLettered))
        }
        Err(state) => Err(not_now(&id, OrderDeed::DeadLetter, state)),
    }
}
