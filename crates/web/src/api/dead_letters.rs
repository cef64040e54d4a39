//! The dead letter queue, as order services speak of it.

use axum::Json;
use axum::extract::State;
use redrive_engine::ops::{Decision, OpsError};
use redrive_ledger::{DeadLetter, DeadLetterFilter, NewAuditEvent, Total};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use crate::app::{self, App};
use crate::extract::{self, Path, Query};
use crate::problem::{self, ApiError, Result};
use crate::queue;
use crate::views::{ActionFilter, ByHand, Entries, Entry, Resolve, RetryOutcome, Sort, Stats};
use crate::{cursor, page};

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
    /// In which order: `decided` lists those that are decided alone, `retries` those that wait.
    #[param(inline)]
    sort: Option<Sort>,
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

/// List the queue, the oldest entries first or in another order
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
    let sort = which.sort.unwrap_or_default();
    let order = sort.into();
    let listed = sorted(sort, which.resolved);
    let after = which.cursor.as_deref().map(cursor::numbers);
    let filter = DeadLetterFilter {
        order,
        after: after.transpose()?,
        ..queue::listed(records, &wanted, listed.flatten(), now).await?
    };
    let page = match listed {
        Some(_) => records.dead_letter_page(&filter, offset, limit).await?,
        None => (Vec::new(), Total::Exactly(0)),
    };
    Ok(Json(Entries::of(page, order, (offset, limit), now)))
}

/// Which entries are listed in that order, for some are listed of decided ones alone, or of those that wait; `None`: none is
/// both.
fn sorted(sort: Sort, resolved: Option<bool>) -> Option<Option<bool>> {
    let alone = match sort {
        Sort::Oldest | Sort::Newest => return Some(resolved),
        Sort::Decided => true,
        Sort::Retries => false,
    };
    let both = resolved.is_none_or(|resolved| resolved == alone);
    both.then_some(Some(alone))
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
    Ok(Json(shown(&app, id).await?))
}

async fn shown(app: &App, id: String) -> Result<Entry> {
    let records = app.records();
    let story = records.show_order(&id).await?;
    Entry::told(story, records.clock.now()).ok_or_else(|| OpsError::NotDeadLettered { id }.into())
}

/// Decide an entry
///
/// `manual_retry` starts the order again, and answers when that is done, or within a minute: `retry` says what became of it.
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
    let retry = match resolve.resolution {
        ByHand::ManualRetry => {
            let retried = app.ops.retry_dead_letter(&id, by).await?;
            let outcome = RetryOutcome::of(retried.end);
            Some(outcome.map_err(|entry| decided_before(&entry))?)
        }
        ByHand::Cancelled => {
            decide(&app, &id, Decision::Cancel, by).await?;
            None
        }
        ByHand::Escalated => {
            decide(&app, &id, Decision::Escalate, by).await?;
            None
        }
    };
    let entry = shown(&app, id).await?;
    Ok(Json(Entry { retry, ..entry }))
}

async fn decide(app: &App, id: &str, decision: Decision, by: NewAuditEvent) -> Result<()> {
    let decided = app.records().decide_dead_letter(id, decision, by).await?;
    decided.map(drop).map_err(|entry| decided_before(&entry))
}

fn decided_before(entry: &DeadLetter) -> ApiError {
    let details = json!({
        "orderId": entry.order_id,
        "resolvedAt": entry.resolved_at,
        "resolvedBy": entry.resolved_by,
    });
    ApiError::already_resolved(entry.decided_before(), details)
}
