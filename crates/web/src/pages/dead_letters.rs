//! The dead letter queue.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use redrive_core::words;
use redrive_ledger::{DeadLetter, DeadLetterFilter, DeadLetterOrder, DeadLetterStats};
use serde::Deserialize;

use super::filter::{Filter, address};
use super::moment::Moment;
use super::{Result, shown};
use crate::app::App;
use crate::extract::Query;
use crate::queue;
use crate::{cursor, page};

/// Which entries, and in which order.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    resolved: String,
    sort: String,
    cursor: Option<String>,
    #[serde(flatten)]
    filter: Filter,
}

impl Default for Which {
    fn default() -> Self {
        Self {
            resolved: "false".to_owned(),
            sort: String::new(),
            cursor: None,
            filter: Filter::default(),
        }
    }
}

impl Which {
    fn resolved(&self) -> Option<bool> {
        match self.resolved.as_str() {
            "false" => Some(false),
            "true" => Some(true),
            _ => None,
        }
    }

    /// Those that wait come by their age; of those that are decided, the last decision first.
    fn order(&self) -> DeadLetterOrder {
        match (self.sort.as_str(), self.resolved()) {
            ("newest", _) => DeadLetterOrder::Newest,
            ("retries", Some(false)) => DeadLetterOrder::Retries,
            ("decided" | "", Some(true)) => DeadLetterOrder::Decided,
            _ => DeadLetterOrder::Oldest,
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
    sort: &'static str,
    filter: Filter,
    entries: Vec<Row>,
    total: u64,
    total_is_lower_bound: bool,
    next: Option<String>,
}

struct Row {
    order_id: String,
    customer_id: String,
    level: &'static str,
    failure_status: String,
    retry_count: u32,
    since: Moment,
    failure_reason: String,
    decided: Option<Decided>,
}

/// How an entry was decided.
struct Decided {
    at: Moment,
    how: String,
    notes: String,
}

impl Row {
    fn of(entry: DeadLetter, now: Timestamp) -> Self {
        let decided = entry.resolution.zip(entry.resolved_at);
        let by = entry.resolved_by.unwrap_or_default();
        let notes = entry.notes.unwrap_or_default();
        Self {
            order_id: entry.order_id,
            customer_id: entry.customer_id.unwrap_or_default(),
            level: entry.escalation_level.as_str(),
            failure_status: entry.failure_status,
            retry_count: entry.retry_count,
            since: Moment::of(entry.created_at, now),
            failure_reason: entry.failure_reason,
            decided: decided.map(|(resolution, at)| Decided {
                at: Moment::of(at, now),
                how: format!("{} by {by}", words::plain(resolution.as_str())),
                notes,
            }),
        }
    }
}

pub(super) async fn list(State(app): State<App>, Query(which): Query<Which>) -> Result<Response> {
    let records = app.records();
    let now = records.clock.now();
    let (resolved, order) = (which.resolved(), which.order());
    let after = which.cursor.as_deref().map(cursor::numbers);
    let filter = DeadLetterFilter {
        order,
        after: after.transpose()?,
        ..queue::listed(records, &which.filter.read()?, resolved, now).await?
    };
    let (entries, total) = records.dead_letter_page(&filter, 0, page::USUAL).await?;
    let last = entries
        .last()
        .filter(|_| entries.len() == page::USUAL as usize);
    let next = last.map(|entry| which.after(entry.place(order)));
    let (total, total_is_lower_bound) = total.told();
    let stats = records.dead_letter_stats().await?;
    Ok(shown(&List {
        here: "/dead-letters",
        oldest: stats.oldest_unresolved_at.map(|at| Moment::of(at, now)),
        stats,
        waiting: resolved == Some(false),
        show: which.resolved,
        sort: match order {
            DeadLetterOrder::Oldest => "oldest",
            DeadLetterOrder::Newest => "newest",
            DeadLetterOrder::Decided => "decided",
            DeadLetterOrder::Retries => "retries",
        },
        filter: which.filter,
        entries: entries
            .into_iter()
            .map(|entry| Row::of(entry, now))
            .collect(),
        total,
        total_is_lower_bound,
        next,
    }))
}

impl Which {
    /// The address of the page after that place.
    fn after(&self, place: (i64, i64)) -> String {
        let cursor = cursor::of_numbers(place);
        let mut fields = self.filter.fields();
        fields.extend([
            ("resolved", self.resolved.as_str()),
            ("sort", self.sort.as_str()),
            ("cursor", cursor.as_str()),
        ]);
        address("/dead-letters", &fields)
    }
}
