//! What a batch would do.

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::extract;
use crate::problem::{self, Result};
use crate::rehearsing;
use crate::views::{Rehearsal, Rehearse};

/// Where it is asked for: it changes nothing, so its answer, which may be long, is not kept for a request that comes again.
pub(crate) const REHEARSAL: &str = "/api/v1/batches/rehearsal";

/// Tell what a batch would do with each order, and change nothing anywhere
///
/// The batch runs on a copy of the ledger and asks Temporal, but starts nothing. There is one rehearsal at a time: the next one waits for it.
#[utoipa::path(post, path = "/batches/rehearsal", tag = "batches", request_body = Rehearse, responses(
    (status = OK, body = Rehearsal),
    (status = BAD_REQUEST, body = problem::Body),
    (status = NOT_FOUND, description = "There is no such order.", body = problem::Body),
    (status = GATEWAY_TIMEOUT, description = "It took longer than a request may.", body = problem::Body)
))]
pub(crate) async fn rehearse(
    State(app): State<App>,
    extract::Json(asked): extract::Json<Rehearse>,
) -> Result<Json<Rehearsal>> {
    Ok(Json(rehearsing::rehearse(&app, asked).await?))
}
