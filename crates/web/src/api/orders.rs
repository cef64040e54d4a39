//! Orders, their stories, and decisions about them one by one.

use axum::Json;
use axum::extract::State as Has;
use redrive_core::states::State;
use redrive_engine::ops::OrderDeed;
use redrive_ledger::OrderFilter;
use serde_json::json;

use crate::app::{self, App};
use crate::extract::{self, Path, Query};
use crate::problem::{self, ApiError, Result};
use crate::views::{Listed, NotNow, OrderLine, OrderStory, WhichOrders, Why};
use crate::{cursor, page};

/// List orders, those that failed last first
#[utoipa::path(get, path = "/orders", tag = "orders", params(WhichOrders), responses(
    (status = OK, body = Listed<OrderLine>),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn list(
    Has(app): Has<App>,
    Query(which): Query<WhichOrders>,
) -> Result<Json<Listed<OrderLine>>> {
    let limit = page::limit(which.limit, page::USUAL, page::LARGEST)?;
    let filter = OrderFilter {
        states: states(&which.state)?,
        failure_status: which.failure_status,
        group: which.group,
        customer_id: which.customer_id,
        failed_before: which.failed_before,
        after: which.cursor.as_deref().map(cursor::entry).transpose()?,
    };
    let records = app.records();
    let orders = records.orders(&filter, limit).await?.into_iter();
    let lines = orders.map(|order| OrderLine::of(order, &records.policy));
    Ok(Json(Listed::page(lines.collect(), limit, |line| {
        cursor::of_entry((line.order.failed_at, line.order.pk))
    })))
}

/// The states that are named; a key without a value names none.
fn states(values: &[String]) -> Result<Vec<State>> {
    if values.iter().all(String::is_empty) {
        return Ok(Vec::new());
    }
    let names = values.iter().flat_map(|value| value.split(','));
    names.map(|name| state(name.trim())).collect()
}

fn state(name: &str) -> Result<State> {
    State::parse(name).ok_or_else(|| {
        let names: Vec<&str> = State::ALL.iter().map(|state| state.as_str()).collect();
        ApiError::invalid(format!(
            "state is {name:?}; the states are {}",
            names.join(", ")
        ))
    })
}

/// Tell an order's whole story
#[utoipa::path(get, path = "/orders/{orderId}", tag = "orders",
    params(("orderId" = String, Path, description = "The order's id, or its workflow id.")),
    responses((status = OK, body = OrderStory), (status = NOT_FOUND, body = problem::Body))
)]
pub(crate) async fn show(Has(app): Has<App>, Path(id): Path<String>) -> Result<Json<OrderStory>> {
    let records = app.records();
    let story = records.show_order(&id).await?;
    Ok(Json(OrderStory::of(&story, &records.policy, &app.links)))
}

/// Hold an order, release it, reset it, or put it into the dead letter queue
///
/// One that is held is restarted by no batch until it is released. A reset gives it a fresh budget, due at once.
#[utoipa::path(post, path = "/orders/{orderId}/{deed}", tag = "orders",
    params(
        ("orderId" = String, Path, description = "The order's id, or its workflow id."),
        ("deed" = inline(OrderDeed), Path, description = "What is done to it.")
    ),
    request_body = Why,
    responses(
        (status = OK, body = OrderLine),
        (status = BAD_REQUEST, body = problem::Body),
        (status = NOT_FOUND, body = problem::Body),
        (status = CONFLICT, description = "The order's state does not allow it: `details` has that state.", body = problem::Body)
    )
)]
pub(crate) async fn act(
    Has(app): Has<App>,
    Path((id, deed)): Path<(String, OrderDeed)>,
    extract::Json(why): extract::Json<Why>,
) -> Result<Json<OrderLine>> {
    let records = app.records();
    let by = app::by(why.by, why.reason);
    match records.act_on(&id, deed, &by).await? {
        Ok(order) => Ok(Json(OrderLine::of(order, &records.policy))),
        Err(state) => Err(not_now(&id, deed, state)),
    }
}

/// The order's state does not allow it.
pub(super) fn not_now(id: &str, deed: OrderDeed, state: State) -> ApiError {
    let reason = deed.refused(state);
    let message = format!("nothing was done to {id:?}: {reason}");
    let details = json!(NotNow { state, reason });
    ApiError::conflict(message).with(details)
}
