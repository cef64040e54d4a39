//! Orders and their stories.

use axum::Json;
use axum::extract::State as Has;
use jiff::Timestamp;
use redrive_core::states::State;
use redrive_ledger::{OrderFilter, OrderRow};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::extract::{Path, Query};
use crate::page;
use crate::problem::{self, ApiError, Result};
use crate::views::{Listed, OrderStory};

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// In these states: given several times, or with commas between. By default in any.
    #[serde(default)]
    #[param(value_type = Vec<State>)]
    state: Vec<String>,
    /// Of this failure status.
    failure_status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    group: Option<String>,
    /// Of this customer.
    customer_id: Option<String>,
    /// Whose last failure is older than that.
    failed_before: Option<Timestamp>,
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// List orders, those that failed last first
#[utoipa::path(get, path = "/orders", tag = "orders", params(Which), responses(
    (status = OK, body = Listed<OrderRow>),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn list(
    Has(app): Has<App>,
    Query(which): Query<Which>,
) -> Result<Json<Listed<OrderRow>>> {
    let limit = page::limit(which.limit, page::USUAL, page::LARGEST)?;
    let filter = OrderFilter {
        states: states(&which.state)?,
        failure_status: which.failure_status,
        group: which.group,
        customer_id: which.customer_id,
        failed_before: which.failed_before,
        after: None,
    };
    let data = app.records().orders(&filter, limit).await?;
    Ok(Json(Listed { data }))
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
