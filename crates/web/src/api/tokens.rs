//! Who may come in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use redrive_engine::ops;
use redrive_ledger::Token;

use super::taking::Taking;
use crate::app::{self, App};
use crate::extract::{self, Path, Query};
use crate::problem::{self, ApiError, Result};
use crate::views::{Listed, MadeToken, NewToken};

/// Lists the tokens
#[utoipa::path(
    get,
    path = "/tokens",
    tag = "access",
    responses((status = OK, body = Listed<Token>), (status = FORBIDDEN, body = problem::Body))
)]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Listed<Token>>> {
    let data = app.records().tokens().await?;
    Ok(Json(Listed::whole(data)))
}

/// Makes a token
///
/// Its secret is answered once. A name that is taken is a 409, also for a request that comes again.
#[utoipa::path(
    post,
    path = "/tokens",
    tag = "access",
    request_body = NewToken,
    responses(
        (status = CREATED, body = MadeToken),
        (status = BAD_REQUEST, body = problem::Body),
        (status = FORBIDDEN, body = problem::Body),
        (status = CONFLICT, body = problem::Body)
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    extract::Json(new): extract::Json<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>)> {
    let name = ops::token_name(&new.name).map_err(ApiError::invalid)?;
    let by = app::by(new.by, new.reason);
    let (token, secret) = app.records().create_token(&name, new.role, &by).await?;
    let secret = secret.tell().to_owned();
    Ok((StatusCode::CREATED, Json(MadeToken { token, secret })))
}

/// Takes a token away
///
/// Its bearers and their browsers are not let in any more.
#[utoipa::path(
    delete,
    path = "/tokens/{name}",
    tag = "access",
    params(("name" = String, Path, description = "The token's name."), Taking),
    responses(
        (status = NO_CONTENT),
        (status = BAD_REQUEST, body = problem::Body),
        (status = FORBIDDEN, body = problem::Body),
        (status = NOT_FOUND, body = problem::Body)
    )
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(taking): Query<Taking>,
) -> Result<StatusCode> {
    app.records().revoke_token(&name, &taking.by()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
