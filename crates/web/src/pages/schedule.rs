//! When batches start by themselves, and by which policy they decide.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use redrive_core::policy::{Policy, Treatment, duration};
use redrive_engine::ops::Triggered;
use redrive_ledger::Limited;
use serde::Deserialize;

use super::moment::Moment;
use super::said::{Key, Said};
use super::{Result, Wrong, back, batches, shown};
use crate::app::{self, App};
use crate::extract::{Form, Query};
use crate::problem::ApiError;
use crate::views::{ScheduleShown, Tick};

#[derive(Template)]
#[template(path = "schedule.html")]
struct Page {
    here: &'static str,
    message: Option<&'static str>,
    shown: Option<Schedule>,
    problem: String,
    policy: Rules,
}

/// The schedule, and when it ticks.
struct Schedule {
    told: ScheduleShown,
    next: Vec<Moment>,
    last: Vec<(Moment, Tick)>,
}

impl Schedule {
    fn of(mut told: ScheduleShown, now: Timestamp) -> Self {
        let next = std::mem::take(&mut told.next_ticks).into_iter();
        let last = std::mem::take(&mut told.last_ticks).into_iter();
        Self {
            next: next.map(|at| Moment::ahead(at, now)).collect(),
            last: last.map(|tick| (Moment::of(tick.at, now), tick)).collect(),
            told,
        }
    }
}

/// The policy in force, as it is read.
struct Rules {
    treatments: Vec<Treatment>,
    facts: Vec<(&'static str, String)>,
}

impl Rules {
    fn of(policy: &Policy, starts_per_second: f64) -> Self {
        let watched = policy.watch.iter().map(|watch| watch.workflow_type.clone());
        let children = match policy.restart_children {
            true => "restarted",
            false => "left to their parents",
        };
        Self {
            treatments: policy.treatments(),
            facts: vec![
                (
                    "Watched workflow types",
                    watched.collect::<Vec<_>>().join(", "),
                ),
                ("Starts a second, at most", starts_per_second.to_string()),
                ("Orders a chunk", policy.batch_size.to_string()),
                ("Failed runs with a parent", children.to_owned()),
                (
                    "A new ledger looks back",
                    duration::format(policy.scan.lookback),
                ),
            ],
        }
    }
}

pub(super) async fn page(State(app): State<App>, Query(said): Query<Said>) -> Result<Response> {
    let (records, id) = (app.records(), &app.schedule.id);
    let now = records.clock.now();
    let (found, problem) = match crate::api::schedule_of(&app).await {
        Ok(Some(status)) => {
            let told = ScheduleShown::of(id, status);
            (Some(Schedule::of(told, now)), String::new())
        }
        Ok(None) => (
            None,
            format!("There is no schedule {id:?}: a worker makes it when it starts."),
        ),
        Err(error) => (None, format!("It cannot be told: {}.", error.message())),
    };
    let limits = records.limits().await?;
    let starts = limits.iter().find(|limit| limit.limit == Limited::Starts);
    let starts = starts.map_or(records.policy.starts_per_second, |limit| limit.per_second);
    Ok(shown(&Page {
        here: "/schedule",
        message: said.words(),
        shown: found,
        problem,
        policy: Rules::of(&records.policy, starts),
    }))
}

/// What is done to it.
#[derive(Debug, Deserialize)]
pub(super) struct Change {
    deed: String,
    #[serde(default)]
    by: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn change(State(app): State<App>, Form(change): Form<Change>) -> Result<Response> {
    let by = app::named(change.by, change.reason)?;
    let said = match change.deed.as_str() {
        "pause" => {
            app.ops.pause_schedule(&app.schedule, &by).await?;
            Key::Paused
        }
        "resume" => {
            app.ops.resume_schedule(&app.schedule, &by).await?;
            Key::Resumed
        }
        "run" => match app.ops.trigger_schedule(&app.schedule, &by).await? {
            Triggered::Started(running) => return Ok(batches::started(&running.batch_id)),
            Triggered::Busy(_) => Key::Busy,
            Triggered::Asked => Key::Asked,
        },
        _ => {
            return Err(Wrong(ApiError::invalid(
                "a schedule is paused, resumed or run",
            )));
        }
    };
    Ok(back("/schedule", said))
}
