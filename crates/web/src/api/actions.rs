//! Decisions about many dead letters. A preview says how many and which; what is done then is what was looked at.

use std::ops::ControlFlow;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use redrive_core::digest;
use redrive_engine::ops::{BulkReport, Decision, Many, Records};
use redrive_ledger::NewAuditEvent;
use serde_json::json;

use crate::app::{self, App};
use crate::extract;
use crate::problem::{self, ApiError, Result};
use crate::queue;
use crate::views::{Action, ActionAnswer, ActionFilter, ByHand, Entry};

/// So long entries are decided for one request. No answer is waited for much longer, and whoever asks sees how far it is.
const AT_A_TIME: SignedDuration = SignedDuration::from_secs(10);

/// Decide many entries at once
///
/// Without a `token` nothing is done: the answer says how many entries match, shows the first of them, and has a token. The
/// same request with that token is carried out. `manual_retry` opens an operation, which goes on by itself.
#[utoipa::path(post, path = "/dead-letter-queue/actions", tag = "dead letter queue", request_body = Action, responses(
    (status = OK, description = "A preview, or what was decided.", body = ActionAnswer),
    (status = ACCEPTED, description = "The operation that starts the orders again.", body = ActionAnswer),
    (status = BAD_REQUEST, body = problem::Body),
    (status = NOT_FOUND, description = "An order that is named is unknown.", body = problem::Body),
    (status = CONFLICT, description = "The token is of another request.", body = problem::Body)
))]
pub(crate) async fn act(
    State(app): State<App>,
    extract::Json(action): extract::Json<Action>,
) -> Result<(StatusCode, Json<ActionAnswer>)> {
    let by = app::named(action.resolved_by.clone(), action.notes.clone())?;
    let records = app.records();
    let Some(token) = &action.token else {
        return Ok((StatusCode::OK, Json(preview(records, &action).await?)));
    };
    let as_of = presented(token, &action)?;
    let many = chosen(records, &action, as_of).await?;
    let mut answer = ActionAnswer {
        matched: records.count_of(&many).await?,
        ..ActionAnswer::default()
    };
    let decision = match action.resolution {
        ByHand::ManualRetry => {
            answer.operation = Some(app.ops.retry_many(many, action.per_second, by).await?);
            return Ok((StatusCode::ACCEPTED, Json(answer)));
        }
        ByHand::Cancelled => Decision::Cancel,
        ByHand::Escalated => Decision::Escalate,
    };
    let report = decide(records, &many, decision, &by).await?;
    answer.token = (report.left > 0).then(|| rest(action, report.left, as_of));
    answer.report = Some(report);
    Ok((StatusCode::OK, Json(answer)))
}

/// Decides, for some time. What is named is decided at once: who names it again would be told that it is decided.
async fn decide(
    records: &Records,
    many: &Many,
    decision: Decision,
    by: &NewAuditEvent,
) -> Result<BulkReport> {
    let until = records.clock.now() + AT_A_TIME;
    let goes_on = |_, _| match many {
        Many::Matching(..) if records.clock.now() >= until => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    Ok(records.decide_many(many, decision, by, &goes_on).await?)
}

/// What to present for those that are left, of the same that was looked at.
fn rest(action: Action, left: u64, as_of: Timestamp) -> String {
    let limit = u32::try_from(left).ok();
    token(&Action { limit, ..action }, as_of)
}

async fn preview(records: &Records, action: &Action) -> Result<ActionAnswer> {
    let now = records.clock.now();
    let many = chosen(records, action, now).await?;
    let seen = records.look_at(many).await?;
    let sample = seen.sample.into_iter().map(|entry| Entry::of(entry, now));
    Ok(ActionAnswer {
        matched: seen.matched,
        token: Some(token(action, now)),
        sample: sample.collect(),
        ..ActionAnswer::default()
    })
}

/// What it is about: the orders that are named, or the entries that match and were in the queue at `as_of`.
async fn chosen(records: &Records, action: &Action, as_of: Timestamp) -> Result<Many> {
    let Some(orders) = &action.orders else {
        return queue::waiting(records, &action.filter, action.limit, as_of).await;
    };
    let named = records.named(orders).await?;
    if action.filter != ActionFilter::default() || action.limit.is_some() {
        return Err(ApiError::invalid(
            "orders are named, or chosen by a filter and a limit: not both",
        ));
    }
    Ok(Many::Named(named))
}

/// Names the moment of a preview, and by a digest the request that it was of. It keeps nobody from anything: it keeps a request
/// from doing more than was looked at.
fn token(action: &Action, as_of: Timestamp) -> String {
    let request = json!([
        action.resolution,
        action.filter,
        action.orders,
        action.limit
    ]);
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
