//! When batches start by themselves.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use redrive_engine::ops::Triggered;
use serde::Deserialize;

use super::said::{Key, Said};
use super::{Result, Wrong, back, batches, shown};
use crate::app::{self, App};
use crate::extract::{Form, Query};
use crate::problem::ApiError;
use crate::views::ScheduleShown;

#[derive(Template)]
#[template(path = "schedule.html")]
struct Page {
    here: &'static str,
    message: Option<&'static str>,
    shown: Option<ScheduleShown>,
    problem: String,
}

pub(super) async fn page(State(app): State<App>, Query(said): Query<Said>) -> Result<Response> {
    let id = &app.schedule.id;
    let (found, problem) = match app.ops.schedule(&app.schedule).await {
        Ok(Some(status)) => (Some(ScheduleShown::of(id, status)), String::new()),
        Ok(None) => (
            None,
            format!("There is no schedule {id:?}: a worker makes it when it starts."),
        ),
        Err(error) => (None, format!("It cannot be told: {error}")),
    };
    Ok(shown(&Page {
        here: "/schedule",
        message: said.words(),
        shown: found,
        problem,
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
