//! The dead letter queue.

use std::collections::BTreeMap;

use jiff::Timestamp;
use redrive_core::states::State;
use redrive_engine::ops::RetryEnd;
use redrive_ledger::{DeadLetter, DeadLetterOrder, DeadLetterStats, FailureRow, Story, Total};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours;
use crate::cursor;

/// A page of the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entries {
    /// The entries.
    pub data: Vec<Entry>,
    /// How many match.
    pub total: u64,
    /// There are more than `total`: a filtered list is counted so far only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub total_is_lower_bound: bool,
    /// Entries a page, at most.
    pub limit: u32,
    /// How many were passed over.
    pub offset: u32,
    /// Gives the next page; not there on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// As it is kept.
    #[serde(flatten)]
    pub entry: DeadLetter,
    /// Whether it is decided.
    pub resolved: bool,
    /// For how long it has been here; for a decided one, for how long it was.
    pub age_hours: f64,
    /// The runs that failed on the way here, the oldest first; only where one entry is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_history: Option<Vec<FailedRun>>,
    /// What became of the retry; only in the answer to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryOutcome>,
}

/// What became of a retry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RetryOutcome {
    /// The order was started.
    #[serde(rename_all = "camelCase")]
    Started {
        /// The new run.
        run_id: String,
    },
    /// Nothing was started, for the order turned out otherwise.
    NotStarted {
        /// Where the order stands now.
        state: State,
        /// Why.
        reason: String,
    },
}

/// A failed run of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedRun {
    /// Which restart it was; 0 is the order's first run.
    pub attempt: u32,
    /// Its workflow.
    pub workflow_id: String,
    /// The run.
    pub run_id: String,
    /// When it closed.
    pub failed_at: Timestamp,
    /// What went wrong.
    pub status: String,
    /// The message, cut.
    pub reason: String,
}

impl Entries {
    /// A page of at most `limit` entries in that order, after `offset` of them.
    pub(crate) fn of(
        (entries, total): (Vec<DeadLetter>, Total),
        order: DeadLetterOrder,
        (offset, limit): (u32, u32),
        now: Timestamp,
    ) -> Self {
        let full = entries.len() == limit as usize;
        let last = entries.last().filter(|_| full);
        let (total, total_is_lower_bound) = total.told();
        Self {
            next_cursor: last.map(|entry| cursor::of_numbers(entry.place(order))),
            data: entries
                .into_iter()
                .map(|entry| Entry::of(entry, now))
                .collect(),
            total,
            total_is_lower_bound,
            limit,
            offset,
        }
    }
}

impl Entry {
    /// The entry, without its history.
    pub fn of(entry: DeadLetter, now: Timestamp) -> Self {
        let until = entry.resolved_at.unwrap_or(now);
        Self {
            age_hours: hours(until.duration_since(entry.created_at)),
            resolved: entry.resolved_at.is_some(),
            retry_history: None,
            retry: None,
            entry,
        }
    }

    /// The order's newest entry, with the runs that failed on its way here.
    pub fn told(mut story: Story, now: Timestamp) -> Option<Self> {
        let newest = story.dead_letters.pop()?;
        Some(Self {
            retry_history: Some(history(&story, &newest)),
            ..Self::of(newest, now)
        })
    }
}

impl RetryOutcome {
    /// What became of it; `Err`: nothing, for somebody had decided the entry before.
    pub fn of(end: RetryEnd) -> Result<Self, Box<DeadLetter>> {
        match end {
            RetryEnd::Started { run_id } => Ok(Self::Started { run_id }),
            RetryEnd::NotStarted { state, reason } => Ok(Self::NotStarted { state, reason }),
            RetryEnd::AlreadyResolved(entry) => Err(entry),
        }
    }
}

/// The failures that led to the entry.
fn history(story: &Story, entry: &DeadLetter) -> Vec<FailedRun> {
    let until = entry.created_at;
    let before = |failure: &&FailureRow| failure.closed_at <= until;
    let failures: Vec<&FailureRow> = story.failures.iter().filter(before).collect();
    let counted = entry.retry_count as usize + 1;
    let counted = &failures[failures.len().saturating_sub(counted)..];
    let runs = (0..).zip(counted).map(|(attempt, failure)| FailedRun {
        attempt,
        workflow_id: entry.workflow_id.to_string(),
        run_id: failure.run_id.to_string(),
        failed_at: failure.closed_at,
        status: failure.failure_status.clone(),
        reason: failure.reason.clone(),
    });
    runs.collect()
}

/// The queue in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Entries, ever.
    pub total_entries: u64,
    /// Those that wait.
    pub unresolved_count: u64,
    /// Those that are decided.
    pub resolved_count: u64,
    /// Waiting ones, by failure status.
    pub by_failure_status: BTreeMap<String, u64>,
    /// Decided ones, by how.
    pub by_resolution: BTreeMap<String, u64>,
    /// Restarts an entry, on average over all of them.
    pub average_retries: f64,
    /// Since when the oldest one waits.
    pub oldest_unresolved_at: Option<Timestamp>,
    /// For how long that is.
    pub oldest_unresolved_age_hours: Option<f64>,
}

impl Stats {
    /// The numbers as they are told.
    pub fn of(stats: DeadLetterStats, now: Timestamp) -> Self {
        let by = stats.by_resolution.into_iter();
        let oldest = stats.oldest_unresolved_at;
        Self {
            total_entries: stats.total_entries,
            unresolved_count: stats.unresolved_count,
            resolved_count: stats.resolved_count,
            by_failure_status: stats.by_failure_status.into_iter().collect(),
            by_resolution: by
                .map(|(resolution, count)| (resolution.as_str().to_owned(), count))
                .collect(),
            average_retries: stats.average_retries,
            oldest_unresolved_at: oldest,
            oldest_unresolved_age_hours: oldest.map(|at| hours(now.duration_since(at))),
        }
    }
}

/// What is decided about an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resolve {
    /// How.
    pub resolution: ByHand,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 4000, example = "refunded")]
    pub notes: String,
    /// Who decides it.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"[^\s\x00-\x1F\x7F-\x9F]",
        example = "ann"
    )]
    pub resolved_by: String,
}

/// In which order the queue is listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = "oldest")]
pub enum Sort {
    /// Those that came into the queue first come first.
    #[default]
    Oldest,
    /// Those that came last come first.
    Newest,
    /// Of those that are decided: the last decision first.
    Decided,
    /// Of those that wait: those that were restarted most come first, and of equals those that came last.
    Retries,
}

impl From<Sort> for DeadLetterOrder {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Oldest => Self::Oldest,
            Sort::Newest => Self::Newest,
            Sort::Decided => Self::Decided,
            Sort::Retries => Self::Retries,
        }
    }
}

/// A person's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ByHand {
    /// The order is started again at once.
    ManualRetry,
    /// It is given up.
    Cancelled,
    /// It is handed to somebody else.
    Escalated,
}
