//! The dead letter queue, as order services speak of it.

use axum::Json;
use axum::extract::State;
use redrive_engine::ops::{Decision, OpsError, Retried, RetryEnd};
use redrive_ledger::{DeadLetter, DeadLetterFilter};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use crate::app::{self, App};
use crate::extract::{self, Path, Query};
use crate::page;
use crate::problem::{self, ApiError, Result};
use crate::queue;
use crate::views::{ActionFilter, ByHand, Entries, Entry, Resolve, Stats};

/// Entries a page, where nothing else is asked for, and at most.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Those that wait (`false`), those that are decided (`true`); both, where it is not given.
    resolved: Option<bool>,
    /// Of this failure status.
    failure_status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    group: Option<String>,
    /// Of this customer.
    customer_id: Option<String>,
    /// Whose order id begins so, whose workflow id it is, or whose customer's.
    search: Option<String>,
    /// In the queue for more than so many hours.
    #[param(minimum = 0, maximum = 1000000)]
    older_than_hours: Option<f64>,
    /// Entries a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// How many to pass over; for more, and where entries come and go meanwhile, `cursor`.
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: Option<u32>,
    /// The page after the one that gave it.
    #[param(pattern = r"^[0-9]{1,17}\.[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// List the queue, the oldest entries first
#[utoipa::path(get, path = "/dead-letter-queue", tag = "dead letter queue", params(Which), responses(
    (status = OK, body = Entries),
    (status = BAD_REQUEST, body = problem::Body)
))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(which): Query<Which>,
) -> Result<Json<Entries>> {
    let limit = page::limit(which.limit, PAGE, LARGEST_PAGE)?;
    let offset = page::offset(which.offset)?;
    let records = app.records();
    let now = records.clock.now();
    let wanted = ActionFilter {
        failure_status: which.failure_status,
        group: which.group,
        customer_id: which.customer_id,
        search: which.search,
        older_than_hours: which.older_than_hours,
    };
    let after = which.cursor.as_deref().map(page::place).transpose()?;
    let filter = DeadLetterFilter {
        after,
        ..queue::listed(records, &wanted, which.resolved, now).await?
    };
    let (entries, total) = records.dead_letter_page(&filter, offset, limit).await?;
    Ok(Json(Entries::of(entries, total, (offset, limit), now)))
}

/// The queue in numbers
#[utoipa::path(get, path = "/dead-letter-queue/stats", tag = "dead letter queue", responses((status = OK, body = Stats)))]
pub(crate) async fn stats(State(app): State<App>) -> Result<Json<Stats>> {
    let records = app.records();
    let stats = records.dead_letter_stats().await?;
    Ok(Json(Stats::of(stats, records.clock.now())))
}

/// Show an order's entry, with the runs that failed on its way
#[utoipa::path(get, path = "/dead-letter-queue/{orderId}", tag = "dead letter queue",
    params(("orderId" = String, Path, description = "The order's id, or its workflow id.")),
    responses((status = OK, body = Entry), (status = NOT_FOUND, body = problem::Body))
)]
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Entry>> {
    let records = app.records();
    let story = records.show_order(&id).await?;
    Entry::told(story, records.clock.now())
        .map(Json)
        .ok_or_else(|| OpsError::NotDeadLettered { id }.into())
}

/// Decide an entry
///
/// `manual_retry` starts the order again, and answers when that is done.
#[utoipa::path(patch, path = "/dead-letter-queue/{orderId}/resolve", tag = "dead letter queue",
    params(("orderId" = String, Path, description = "The order's id, or its workflow id.")),
    request_body = Resolve,
    responses(
        (status = OK, body = Entry),
        (status = BAD_REQUEST, description = "It was decided before, or the request is wrong.", body = problem::Body),
        (status = NOT_FOUND, body = problem::Body)
    )
)]
pub(crate) async fn resolve(
    State(app): State<App>,
    Path(id): Path<String>,
    extract::Json(resolve): extract::Json<Resolve>,
) -> Result<Json<Entry>> {
    let by = app::named(resolve.resolved_by, resolve.notes)?;
    let before = match resolve.resolution {
        ByHand::ManualRetry => decided(app.ops.retry_dead_letter(&id, by).await?),
        ByHand::Cancelled => {
            let records = app.records();
            records
                .decide_dead_letter(&id, Decision::Cancel, by)
                .await?
                .err()
        }
        ByHand::Escalated => {
            let records = app.records();
            records
                .decide_dead_letter(&id, Decision::Escalate, by)
                .await?
                .err()
        }
    };
    match before {
        Some(entry) => Err(decided_before(&entry)),
        None => show(State(app), Path(id)).await,
    }
}

/// The entry, where somebody was first.
fn decided(retried: Retried) -> Option<DeadLetter> {
    match retried.end {
        RetryEnd::AlreadyResolved(entry) => Some(*entry),
        RetryEnd::Started { .. } | RetryEnd::NotStarted { .. } => None,
    }
}

fn decided_before(entry: &DeadLetter) -> ApiError {
    let details = json!({
        "orderId": entry.order_id,
        "resolvedAt": entry.resolved_at,
        "resolvedBy": entry.resolved_by,
    });
    ApiError::already_resolved(entry.decided_before(), details)
}
