//! Which entries of the dead letter queue a request means: the one place where its words become the ledger's filter.

use jiff::{SignedDuration, Timestamp};
use redrive_engine::ops::{Many, Records};
use redrive_ledger::{COUNTED, DeadLetterFilter, Total};

use crate::problem::{ApiError, Result};
use crate::views::{ActionFilter, MOST_HOURS};

/// What a list shows: everything that is asked for must hold.
pub(crate) async fn listed(
    records: &Records,
    wanted: &ActionFilter,
    resolved: Option<bool>,
    now: Timestamp,
) -> Result<DeadLetterFilter> {
    let older = wanted
        .older_than_hours
        .map(|hours| hours_before(hours, now));
    Ok(DeadLetterFilter {
        resolved,
        failure_status: wanted.failure_status.clone(),
        group: wanted.group.clone(),
        customer_id: wanted.customer_id.clone(),
        search: searched(records, wanted).await?,
        before: older.transpose()?,
        ..DeadLetterFilter::default()
    })
}

/// What a decision is about: the entries that wait, match, and were in the queue at `as_of`.
pub(crate) async fn waiting(
    records: &Records,
    wanted: &ActionFilter,
    limit: Option<u32>,
    as_of: Timestamp,
) -> Result<Many> {
    let filter = listed(records, wanted, Some(false), as_of).await?;
    Ok(Many::waiting(filter, limit, as_of))
}

/// What is looked for. A search looks at every order that matches, so it must not match any number of them.
async fn searched(records: &Records, wanted: &ActionFilter) -> Result<Option<String>> {
    let search = wanted.search.as_deref().map(str::trim).unwrap_or_default();
    if search.is_empty() {
        return Ok(None);
    }
    match records.reader.orders_beginning(search).await? {
        Total::Exactly(_) => Ok(Some(search.to_owned())),
        Total::MoreThan(_) => Err(ApiError::invalid(format!(
            "more than {COUNTED} orders begin with {search:?}: search for more of the id"
        ))),
    }
}

/// So many hours before `now`.
fn hours_before(hours: f64, now: Timestamp) -> Result<Timestamp> {
    let told = (0.0..=MOST_HOURS).contains(&hours);
    let age = SignedDuration::try_from_secs_f64(hours * 3600.0);
    let age = age.ok().filter(|_| told);
    age.and_then(|age| now.checked_sub(age).ok())
        .ok_or_else(|| {
            ApiError::invalid(format!(
                "olderThanHours is {hours}; it can be 0 to {MOST_HOURS}"
            ))
        })
}
