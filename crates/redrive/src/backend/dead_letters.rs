//! The dead letter queue: looked at, and decided one by one. Decisions about many are in [`many`](super::many).

use std::time::Duration;

use jiff::Timestamp;
use redrive_engine::ops::{Decision, OpsError, Records};
use redrive_ledger::{DeadLetterFilter, NewAuditEvent};
use redrive_web::views::{
    ActionFilter, ByHand, Entries, Entry, MOST_HOURS, Resolve, RetryOutcome, Stats,
};
use reqwest::Method;
use serde::Serialize;

use super::lists::paged;
use super::{Backend, Remote, RemoteError};
use crate::cli::{Session, ago};

/// Entries a page, at most.
const PAGE: u32 = 200;
/// What the API says where somebody was first.
const ALREADY: &str = "ALREADY_RESOLVED";

/// Which entries. Everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Failed so.
    pub status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    pub group: Option<String>,
    /// Of this customer.
    pub customer: Option<String>,
    /// In the queue for longer than that.
    pub older_than: Option<Duration>,
}

impl Wanted {
    /// Whether it leaves anybody out.
    pub fn narrows(&self) -> bool {
        *self != Self::default()
    }

    /// The same as the ledger says it.
    pub(super) fn filter(&self, resolved: Option<bool>, now: Timestamp) -> DeadLetterFilter {
        DeadLetterFilter {
            resolved,
            failure_status: self.status.clone(),
            group: self.group.clone(),
            customer_id: self.customer.clone(),
            before: self.older_than.map(|span| ago(span, now)),
            ..DeadLetterFilter::default()
        }
    }
}

/// The same as the API says it.
impl From<&Wanted> for ActionFilter {
    fn from(wanted: &Wanted) -> Self {
        let hours = |span: Duration| (span.as_secs_f64() / 3600.0).min(MOST_HOURS);
        Self {
            failure_status: wanted.status.clone(),
            group: wanted.group.clone(),
            customer_id: wanted.customer.clone(),
            search: None,
            older_than_hours: wanted.older_than.map(hours),
        }
    }
}

/// What a list is asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    resolved: Option<bool>,
    #[serde(flatten)]
    filter: ActionFilter,
    limit: u32,
    cursor: Option<String>,
}

impl Backend<Records> {
    /// At most so many entries, the oldest first; those that wait, or decided ones too.
    pub async fn dead_letters(
        &self,
        wanted: &Wanted,
        decided_too: bool,
        limit: u32,
    ) -> anyhow::Result<Vec<Entry>> {
        let resolved = (!decided_too).then_some(false);
        match self {
            Self::Local(records) => {
                let now = records.clock.now();
                let filter = wanted.filter(resolved, now);
                let entries = records.dead_letters(&filter, limit).await?.into_iter();
                Ok(entries.map(|entry| Entry::of(entry, now)).collect())
            }
            Self::Remote(remote) => {
                let entries = paged(limit, PAGE, async |limit, cursor| {
                    let query = Query {
                        resolved,
                        filter: wanted.into(),
                        limit,
                        cursor,
                    };
                    let page: Entries = remote.get(&["dead-letter-queue"], &query).await?;
                    Ok((page.data, page.next_cursor))
                });
                Ok(entries.await?)
            }
        }
    }

    /// An order's newest entry, with the runs that failed on its way there.
    pub async fn dead_letter(&self, id: &str) -> anyhow::Result<Entry> {
        match self {
            Self::Local(records) => {
                let story = records.show_order(id).await?;
                let entry = Entry::told(story, records.clock.now());
                Ok(entry.ok_or_else(|| OpsError::NotDeadLettered { id: id.to_owned() })?)
            }
            Self::Remote(remote) => Ok(remote.get(&["dead-letter-queue", id], &()).await?),
        }
    }

    /// The queue in numbers.
    pub async fn dead_letter_stats(&self) -> anyhow::Result<Stats> {
        match self {
            Self::Local(records) => {
                let stats = records.dead_letter_stats().await?;
                Ok(Stats::of(stats, records.clock.now()))
            }
            Self::Remote(remote) => Ok(remote.get(&["dead-letter-queue", "stats"], &()).await?),
        }
    }

    /// Closes an entry without starting anything. `Err(entry)` inside: somebody was first.
    pub async fn decide_dead_letter(
        &self,
        id: &str,
        decision: Decision,
        by: NewAuditEvent,
    ) -> anyhow::Result<Result<Entry, Entry>> {
        let first = match self {
            Self::Local(records) => records.decide_dead_letter(id, decision, by).await?.is_ok(),
            Self::Remote(remote) => match resolved(remote, id, by_hand(decision), by).await? {
                Some(entry) => return Ok(Ok(entry)),
                None => false,
            },
        };
        let entry = self.dead_letter(id).await?;
        Ok(if first { Ok(entry) } else { Err(entry) })
    }
}

impl Backend<Session> {
    /// Retries an order at once, and tells what became of it. `Err(entry)` inside: somebody was first.
    pub async fn retry_dead_letter(
        &self,
        id: &str,
        by: NewAuditEvent,
    ) -> anyhow::Result<Result<(Entry, RetryOutcome), Entry>> {
        let outcome = match self {
            Self::Local(session) => {
                let retried = session.ops.retry_dead_letter(id, by).await?;
                RetryOutcome::of(retried.end).ok()
            }
            Self::Remote(remote) => {
                let entry = resolved(remote, id, ByHand::ManualRetry, by).await?;
                let tried = entry.map(|entry| entry.retry);
                let silent = || remote.foreign(&"it does not tell what became of the retry");
                tried.map(|retry| retry.ok_or_else(silent)).transpose()?
            }
        };
        let entry = self.records().dead_letter(id).await?;
        Ok(match outcome {
            Some(outcome) => Ok((entry, outcome)),
            None => Err(entry),
        })
    }
}

/// What the API calls a decision.
fn by_hand(decision: Decision) -> ByHand {
    match decision {
        Decision::Cancel => ByHand::Cancelled,
        Decision::Escalate => ByHand::Escalated,
    }
}

/// The entry as it was decided; nothing where somebody was first.
async fn resolved(
    remote: &Remote,
    id: &str,
    resolution: ByHand,
    by: NewAuditEvent,
) -> Result<Option<Entry>, RemoteError> {
    let resolve = Resolve {
        resolution,
        notes: by.reason,
        resolved_by: by.actor,
    };
    let path = ["dead-letter-queue", id, "resolve"];
    match remote.send(Method::PATCH, &path, &resolve).await {
        Err(RemoteError::Refused { code, .. }) if code == ALREADY => Ok(None),
        answer => answer.map(Some),
    }
}
