//! How everything stands, from one look at the ledger and one at the schedule.

use std::time::Duration;

use jiff::Timestamp;
use redrive_core::report::{Alert, BatchStatus};
use redrive_core::words::age;
use redrive_engine::ScheduleStatus;
use redrive_engine::ops::{OpsError, Records};
use redrive_ledger::{BatchRow, Halt, Overview};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Health;

/// How everything stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// In a sentence.
    pub health: Health,
    /// In numbers.
    #[serde(flatten)]
    pub overview: Overview,
    /// Whether starts are halted, by whom and why.
    pub halted: Option<Halt>,
    /// The batch that runs now.
    pub running_batch: Option<BatchRow>,
    /// The last batch that ended.
    pub last_batch: Option<BatchRow>,
    /// The schedule; none where Temporal did not answer.
    pub schedule: Option<NextBatch>,
    /// What the last batch alerts of.
    pub alerts: Vec<Alert>,
}

/// How the schedule stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextBatch {
    /// Whether there is one.
    pub exists: bool,
    /// Whether an operator paused it.
    pub paused: bool,
    /// Who paused or resumed it last, and why.
    pub note: String,
    /// When it starts the next batch.
    pub next_batch_at: Option<Timestamp>,
}

impl NextBatch {
    /// Of what the server says; `None`: there is none.
    pub fn of(found: Option<ScheduleStatus>) -> Self {
        let exists = found.is_some();
        let found = found.unwrap_or_default();
        Self {
            exists,
            paused: found.paused,
            next_batch_at: found.next_ticks.first().copied().filter(|_| !found.paused),
            note: found.note,
        }
    }

    /// Whether it starts batches.
    pub fn ticks(&self) -> bool {
        self.exists && !self.paused
    }

    /// When the next batch starts, or why none does.
    pub fn in_words(&self, now: Timestamp) -> String {
        match (self.exists, self.paused, self.next_batch_at) {
            (false, ..) => "there is no schedule: `redrive schedule apply` creates it".to_owned(),
            (_, true, _) if self.note.is_empty() => "the schedule is paused".to_owned(),
            (_, true, _) => format!("the schedule is paused ({})", self.note),
            (_, _, Some(next)) if next > now => format!("in {}", age(now, next)),
            (_, _, Some(next)) => format!("was due {} ago", age(next, now)),
            (_, _, None) => "the schedule does not say when".to_owned(),
        }
    }
}

/// How many batches are looked at for the last one that ended, and the one that runs.
const BATCHES: u32 = 10;

impl Status {
    /// Looks; `since` is where today begins.
    pub async fn look(
        records: &Records,
        since: Timestamp,
        schedule: Option<NextBatch>,
        interval: Duration,
    ) -> Result<Self, OpsError> {
        let (status, _) = Self::with_batches(records, since, schedule, interval).await?;
        Ok(status)
    }

    /// The same, and the newest batches, which were looked at.
    pub async fn with_batches(
        records: &Records,
        since: Timestamp,
        schedule: Option<NextBatch>,
        interval: Duration,
    ) -> Result<(Self, Vec<BatchRow>), OpsError> {
        let overview = records.overview(since).await?;
        let mut batches = records.batches(BATCHES).await?;
        // However many retries an operator has made since.
        batches.extend(records.ended_batches(1).await?);
        let halted = records.halted().await?;
        let now = records.clock.now();
        let newest = batches.clone();
        let status = Self::of(overview, newest, halted, schedule, interval, now);
        Ok((status, batches))
    }

    /// The status at `now`. Batches are the newest ones; an operator's retry of one order is none of them.
    fn of(
        overview: Overview,
        batches: Vec<BatchRow>,
        halted: Option<Halt>,
        schedule: Option<NextBatch>,
        interval: Duration,
        now: Timestamp,
    ) -> Self {
        let mut batches: Vec<BatchRow> = batches
            .into_iter()
            .filter(|batch| !batch.one_order)
            .collect();
        // While a batch runs, `processed_at` is its start.
        batches
            .sort_by_key(|batch| std::cmp::Reverse((batch.result.processed_at, batch.started_at)));
        let of = |running: bool| {
            let wanted = |batch: &&BatchRow| (batch.status == BatchStatus::Running) == running;
            batches.iter().find(wanted).cloned()
        };
        let (running_batch, last_batch) = (of(true), of(false));
        let health = Health::of(
            &overview,
            last_batch.as_ref(),
            running_batch.as_ref(),
            halted.as_ref(),
            schedule.as_ref(),
            interval,
            now,
        );
        Self {
            health,
            overview,
            halted,
            schedule,
            alerts: last_batch
                .as_ref()
                .map_or_else(Vec::new, |batch| batch.alerts.clone()),
            running_batch,
            last_batch,
        }
    }
}
