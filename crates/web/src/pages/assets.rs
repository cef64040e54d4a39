//! What pages are dressed with.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::{Result, Wrong};
use crate::problem::ApiError;

/// For so long a browser need not ask again.
const KEEP: &str = "max-age=300";

pub(super) async fn serve(Path(name): Path<String>) -> Result<Response> {
    let (kind, text) = match name.as_str() {
        "style.css" => ("text/css", include_str!("../../assets/style.css")),
        "live.js" => ("text/javascript", include_str!("../../assets/live.js")),
        "icon.svg" => ("image/svg+xml", include_str!("../../assets/icon.svg")),
        _ => {
            return Err(Wrong(ApiError::not_found(
                "there is no such part of a page",
            )));
        }
    };
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, KEEP)], text).into_response())
}
