//! The dead letter queue.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use redrive_core::words;
use redrive_ledger::{DeadLetter, DeadLetterFilter, DeadLetterStats};
use serde::Deserialize;

use super::moment::Moment;
use super::{Result, escaped, shown};
use crate::api::hours_before;
use crate::app::App;
use crate::extract::Query;
use crate::page;
use crate::problem::ApiError;

/// Which entries.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Which {
    resolved: String,
    failure_status: String,
    customer_id: String,
    older_than_hours: String,
    cursor: Option<String>,
}

impl Default for Which {
    fn default() -> Self {
        Self {
            resolved: "false".to_owned(),
            failure_status: String::new(),
            customer_id: String::new(),
            older_than_hours: String::new(),
            cursor: None,
        }
    }
}

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct List {
    here: &'static str,
    stats: DeadLetterStats,
    oldest: Option<Moment>,
    show: String,
    waiting: bool,
    failure_status: String,
    customer_id: String,
    older_than_hours: String,
    entries: Vec<Row>,
    total: u64,
    total_is_lower_bound: bool,
    next: Option<String>,
}

struct Row {
    order_id: String,
    level: &'static str,
    failure_status: String,
    retry_count: u32,
    since: Moment,
    failure_reason: String,
    decided: String,
}

impl Row {
    fn of(entry: DeadLetter, now: Timestamp) -> Self {
        let decided = entry.resolution.map(|resolution| {
            let by = entry.resolved_by.as_deref().unwrap_or_default();
            format!("{} by {by}", words::plain(resolution.as_str()))
        });
        Self {
            order_id: entry.order_id,
            level: entry.escalation_level.as_str(),
            failure_status: entry.failure_status,
            retry_count: entry.retry_count,
            since: Moment::of(entry.created_at, now),
            failure_reason: entry.failure_reason,
            decided: decided.unwrap_or_default(),
        }
    }
}

/// What a form says, where it says something.
pub(super) fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// So many hours before `now`, as a form says it.
pub(super) fn before(
    hours: &str,
    now: Timestamp,
) -> std::result::Result<Option<Timestamp>, ApiError> {
    let Some(hours) = given(hours) else {
        return Ok(None);
    };
    let read = hours
        .parse()
        .map_err(|_| ApiError::invalid(format!("{hours:?} is no number of hours")))?;
    hours_before(read, now).map(Some)
}

pub(super) async fn list(State(app): State<App>, Query(which): Query<Which>) -> Result<Response> {
    let records = app.records();
    let now = records.clock.now();
    let filter = DeadLetterFilter {
        resolved: match which.resolved.as_str() {
            "false" => Some(false),
            "true" => Some(true),
            _ => None,
        },
        failure_status: given(&which.failure_status),
        group: None,
        customer_id: given(&which.customer_id),
        before: before(&which.older_than_hours, now)?,
        after: which.cursor.as_deref().map(page::place).transpose()?,
    };
    let (entries, total) = records.dead_letter_page(&filter, 0, page::USUAL).await?;
    let last = entries
        .last()
        .filter(|_| entries.len() == page::USUAL as usize);
    let next = last.map(|entry| {
        format!(
            "/dead-letters?resolved={}&failureStatus={}&customerId={}&olderThanHours={}&cursor={}",
            escaped(&which.resolved),
            escaped(&which.failure_status),
            escaped(&which.customer_id),
            escaped(&which.older_than_hours),
            page::cursor((entry.created_at, entry.id)),
        )
    });
    let (total, total_is_lower_bound) = total.told();
    let stats = records.dead_letter_stats().await?;
    Ok(shown(&List {
        here: "/dead-letters",
        oldest: stats.oldest_unresolved_at.map(|at| Moment::of(at, now)),
        stats,
        waiting: which.resolved == "false",
        show: which.resolved,
        failure_status: which.failure_status,
        customer_id: which.customer_id,
        older_than_hours: which.older_than_hours,
        entries: entries
            .into_iter()
            .map(|entry| Row::of(entry, now))
            .collect(),
        total,
        total_is_lower_bound,
        next,
    }))
}
