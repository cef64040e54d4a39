//! The screen, from one value.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_core::report::{Alert, BatchStatus};
use redrive_engine::ScheduleStatus;
use redrive_ledger::{BatchRow, Halt, Overview};
use serde::Serialize;

use super::health::{Health, Level};
use crate::cli::when;
use crate::cli::words::{count_of, orders, plain};
use crate::printer::Paint;

/// How everything stands.
#[derive(Debug, Clone, Serialize)]
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
    pub schedule: Option<Schedule>,
    /// What the last batch alerts of.
    pub alerts: Vec<Alert>,
}

/// How the schedule stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Whether there is one.
    pub exists: bool,
    /// Whether an operator paused it.
    pub paused: bool,
    /// Who paused or resumed it last, and why.
    pub note: String,
    /// When it starts the next batch.
    pub next_batch_at: Option<Timestamp>,
}

impl Schedule {
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

    fn text(&self, now: Timestamp, paint: Paint) -> String {
        match (self.exists, self.paused, self.next_batch_at) {
            (false, ..) => {
                paint.yellow("there is no schedule: `redrive schedule apply` creates it")
            }
            (_, true, _) if self.note.is_empty() => paint.yellow("the schedule is paused"),
            (_, true, _) => paint.yellow(format_args!("the schedule is paused ({})", self.note)),
            (_, _, Some(next)) => next_batch(next, now),
            (_, _, None) => "the schedule does not say when".to_owned(),
        }
    }
}

impl Status {
    /// The status at `now`. Batches are the newest ones; an operator's retry of one order is none of them.
    pub fn of(
        overview: Overview,
        batches: Vec<BatchRow>,
        halted: Option<Halt>,
        schedule: Option<Schedule>,
        interval: Duration,
        now: Timestamp,
    ) -> Self {
        let mut batches: Vec<BatchRow> = batches
            .into_iter()
            .filter(|batch| !batch.one_order)
            .collect();
        batches.sort_by_key(|batch| std::cmp::Reverse(batch.started_at));
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

/// The screen.
pub fn text(status: &Status, now: Timestamp, paint: Paint) -> String {
    let overview = &status.overview;
    let sentence = &status.health.sentence;
    let mut lines = vec![
        match status.health.level {
            Level::Ok => paint.green(sentence),
            Level::Attention => paint.yellow(sentence),
            Level::Problem => paint.red(sentence),
        },
        String::new(),
        line("Backlog", backlog(overview)),
        line("In flight", orders(overview.in_flight + overview.claimed)),
        line(
            "Today",
            format!(
                "{} recovered, {} failed again",
                overview.recovered, overview.failed_again
            ),
        ),
        line("Dead letters", dead_letters(overview, now)),
    ];
    if overview.held > 0 {
        lines.push(line("Held", orders(overview.held)));
    }
    if overview.older_failures > 0 {
        let left = "older than the look-back, left alone; `redrive scan --since` takes them in";
        lines.push(line(
            "Not taken in",
            format!("{}, {left}", count_of(overview.older_failures, "failure")),
        ));
    }
    let alerts = status.alerts.iter().map(Alert::sentence);
    let untold = alerts.filter(|alert| alert != sentence);
    lines.extend(untold.map(|alert| line("Alert", paint.yellow(alert))));
    if let Some(batch) = &status.running_batch {
        let since = when::age(batch.started_at, now);
        lines.push(line(
            "Running",
            format!(
                "a batch for {since}, {} found so far",
                orders(batch.result.found_count)
            ),
        ));
    }
    if let Some(batch) = &status.last_batch {
        lines.push(line("Last batch", last_batch(batch, now)));
    }
    let next = match &status.schedule {
        Some(schedule) => schedule.text(now, paint),
        None => paint.yellow("not known: Temporal does not answer"),
    };
    lines.push(line("Next batch", next));
    lines.join("\n")
}

fn line(name: &str, value: impl std::fmt::Display) -> String {
    format!("{name:<14}{value}")
}

fn backlog(overview: &Overview) -> String {
    let left_alone = match overview.left_alone {
        0 => String::new(),
        count => format!(" ({count} more are left alone by the policy)"),
    };
    format!("{}{left_alone}", orders(overview.backlog))
}

fn dead_letters(overview: &Overview, now: Timestamp) -> String {
    match overview.oldest_dead_letter_at {
        Some(oldest) => format!(
            "{}, the oldest waits for {}",
            orders(overview.dead_lettered),
            when::age(oldest, now)
        ),
        None => orders(overview.dead_lettered),
    }
}

fn last_batch(batch: &BatchRow, now: Timestamp) -> String {
    let result = &batch.result;
    format!(
        "{} {} ago: {} found, {} restarted, {} dead-lettered, {}, {} skipped",
        plain(batch.status.as_str()),
        when::age(result.processed_at, now),
        result.found_count,
        result.restarted_count,
        result.dlq_count,
        count_of(result.error_count, "error"),
        result.skipped_count,
    )
}

fn next_batch(next: Timestamp, now: Timestamp) -> String {
    if next.duration_since(now) > SignedDuration::ZERO {
        format!("in {}", when::age(now, next))
    } else {
        format!("was due {} ago", when::age(next, now))
    }
}
