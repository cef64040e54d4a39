//! What the policy makes of a run that failed.

use redrive_core::ids::{RunId, WorkflowId};
use redrive_engine::gateway::GatewayError;
use redrive_engine::{EngineError, NoFailedRun, read_failed_run};
use redrive_web::views::Classified;
use reqwest::StatusCode;
use serde::Serialize;

use super::{Remote, RemoteError};
use crate::cli::Global;
use crate::config;
use crate::connect::{self, Target};
use crate::problem::Problem;

const UNKNOWN: &str =
    "check the id and the namespace; Temporal forgets a closed run when its retention is over.";
const NOT_FAILED: &str =
    "name a run that failed with --run-id; without it the workflow's latest run is read.";
const REFUSED: &str = "check the workflow id and the run id.";

/// Which run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Which<'a> {
    run_id: Option<&'a str>,
}

/// Reads a failed run, the workflow's latest where none is named. Here that takes Temporal and no ledger.
pub async fn classified(
    global: &Global,
    workflow_id: &WorkflowId,
    run_id: Option<&RunId>,
) -> anyhow::Result<Classified> {
    if let Some(remote) = Remote::named(global)? {
        let path = ["workflows", workflow_id.as_str(), "classification"];
        let which = Which {
            run_id: run_id.map(RunId::as_str),
        };
        return remote.get(&path, &which).await.map_err(refused_there);
    }
    let policy = config::load(&global.overrides())?.policy;
    let target = Target::configured()?;
    let gateway = connect::gateway(&target, &target.connect().await?).await?;
    let run = read_failed_run(&gateway, workflow_id, run_id).await;
    Ok(Classified::of(run.map_err(refused_here)?, &policy))
}

/// The error with what to do about it: most are about what was asked for.
fn refused_here(error: NoFailedRun) -> anyhow::Error {
    let hint = match &error {
        NoFailedRun::Unknown { .. } => UNKNOWN,
        NoFailedRun::NotFailed { .. } | NoFailedRun::WentOn { .. } => NOT_FAILED,
        NoFailedRun::Gateway(GatewayError::Item(_)) => REFUSED,
        NoFailedRun::Gateway(error) => return EngineError::from(error.clone()).into(),
    };
    Problem::user(error.to_string(), hint).into()
}

fn refused_there(error: RemoteError) -> anyhow::Error {
    let hint = match &error {
        error if error.is(StatusCode::NOT_FOUND) => UNKNOWN,
        error if error.is(StatusCode::CONFLICT) => NOT_FAILED,
        error if error.is(StatusCode::BAD_REQUEST) => REFUSED,
        _ => return error.into(),
    };
    Problem::user(error.to_string(), hint).into()
}
