//! Decisions about many dead letters. A preview says how many and which; what is done then is what was looked at.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use redrive_core::digest;
use redrive_core::ids::OperationId;
use redrive_engine::ops::{Decision, Many};
use redrive_ledger::Operation;
use serde_json::json;

use crate::app::{self, App};
use crate::extract::{self, Path};
use crate::problem::{self, ApiError, Result};
use crate::queue;
use crate::views::{Action, ActionAnswer, ByHand, Entry};

/// How many entries a preview shows.
const SHOWN: u32 = 5;

/// Decide many entries at once
///
/// Without a `token` nothing is done: the answer says how many entries match, shows the first of them, and has a token. The
/// same request with that token is carried out. `manual_retry` opens an operation, which goes on by itself.
#[utoipa::path(post, path = "/dead-letter-queue/actions", tag = "dead letter queue", request_body = Action, responses(
    (status = OK, description = "A preview, or what was decided.", body = ActionAnswer),
    (status = ACCEPTED, description = "The operation that starts the orders again.", body = ActionAnswer),
    (status = BAD_REQUEST, body = problem::Body),
    (status = CONFLICT, description = "The token is of another request.", body = problem::Body)
))]
pub(crate) async fn act(
    State(app): State<App>,
    extract::Json(action): extract::Json<Action>,
) -> Result<(StatusCode, Json<ActionAnswer>)> {
    let by = app::named(action.resolved_by.clone(), action.notes.clone())?;
    let records = app.records();
    let now = records.clock.now();
    let Some(token) = action.token.clone() else {
        return preview(&app, &action, now).await;
    };
    let as_of = presented(&token, &action)?;
    let filter = queue::decided(records, &action.filter, as_of).await?;
    let many = Many::Matching(filter, action.limit);
    let matched = records.count_of(&many).await?;
    let mut answer = ActionAnswer {
        matched,
        token: None,
        sample: Vec::new(),
        operation: None,
        report: None,
    };
    let decision = match action.resolution {
        ByHand::ManualRetry => {
            answer.operation = Some(app.ops.retry_many(many, action.per_second, by).await?);
            return Ok((StatusCode::ACCEPTED, Json(answer)));
        }
        ByHand::Cancelled => Decision::Cancel,
        ByHand::Escalated => Decision::Escalate,
    };
    let report = records
        .decide_many(&many, decision, &by, &|_, _| {})
        .await?;
    answer.report = Some(report);
    Ok((StatusCode::OK, Json(answer)))
}

async fn preview(
    app: &App,
    action: &Action,
    now: Timestamp,
) -> Result<(StatusCode, Json<ActionAnswer>)> {
    let records = app.records();
    let filter = queue::decided(records, &action.filter, now).await?;
    let many = Many::Matching(filter.clone(), action.limit);
    let shown = action.limit.unwrap_or(SHOWN).min(SHOWN);
    let sample = records.dead_letters(&filter, shown).await?;
    let answer = ActionAnswer {
        matched: records.count_of(&many).await?,
        token: Some(token(action, now)),
        sample: sample
            .into_iter()
            .map(|entry| Entry::of(entry, now))
            .collect(),
        operation: None,
        report: None,
    };
    Ok((StatusCode::OK, Json(answer)))
}

/// Names the moment of a preview, and by a digest the request that it was of. It keeps nobody from anything: it keeps a request
/// from doing more than was looked at.
fn token(action: &Action, as_of: Timestamp) -> String {
    let request = json!([action.resolution, action.filter, action.limit]);
    let at = as_of.as_microsecond();
    format!("{at}.{}", digest::short(format!("{at}{request}")))
}

/// The moment of the preview that `token` is of.
fn presented(presented: &str, action: &Action) -> Result<Timestamp> {
    let as_of = presented
        .split_once('.')
        .and_then(|(at, _)| Timestamp::from_microsecond(at.parse().ok()?).ok());
    as_of
        .filter(|as_of| token(action, *as_of) == presented)
        .ok_or_else(|| {
            ApiError::conflict(
                "the token is not of a preview of this request: leave it out to have a new preview, and look at that",
            )
        })
}

/// How far an operation is
#[utoipa::path(get, path = "/dead-letter-queue/actions/{operationId}", tag = "dead letter queue",
    params(("operationId" = String, Path, description = "The operation's id.")),
    responses((status = OK, body = Operation), (status = NOT_FOUND, body = problem::Body))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Operation>> {
    let operation = app.records().operation(&OperationId::from(id)).await?;
    Ok(Json(operation))
}
