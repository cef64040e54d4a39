//! Who may come in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use redrive_engine::ops;
use redrive_ledger::{Role, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::{self, App};
use crate::extract::{self, Path};
use crate::problem::{self, ApiError, Result};

/// All tokens, without their secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    data: Vec<Token>,
}

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewToken {
    /// Whose it is to be: 1 to 64 letters, digits, spaces, and `-_.@`.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9_.@-]([A-Za-z0-9_.@ -]*[A-Za-z0-9_.@-])?$",
        example = "night shift"
    )]
    name: String,
    role: Role,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 4000)]
    reason: String,
}

/// A token as it is told once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    #[serde(flatten)]
    token: Token,
    /// What its bearer shows. It is told here and never again.
    secret: String,
}

/// Lists the tokens
#[utoipa::path(
    get,
    path = "/tokens",
    tag = "access",
    responses((status = OK, body = Tokens), (status = FORBIDDEN, body = problem::Body))
)]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Tokens>> {
    let data = app.records().tokens().await?;
    Ok(Json(Tokens { data }))
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
        (status = CREATED, body = Made),
        (status = BAD_REQUEST, body = problem::Body),
        (status = FORBIDDEN, body = problem::Body),
        (status = CONFLICT, body = problem::Body)
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    extract::Json(new): extract::Json<NewToken>,
) -> Result<(StatusCode, Json<Made>)> {
    let name = ops::token_name(&new.name).map_err(ApiError::invalid)?;
    let by = app::by(None, new.reason);
    let (token, secret) = app.records().create_token(&name, new.role, &by).await?;
    let secret = secret.tell().to_owned();
    Ok((StatusCode::CREATED, Json(Made { token, secret })))
}

/// Takes a token away
///
/// Its bearers and their browsers are not let in any more.
#[utoipa::path(
    delete,
    path = "/tokens/{name}",
    tag = "access",
    params(("name" = String, Path, description = "The token's name.")),
    responses(
        (status = NO_CONTENT),
        (status = FORBIDDEN, body = problem::Body),
        (status = NOT_FOUND, body = problem::Body)
    )
)]
pub(crate) async fn revoke(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode> {
    let by = app::by(None, String::new());
    app.records().revoke_token(&name, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}
