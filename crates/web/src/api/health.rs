//! Whether this process lives, and whether it can serve.

use axum::Json;
use axum::extract::State;
use redrive_engine::ops::Records;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{self, Result};

/// That it is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    /// `ok`; anything else is an error, with another status.
    status: &'static str,
}

const OK: Json<Alive> = Json(Alive { status: "ok" });

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = OK, body = Alive)))]
pub(crate) async fn healthz() -> Json<Alive> {
    OK
}

/// Whether it can serve: its ledger answers.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = OK, body = Alive),
    (status = INTERNAL_SERVER_ERROR, description = "The ledger does not answer.", body = problem::Body)
))]
pub(crate) async fn readyz(State(records): State<Records>) -> Result<Json<Alive>> {
    records.batches(1).await?;
    Ok(OK)
}
