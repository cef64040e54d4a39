//! What fails, and why.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::moment::Moment;
use super::{Result, shown};
use crate::app::App;

/// Groups in the table.
const MOST: u32 = 100;

#[derive(Template)]
#[template(path = "failures.html")]
struct Page {
    here: &'static str,
    groups: Vec<Group>,
}

struct Group {
    failure_status: String,
    fingerprint: String,
    count: u64,
    open_orders: u64,
    first: Moment,
    last: Moment,
    sample: String,
}

pub(super) async fn page(State(app): State<App>) -> Result<Response> {
    let records = app.records();
    let now = records.clock.now();
    let groups = records.failure_groups(None, MOST).await?;
    let groups = groups.into_iter().map(|group| Group {
        failure_status: group.failure_status,
        fingerprint: group.fingerprint,
        count: group.count,
        open_orders: group.open_orders,
        first: Moment::of(group.first_seen_at, now),
        last: Moment::of(group.last_seen_at, now),
        sample: group.sample,
    });
    Ok(shown(&Page {
        here: "/failures",
        groups: groups.collect(),
    }))
}
