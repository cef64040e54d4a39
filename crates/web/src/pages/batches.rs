//! Batches, and one of them.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::report::{Alert, BatchStatus, ReprocessingResult, VerdictKind};
use redrive_engine::ops::RunRequest;
use redrive_ledger::{BatchRow, BatchVerdict};
use serde::Deserialize;

use super::moment::Moment;
use super::said::Key;
use super::{Result, shown};
use crate::app::{self, App};
use crate::extract::{Form, Path, Query};
use crate::views::{BatchStarted, Deed};
use crate::{cursor, page};

/// A batch in a table.
pub(super) struct Row {
    pub id: String,
    pub workflow_id: String,
    pub status: &'static str,
    pub started: Moment,
    pub alerts: usize,
    pub counts: ReprocessingResult,
}

impl Row {
    pub fn of(batch: BatchRow, now: Timestamp) -> Self {
        Self {
            id: batch.result.batch_id.clone(),
            workflow_id: batch.workflow_id,
            status: batch.status.as_str(),
            started: Moment::of(batch.started_at, now),
            alerts: batch.alerts.len(),
            counts: batch.result,
        }
    }
}

#[derive(Template)]
#[template(path = "batches.html")]
struct List {
    here: &'static str,
    batches: Vec<Row>,
}

pub(super) async fn list(State(app): State<App>) -> Result<Response> {
    let records = app.records();
    let now = records.clock.now();
    let batches = records.batches(page::USUAL).await?;
    Ok(shown(&List {
        here: "/batches",
        batches: batches
            .into_iter()
            .map(|batch| Row::of(batch, now))
            .collect(),
    }))
}

/// Who starts a batch.
#[derive(Debug, Deserialize)]
pub(super) struct Starter {
    by: Option<String>,
}

pub(super) async fn start(
    State(app): State<App>,
    Form(starter): Form<Starter>,
) -> Result<Response> {
    let by = app::by(starter.by, String::new());
    let begun = BatchStarted::start(&app.ops, &RunRequest::default(), Some(&by)).await?;
    Ok(started(&begun.batch_id))
}

/// On to a batch that was started just now: it is known once a worker has taken it up.
pub(super) fn started(batch: &str) -> Response {
    Redirect::to(&format!("/batches/{batch}?started=true")).into_response()
}

/// What of a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    cursor: Option<String>,
    said: Option<Key>,
    started: bool,
}

#[derive(Template)]
#[template(path = "batch.html")]
struct One {
    here: &'static str,
    batch: Row,
    running: bool,
    ended: Option<Moment>,
    link: Option<String>,
    error: Option<String>,
    alerts: Vec<String>,
    message: Option<&'static str>,
    orders: Vec<Found>,
    next: Option<i64>,
}

/// An order that a batch found, or would find.
pub(super) struct Found {
    pub order_id: String,
    pub verdict: VerdictKind,
    pub failure_status: String,
    pub why: String,
}

impl Found {
    pub fn of(order: BatchVerdict) -> Self {
        Self {
            why: order.why(),
            order_id: order.order_id,
            verdict: order.verdict,
            failure_status: order.failure_status,
        }
    }
}

#[derive(Template)]
#[template(path = "begun.html")]
struct Begun {
    here: &'static str,
}

pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response> {
    let records = app.records();
    let now = records.clock.now();
    let after = which.cursor.as_deref().map(cursor::key).transpose()?;
    let batch = match records.show_batch(&id).await {
        Err(redrive_engine::ops::OpsError::NoSuchBatch { .. }) if which.started => {
            return Ok(shown(&Begun { here: "/batches" }));
        }
        found => found?,
    };
    let batch_id = BatchId::from(batch.result.batch_id.as_str());
    let orders = records
        .verdicts(&batch_id, None, after, page::USUAL)
        .await?;
    let running = batch.status == BatchStatus::Running;
    let workflow_id = WorkflowId::from(batch.workflow_id.as_str());
    let page = One {
        here: "/batches",
        running,
        ended: (!running).then(|| Moment::of(batch.result.processed_at, now)),
        link: app.links.run(&workflow_id, batch_id.as_str()),
        error: batch.error.clone(),
        alerts: batch.alerts.iter().map(Alert::sentence).collect(),
        message: which.said.map(Key::words),
        next: orders
            .last()
            .filter(|_| orders.len() == page::USUAL as usize)
            .map(|order| order.pk),
        batch: Row::of(batch, now),
        orders: orders.into_iter().map(Found::of).collect(),
    };
    Ok(shown(&page))
}

/// What a batch is told.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    deed: Deed,
    #[serde(default)]
    reason: String,
    by: Option<String>,
}

pub(super) async fn tell(
    State(app): State<App>,
    Path(id): Path<String>,
    Form(told): Form<Told>,
) -> Result<Response> {
    let by = app::by(told.by, told.reason);
    let deed = told.deed;
    let controlled = app.ops.control_batch(Some(&id), deed.into(), &by).await?;
    let said = match (controlled.heard, deed) {
        (true, Deed::Pause) => Key::WorkPaused,
        (true, Deed::Resume) => Key::WorkResumed,
        (true, Deed::Stop) => Key::BatchStopped,
        (false, _) => Key::WorkTold,
    };
    Ok(super::back(
        &format!("/batches/{}", super::escaped(&id)),
        said,
    ))
}
