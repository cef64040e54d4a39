//! The first page: is it healthy, what is failing and why, what was done about it, what needs somebody.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use redrive_core::report::{
    ALERT_BACKLOG_BATCHES, ALERT_DLQ_COUNT, ALERT_ERROR_SHARE, ALERT_FOUND_COUNT, Alert,
};
use redrive_ledger::{Day, Overview};

use super::batches::Row;
use super::failures::{self, Group};
use super::moment::Moment;
use super::{Result, chart, shown};
use crate::app::App;
use crate::views::{Level, NextBatch, Status};

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    here: &'static str,
    level: &'static str,
    sentence: String,
    hint: Option<String>,
    overview: Overview,
    oldest: Option<Moment>,
    next: String,
    alerts: Vec<AlertLine>,
    groups: Vec<Group>,
    days: Vec<Day>,
    chart: Option<String>,
    batches: Vec<Row>,
    waiting: Vec<(String, u64)>,
}

struct AlertLine {
    raised: bool,
    text: String,
}

pub(super) async fn page(State(app): State<App>) -> Result<Response> {
    let records = app.records();
    let now = records.clock.now();
    let (status, batches) = crate::api::status_and_batches(&app).await?;
    let days = records.daily(chart::since(now)).await?;
    let page = Page {
        here: "/",
        level: match status.health.level {
            Level::Ok => "ok",
            Level::Attention => "attention",
            Level::Problem => "problem",
        },
        hint: status.health.hint().map(str::to_owned),
        oldest: status
            .overview
            .oldest_dead_letter_at
            .map(|at| Moment::of(at, now)),
        next: next(status.schedule.as_ref(), now),
        alerts: alerts(&status),
        groups: failures::lately(records, now).await?,
        waiting: records.dead_letter_stats().await?.by_failure_status,
        sentence: status.health.sentence,
        overview: status.overview,
        chart: chart::of(&days, now).filter(|_| !days.is_empty()),
        days,
        batches: batches
            .into_iter()
            .map(|batch| Row::of(batch, now))
            .collect(),
    };
    Ok(shown(&page))
}

fn next(schedule: Option<&NextBatch>, now: Timestamp) -> String {
    schedule.map_or_else(
        || "not known: Temporal does not answer".to_owned(),
        |schedule| schedule.in_words(now),
    )
}

/// Each of the three alerts, and whether the last batch raised it.
fn alerts(status: &Status) -> Vec<AlertLine> {
    let raised = |kind: fn(&Alert) -> bool| status.alerts.iter().find(|alert| kind(alert));
    let line = |alert: Option<&Alert>, quiet: String| AlertLine {
        raised: alert.is_some(),
        text: alert.map_or(quiet, Alert::sentence),
    };
    vec![
        line(
            raised(|alert| matches!(alert, Alert::DlqCount { .. })),
            format!("More than {ALERT_DLQ_COUNT} orders go to the dead letter queue in one batch"),
        ),
        line(
            raised(|alert| matches!(alert, Alert::ErrorShare { .. })),
            format!(
                "More than {:.0}% of a batch's orders cannot be processed",
                ALERT_ERROR_SHARE * 100.0
            ),
        ),
        line(
            raised(|alert| matches!(alert, Alert::Backlog { .. })),
            format!(
                "{ALERT_BACKLOG_BATCHES} batches running find more than {ALERT_FOUND_COUNT} orders each"
            ),
        ),
    ]
}
