//! One operation on dead letters: how far it is, what it waits for, and telling it what to do.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use redrive_core::ids::OperationId;
use redrive_core::words::plain;
use redrive_engine::ops::{OpsError, Records};
use redrive_ledger::OperationStatus;
use serde::Deserialize;

use super::said::{Key, Said};
use super::{Result, escaped, shown};
use crate::app::{self, App};
use crate::extract::{Form, Path, Query};
use crate::page;
use crate::views::{self, Deed, Workers};

/// Temporal is asked so long who works: the page is there without an answer, too.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Template)]
#[template(path = "operation.html")]
struct Progress {
    here: &'static str,
    id: String,
    message: Option<&'static str>,
    running: bool,
    /// Whether it can still be told something.
    hears: bool,
    waits_for: Option<String>,
    status: String,
    actor: String,
    reason: String,
    matched: u64,
    started: u64,
    waiting: u64,
    failed: u64,
    skipped: u64,
    error: Option<String>,
    not_started: Vec<(String, String)>,
}

pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(said): Query<Said>,
) -> Result<Response> {
    let records = app.records();
    let id = OperationId::from(id);
    let operation = records.operation(&id).await?;
    let not_started = records.not_started(&id, None, page::USUAL).await?;
    let running = !operation.status.has_ended();
    let hears = !operation.status.is_final();
    let waits_for = match operation.status {
        OperationStatus::Running => waits_for(&app).await?,
        _ => None,
    };
    Ok(shown(&Progress {
        here: "/dead-letters",
        id: id.to_string(),
        message: said.words(),
        running,
        hears,
        waits_for,
        status: plain(operation.status.as_str()),
        actor: operation.actor,
        reason: operation.reason,
        matched: operation.matched,
        started: operation.started,
        waiting: operation.waiting,
        failed: operation.failed,
        skipped: operation.skipped,
        error: operation.error,
        not_started: not_started
            .into_iter()
            .map(|one| (one.order_id, one.reason))
            .collect(),
    }))
}

/// What keeps an operation from starting anything.
async fn waits_for(app: &App) -> Result<Option<String>> {
    let records = app.records();
    if let Some(halted) = halted(records, records.clock.now()).await? {
        return Ok(Some(halted));
    }
    let looked = tokio::time::timeout(PATIENCE, Workers::look(&app.ops)).await;
    let nobody = looked.ok().and_then(std::result::Result::ok);
    let nobody = nobody.filter(|workers| workers.polling == 0);
    Ok(nobody.map(|workers| {
        format!(
            "No worker polls task queue {:?}, so nothing is started: start one with `redrive worker`.",
            workers.task_queue
        )
    }))
}

/// That every start is halted, where it is.
pub(super) async fn halted(
    records: &Records,
    now: Timestamp,
) -> std::result::Result<Option<String>, OpsError> {
    let halted = records.halted().await?;
    let told = halted.map(|halt| {
        let sentence = views::halted(&halt, now);
        format!("{sentence} What is retried waits for `redrive unhalt`.")
    });
    Ok(told)
}

/// What an operation is told.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    deed: Deed,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    by: String,
}

pub(super) async fn tell(
    State(app): State<App>,
    Path(id): Path<String>,
    Form(told): Form<Told>,
) -> Result<Response> {
    let by = app::named(told.by, told.reason)?;
    let (id, deed) = (OperationId::from(id), told.deed);
    let answered = app.ops.tell_operation(&id, deed.into(), &by).await?;
    let said = match (answered.heard, deed) {
        (true, Deed::Pause) => Key::WorkPaused,
        (true, Deed::Resume) => Key::WorkResumed,
        (true, Deed::Stop) => Key::OperationStopped,
        (false, _) => Key::WorkTold,
    };
    let path = format!("/dead-letters/operations/{}", escaped(id.as_str()));
    Ok(super::back(&path, said))
}
