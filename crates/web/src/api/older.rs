//! Failures that are older than the look-back: looked at, and taken in on a person's word.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use redrive_engine::Pulse;
use redrive_engine::ops::{Older, TakenIn};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::{self, App};
use crate::extract::{self, Query};
use crate::problem::{self, Result};
use crate::views::TakeIn;

/// How long a request reads: whatever is under way then is ended, and that is well within what a request may take.
const LONGEST: Duration = Duration::from_secs(20);

/// What is said where there was no time for one.
const LATE: &str = "this took too long for a request, or others were before it: send it again; what was taken in stays";

/// Cancels what takes longer than a request should.
struct Until(Instant);

impl Until {
    fn now_and() -> Self {
        Self(Instant::now() + LONGEST)
    }
}

#[async_trait]
impl Pulse for Until {
    async fn beat(&self) {}

    fn cancelled(&self) -> bool {
        Instant::now() >= self.0
    }
}

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Back {
    /// What failed since then.
    since: Timestamp,
}

/// Show the failures that are older than what batches look at
///
/// A new ledger looks back a day, and what failed before is counted and left alone: people may have dealt with it. The newest of them
/// are read to tell what they are. This takes an operator, and there is one at a time: the next one waits for it.
#[utoipa::path(get, path = "/failures/older", tag = "failures", params(Back), responses(
    (status = OK, body = Older),
    (status = BAD_REQUEST, body = problem::Body),
    (status = SERVICE_UNAVAILABLE, description = "Temporal does not answer.", body = problem::Body),
    (status = GATEWAY_TIMEOUT, description = "It took longer than a request may, or others were before it.", body = problem::Body)
))]
pub(crate) async fn preview(
    State(app): State<App>,
    Query(back): Query<Back>,
) -> Result<Json<Older>> {
    let older = app.one_at_a_time.older_failures.take(LATE, async {
        let pulse = Until::now_and();
        Ok(app.ops.preview_older(back.since, &pulse).await?)
    });
    Ok(Json(older.await?))
}

/// Take them in: each once, and nothing is started by it
///
/// The batches that follow restart what the policy lets be reprocessed. Where there are too many for one request the answer says
/// that it is not complete: the same request, with an `Idempotency-Key` of its own, goes on, and the audit trail has it once an hour.
/// There is one at a time: the next one, or the next look at them, waits for it.
#[utoipa::path(post, path = "/failures/older", tag = "failures", request_body = TakeIn, responses(
    (status = OK, body = TakenIn),
    (status = BAD_REQUEST, body = problem::Body),
    (status = GATEWAY_TIMEOUT, description = "It took longer than a request may, or others were before it; what was taken in stays.", body = problem::Body)
))]
pub(crate) async fn take_in(
    State(app): State<App>,
    extract::Json(asked): extract::Json<TakeIn>,
) -> Result<Json<TakenIn>> {
    let by = app::by(asked.by, asked.reason);
    let taken = app.one_at_a_time.older_failures.take(LATE, async {
        let (pulse, since) = (Until::now_and(), asked.since);
        Ok(app.ops.take_in_older(since, &by, &pulse, &|_| {}).await?)
    });
    Ok(Json(taken.await?))
}
