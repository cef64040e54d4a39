//! What fails, and why.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use redrive_engine::ops::Records;
use redrive_ledger::{FailureGroup, GroupFilter};
use serde::Deserialize;

use super::filter::given;
use super::moment::Moment;
use super::trend::{self, Trend};
use super::{Result, shown};
use crate::app::App;
use crate::extract::Query;

/// Groups in the table.
const MOST: u32 = 100;
/// Groups on the first page: those that failed within a day.
const FIRST: u32 = 5;
const LATELY: SignedDuration = SignedDuration::from_hours(24);

/// Which groups.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    search: String,
}

#[derive(Template)]
#[template(path = "failures.html")]
struct Page {
    here: &'static str,
    search: String,
    groups: Vec<Group>,
    cut: bool,
}

/// A group in a table.
pub(super) struct Group {
    pub failure_status: String,
    pub fingerprint: String,
    pub count: u64,
    pub open_orders: u64,
    pub first: Moment,
    pub last: Moment,
    pub sample: String,
    pub trend: Trend,
}

pub(super) async fn page(State(app): State<App>, Query(which): Query<Which>) -> Result<Response> {
    let records = app.records();
    let filter = GroupFilter {
        since: None,
        search: given(&which.search),
        after: None,
    };
    let groups = groups(records, &filter, MOST, records.clock.now()).await?;
    Ok(shown(&Page {
        here: "/failures",
        search: which.search,
        cut: groups.len() == MOST as usize,
        groups,
    }))
}

/// The groups with the most failures of those that failed within a day.
pub(super) async fn lately(records: &Records, now: Timestamp) -> Result<Vec<Group>> {
    let filter = GroupFilter {
        since: Some(now - LATELY),
        search: None,
        after: None,
    };
    groups(records, &filter, FIRST, now).await
}

async fn groups(
    records: &Records,
    filter: &GroupFilter,
    most: u32,
    now: Timestamp,
) -> Result<Vec<Group>> {
    let groups = records.failure_groups(filter, most).await?;
    let trends = trend::of(records, &groups, now).await?;
    let groups = groups.into_iter().zip(trends);
    Ok(groups
        .map(|(group, trend)| Group::of(group, trend, now))
        .collect())
}

impl Group {
    fn of(group: FailureGroup, trend: Trend, now: Timestamp) -> Self {
        Self {
            failure_status: group.failure_status,
            fingerprint: group.fingerprint,
            count: group.count,
            open_orders: group.open_orders,
            first: Moment::of(group.first_seen_at, now),
            last: Moment::of(group.last_seen_at, now),
            sample: group.sample,
            trend,
        }
    }
}
