//! What the policy makes of a run that failed.

use axum::Json;
use axum::extract::State;
use redrive_core::ids::{RunId, WorkflowId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::extract::{Path, Query};
use crate::problem::{self, Result};
use crate::views::Classified;

/// Which run.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// The run; by default the workflow's latest.
    #[param(format = Uuid)]
    run_id: Option<String>,
}

/// Read a failed run from Temporal, and tell what the policy makes of it
///
/// It tells the failure status and which rule gave it, and whether the order would be started again. Nothing is changed.
#[utoipa::path(get, path = "/workflows/{workflowId}/classification", tag = "failures",
    params(("workflowId" = String, Path, description = "The workflow's id."), Which),
    responses(
        (status = OK, body = Classified),
        (status = BAD_REQUEST, body = problem::Body),
        (status = NOT_FOUND, description = "Temporal knows no such run.", body = problem::Body),
        (status = CONFLICT, description = "The run has not failed.", body = problem::Body),
        (status = SERVICE_UNAVAILABLE, description = "Temporal does not answer.", body = problem::Body)
    )
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(workflow_id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Classified>> {
    let named = which.run_id.filter(|run_id| !run_id.is_empty());
    let (workflow_id, run_id) = (WorkflowId::from(workflow_id), named.map(RunId::from));
    let run = app.ops.failed_run(&workflow_id, run_id.as_ref()).await?;
    Ok(Json(Classified::of(run, &app.records().policy)))
}
