//! The first page: is it healthy, what waits, what was done, what needs somebody.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use redrive_core::report::Alert;
use redrive_ledger::{Day, Overview};

use super::batches::Row;
use super::moment::Moment;
use super::{Result, shown};
use crate::app::App;
use crate::views::{Level, NextBatch, Status};

/// Days in the table.
const DAYS: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Batches in the table.
const BATCHES: u32 = 10;

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    here: &'static str,
    level: &'static str,
    sentence: String,
    hint: Option<&'static str>,
    overview: Overview,
    oldest: Option<Moment>,
    next: String,
    alerts: Vec<AlertLine>,
    days: Vec<Day>,
    batches: Vec<Row>,
}

struct AlertLine {
    raised: bool,
    text: String,
}

pub(super) async fn page(State(app): State<App>) -> Result<Response> {
    let records = app.records();
    let now = records.clock.now();
    let status = crate::api::status_of(&app).await?;
    let batches = records.batches(BATCHES).await?;
    let page = Page {
        here: "/",
        level: match status.health.level {
            Level::Ok => "ok",
            Level::Attention => "attention",
            Level::Problem => "problem",
        },
        hint: status.health.hint(),
        oldest: status
            .overview
            .oldest_dead_letter_at
            .map(|at| Moment::of(at, now)),
        next: next(status.schedule.as_ref(), now),
        alerts: alerts(&status),
        sentence: status.health.sentence,
        overview: status.overview,
        days: records.daily(now - DAYS).await?,
        batches: batches
            .into_iter()
            .map(|batch| Row::of(batch, now))
            .collect(),
    };
    Ok(shown(&page))
}

fn next(schedule: Option<&NextBatch>, now: Timestamp) -> String {
    let Some(schedule) = schedule else {
        return "not known, for Temporal does not answer".to_owned();
    };
    match (schedule.exists, schedule.paused, schedule.next_batch_at) {
        (false, ..) => "never, for there is no schedule".to_owned(),
        (_, true, _) if schedule.note.is_empty() => "never, for the schedule is paused".to_owned(),
        (_, true, _) => format!("never, for the schedule is paused ({})", schedule.note),
        (_, _, Some(next)) if next > now => format!("in {}", redrive_core::words::age(now, next)),
        (_, _, Some(_)) => "now".to_owned(),
        (_, _, None) => "not known".to_owned(),
    }
}

/// Each of the three alerts, and whether the last batch raised it.
fn alerts(status: &Status) -> Vec<AlertLine> {
    let raised = |kind: fn(&Alert) -> bool| status.alerts.iter().find(|alert| kind(alert));
    let line = |alert: Option<&Alert>, quiet: &str| AlertLine {
        raised: alert.is_some(),
        text: alert.map_or_else(|| quiet.to_owned(), Alert::sentence),
    };
    vec![
        line(
            raised(|alert| matches!(alert, Alert::DlqCount { .. })),
            "Many orders go to the dead letter queue in one batch",
        ),
        line(
            raised(|alert| matches!(alert, Alert::ErrorShare { .. })),
            "Many of a batch's orders cannot be processed",
        ),
        line(
            raised(|alert| matches!(alert, Alert::Backlog { .. })),
            "Batch after batch finds many orders",
        ),
    ]
}
