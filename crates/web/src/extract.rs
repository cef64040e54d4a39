//! The parts of a request. What cannot be read is refused as everything else is.

use axum::extract::{FromRequest, FromRequestParts, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::keeps;
use crate::problem::ApiError;

/// What the path names.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub T);

/// What the query asks for; a key may stand in it several times.
#[derive(FromRequestParts)]
#[from_request(via(axum_extra::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub T);

/// What the body says, in JSON, and as the document of the API describes it.
pub(crate) struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned + ToSchema,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let axum::Json(body) = axum::Json::<Value>::from_request(request, state).await?;
        keeps(&T::name(), &body)?;
        serde_json::from_value(body)
            .map(Self)
            .map_err(ApiError::invalid)
    }
}

/// What a form says; a key may stand in it several times.
#[derive(FromRequest)]
#[from_request(via(axum_extra::extract::Form), rejection(ApiError))]
pub(crate) struct Form<T>(pub T);
