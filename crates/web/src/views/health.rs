//! Health in a sentence: the first thing on the screen, and the first that an on-call engineer needs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_core::report::{Alert, BatchStatus};
use redrive_core::words::{age, orders};
use redrive_engine::ops::may_run;
use redrive_ledger::{BatchRow, Halt, Overview};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::NextBatch;

/// A batch ends within its interval; when none has ended for so many, none is being run.
const MISSED: u32 = 2;

/// What ends a halt.
const UNHALT: &str = "`redrive unhalt` lets starts happen again.";

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing to do.
    Ok,
    /// Somebody has to look, in the morning.
    Attention,
    /// Orders are not being restarted.
    Problem,
}

/// Health in a sentence, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// How bad it is.
    pub level: Level,
    /// What it is.
    pub sentence: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Health {
    fn new(level: Level, sentence: String, hint: Option<String>) -> Self {
        Self {
            level,
            sentence,
            hint,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Judges: the worst thing is said. `last` is the last batch that ended, `running` one of which the ledger knows no end.
    pub fn of(
        overview: &Overview,
        last: Option<&BatchRow>,
        running: Option<&BatchRow>,
        halted: Option<&Halt>,
        schedule: Option<&NextBatch>,
        interval: Duration,
        now: Timestamp,
    ) -> Self {
        halted
            .and_then(|halt| problem(self::halted(halt, now), UNHALT))
            .or_else(|| paused(schedule))
            .or_else(|| stopped(last, running, interval, now))
            .or_else(|| needs_somebody(overview, last))
            .unwrap_or_else(|| Self::new(Level::Ok, well(overview), None))
    }
}

fn problem(sentence: String, hint: &'static str) -> Option<Health> {
    Some(Health::new(Level::Problem, sentence, Some(hint.to_owned())))
}

/// That every start is halted, in two sentences.
pub(crate) fn halted(halt: &Halt, now: Timestamp) -> String {
    let why = match halt.reason.as_str() {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    let since = age(halt.at, now);
    format!(
        "Halted for {since} by {}{why}. Nothing is started.",
        halt.by
    )
}

fn paused(schedule: Option<&NextBatch>) -> Option<Health> {
    let schedule = schedule.filter(|schedule| schedule.paused)?;
    let note = match schedule.note.as_str() {
        "" => String::new(),
        note => format!(" ({note})"),
    };
    problem(
        format!("The schedule is paused{note}: no batch starts by itself."),
        "`redrive schedule resume` lets it tick again.",
    )
}

/// What keeps batches from ending.
fn stopped(
    last: Option<&BatchRow>,
    running: Option<&BatchRow>,
    interval: Duration,
    now: Timestamp,
) -> Option<Health> {
    let runs = running.is_some_and(|batch| may_run(batch, now));
    let Some(last) = last else {
        let sentence = match running {
            _ if runs => return None,
            Some(lost) => format!(
                "No batch has ended: the last one started {} ago.",
                age(lost.started_at, now)
            ),
            None => "No batch has ever run.".to_owned(),
        };
        return problem(
            sentence,
            "start a worker with `redrive worker`, or everything on this machine with `redrive up`.",
        );
    };
    if last.status == BatchStatus::Failed {
        let error = last.error.as_deref().unwrap_or("it is not known why");
        return problem(
            format!("The last batch failed: {error}"),
            "`redrive doctor` looks for the cause; the next batch tries again.",
        );
    }
    let late = SignedDuration::try_from(interval * MISSED).unwrap_or(SignedDuration::MAX);
    if !runs && now.duration_since(last.result.processed_at) > late {
        return problem(
            format!(
                "No batch has ended for {}.",
                age(last.result.processed_at, now)
            ),
            "is a worker running, and is the schedule paused? `redrive doctor` tells.",
        );
    }
    None
}

/// What somebody has to look at.
fn needs_somebody(overview: &Overview, last: Option<&BatchRow>) -> Option<Health> {
    let attention = |sentence, hint| Some(Health::new(Level::Attention, sentence, Some(hint)));
    if let Some((last, alert)) = last.and_then(|last| Some((last, last.alerts.first()?))) {
        let hint = match alert {
            // A refused start is no failure of an order: no group has it.
            Alert::ErrorShare { .. } => format!(
                "`redrive batches show {} --verdict error` shows them.",
                last.workflow_id
            ),
            Alert::DlqCount { .. } | Alert::Backlog { .. } => {
                "`redrive failures groups` shows what failures have in common.".to_owned()
            }
        };
        return attention(alert.sentence(), hint);
    }
    if overview.dead_lettered > 0 {
        let (verb, count) = match overview.dead_lettered {
            1 => ("waits", orders(1)),
            many => ("wait", orders(many)),
        };
        return attention(
            format!("{count} {verb} for a decision in the dead letter queue."),
            "`redrive dlq list` shows them.".to_owned(),
        );
    }
    None
}

fn well(overview: &Overview) -> String {
    if overview.backlog + overview.in_flight + overview.claimed == 0 {
        return "All is well: nothing waits.".to_owned();
    }
    format!(
        "All is well: {} to be restarted, {} on the way.",
        orders(overview.backlog),
        overview.in_flight + overview.claimed
    )
}

#[cfg(test)]
mod tests {
    use redrive_core::report::ReprocessingResult;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_900_000_000 + minutes * 60).unwrap()
    }

    fn batch(status: BatchStatus, ended: i64) -> BatchRow {
        BatchRow {
            workflow_id: "batch".into(),
            status,
            started_at: at(ended - 1),
            one_order: false,
            result: ReprocessingResult {
                processed_at: at(ended),
                ..ReprocessingResult::default()
            },
            error: None,
            alerts: Vec::new(),
        }
    }

    fn health(overview: &Overview, last: Option<&BatchRow>, halted: Option<&Halt>) -> Health {
        Health::of(
            overview,
            last,
            None,
            halted,
            None,
            Duration::from_secs(900),
            at(60),
        )
    }

    #[test]
    fn the_worst_thing_is_said() {
        let calm = Overview::default();
        let letters = Overview {
            dead_lettered: 1,
            backlog: 3,
            in_flight: 2,
            ..Overview::default()
        };
        let fine = batch(BatchStatus::Completed, 55);
        let mut alarmed = fine.clone();
        alarmed.alerts.push(Alert::DlqCount { dlq_count: 11 });
        let mut failed = batch(BatchStatus::Failed, 55);
        failed.error = Some("the namespace is gone".into());
        let halt = Halt {
            by: "ann".into(),
            reason: "carrier down".into(),
            at: at(30),
        };
        let cases = [
            (
                health(&calm, Some(&fine), None),
                Level::Ok,
                "All is well: nothing waits.",
            ),
            (
                health(
                    &Overview {
                        dead_lettered: 0,
                        ..letters.clone()
                    },
                    Some(&fine),
                    None,
                ),
                Level::Ok,
                "All is well: 3 orders to be restarted, 2 on the way.",
            ),
            (
                health(&letters, Some(&fine), None),
                Level::Attention,
                "1 order waits for a decision in the dead letter queue.",
            ),
            (
                health(&letters, Some(&alarmed), None),
                Level::Attention,
                "11 orders went to the dead letter queue in one batch (alert above 10): look for a cause they share.",
            ),
            (
                health(&letters, Some(&batch(BatchStatus::Completed, 20)), None),
                Level::Problem,
                "No batch has ended for 40 min.",
            ),
            (
                health(&letters, Some(&failed), None),
                Level::Problem,
                "The last batch failed: the namespace is gone",
            ),
            (
                health(&calm, None, None),
                Level::Problem,
                "No batch has ever run.",
            ),
            (
                health(&calm, Some(&failed), Some(&halt)),
                Level::Problem,
                "Halted for 30 min by ann: carrier down. Nothing is started.",
            ),
        ];
        for (health, level, sentence) in cases {
            assert_eq!((health.level, health.sentence.as_str()), (level, sentence));
            assert_eq!(health.hint().is_none(), level == Level::Ok);
        }
        let groups = health(&letters, Some(&alarmed), None);
        assert_eq!(
            groups.hint(),
            Some("`redrive failures groups` shows what failures have in common.")
        );
        alarmed.alerts[0] = Alert::ErrorShare {
            error_count: 1,
            found_count: 3,
        };
        assert_eq!(
            health(&letters, Some(&alarmed), None).hint(),
            Some("`redrive batches show batch --verdict error` shows them.")
        );
    }

    #[test]
    fn a_batch_counts_as_running_only_as_long_as_it_may() {
        let (calm, interval) = (Overview::default(), Duration::from_secs(900));
        let judged = |last: Option<&BatchRow>, started: i64| {
            let mut runs = batch(BatchStatus::Running, started);
            runs.started_at = at(started);
            Health::of(&calm, last, Some(&runs), None, None, interval, at(60)).sentence
        };
        let ended = batch(BatchStatus::Completed, 20);
        let well = "All is well: nothing waits.";
        assert_eq!(judged(Some(&ended), 45), well);
        assert_eq!(judged(Some(&ended), 44), "No batch has ended for 40 min.");
        assert_eq!(judged(None, 45), well);
        let lost = "No batch has ended: the last one started 16 min ago.";
        assert_eq!(judged(None, 44), lost);
    }

    #[test]
    fn a_paused_schedule_is_said() {
        let (calm, fine) = (Overview::default(), batch(BatchStatus::Completed, 55));
        let paused = NextBatch {
            exists: true,
            paused: true,
            note: "ann: stocktaking".into(),
            next_batch_at: None,
        };
        let interval = Duration::from_secs(900);
        let health = Health::of(
            &calm,
            Some(&fine),
            None,
            None,
            Some(&paused),
            interval,
            at(60),
        );
        assert_eq!(
            health.sentence,
            "The schedule is paused (ann: stocktaking): no batch starts by itself."
        );
    }
}
