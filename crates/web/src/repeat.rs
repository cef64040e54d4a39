//! Requests that come again: with an `Idempotency-Key` the first answer is given again, and nothing is done twice.

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use redrive_core::digest;
use redrive_engine::ops::Records;
use redrive_ledger::{Answer, Begun};

use crate::access;
use crate::api::takes_key;
use crate::app::App;
use crate::problem::{ApiError, Result};
use crate::serve::{BODY, LATEST};

/// The header, by its draft standard.
pub(crate) const KEY: &str = "idempotency-key";
/// The longest key.
pub(crate) const LONGEST: usize = 200;
/// What a key consists of, as a pattern.
pub(crate) const VISIBLE: &str = "^[!-~]+$";
/// No answer to a request that changes something is larger.
const ANSWER: usize = 4 << 20;

/// Serves a request once that has a key, however often it comes, where the operation takes one.
pub(crate) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    // What is refused for its method or its address is refused so each time.
    let operation = request.extensions().get::<MatchedPath>();
    let takes = operation.is_some_and(|path| takes_key(request.method(), path.as_str()));
    if !takes || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    // What was begun is brought to its end, and its answer kept, though nobody waits for it any more.
    let serving = access::carried(served(app.records().clone(), request, next));
    match tokio::spawn(serving).await {
        Ok(served) => served.unwrap_or_else(IntoResponse::into_response),
        Err(error) => ApiError::internal(&error).into_response(),
    }
}

async fn served(records: Records, request: Request, next: Next) -> Result<Response> {
    let key = key(request.headers().get(KEY))?;
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(LATEST, to_bytes(body, BODY)).await;
    let body = read.map_err(|_| ApiError::late())?.map_err(|_| {
        ApiError::refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PAYLOAD_TOO_LARGE",
            "the body is larger than anything that is expected here",
        )
    })?;
    // Nobody is given what somebody else was answered.
    let caller = access::signed_in().unwrap_or_default();
    let what = format!("{caller} {} {}", parts.method, parts.uri);
    let digest = digest::sha256([what.as_bytes(), &body].concat());
    let now = records.clock.now();
    match records.desk.begin_request(&key, &digest, now).await? {
        Begun::New => {}
        Begun::Answered(answer) => return Ok(given(answer)),
        Begun::Another => {
            return Err(ApiError::conflict(
                "this Idempotency-Key was used for another request: take a new one",
            ));
        }
        Begun::UnderWay => {
            let early = ApiError::conflict(
                "the request of this Idempotency-Key is being served: ask again when it is done",
            );
            let wait = (RETRY_AFTER, HeaderValue::from_static("1"));
            return Ok(([wait], early).into_response());
        }
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = response.into_parts();
    let read = to_bytes(body, ANSWER).await.ok();
    let body = read.and_then(|body| String::from_utf8(body.into()).ok());
    let answer = body.map(|body| Answer {
        status: parts.status.as_u16(),
        body,
    });
    // What failed on our side may be tried again.
    let kept = answer.as_ref().filter(|_| !parts.status.is_server_error());
    records.desk.end_request(&key, kept).await?;
    Ok(answer.map_or_else(
        || StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        |answer| Response::from_parts(parts, Body::from(answer.body)),
    ))
}

fn key(header: Option<&HeaderValue>) -> Result<String> {
    let key = header.and_then(|key| key.to_str().ok()).unwrap_or_default();
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && (1..=LONGEST).contains(&key.len()) {
        return Ok(key.to_owned());
    }
    Err(ApiError::invalid(format!(
        "Idempotency-Key has 1 to {LONGEST} visible characters"
    )))
}

fn given(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], answer.body).into_response()
}
