//! The parts of a request. What cannot be read is refused as everything else is.

use axum::extract::{FromRequest, FromRequestParts};

use crate::problem::ApiError;

/// What the path names.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub T);

/// What the query asks for; a key may stand in it several times.
#[derive(FromRequestParts)]
#[from_request(via(axum_extra::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub T);

/// What the body says, in JSON.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(ApiError))]
pub(crate) struct Json<T>(pub T);

/// What a form says; a key may stand in it several times.
#[derive(FromRequest)]
#[from_request(via(axum_extra::extract::Form), rejection(ApiError))]
pub(crate) struct Form<T>(pub T);
