//! Who works.

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::problem::{self, Result};
use crate::views::Workers;

/// How many workers there are
#[utoipa::path(get, path = "/workers", tag = "health", responses(
    (status = OK, body = Workers),
    (status = SERVICE_UNAVAILABLE, description = "Temporal does not answer.", body = problem::Body)
))]
pub(crate) async fn show(State(app): State<App>) -> Result<Json<Workers>> {
    Ok(Json(Workers::look(&app.ops).await?))
}
