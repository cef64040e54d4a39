//! The files of a warehouse's folder, but for the two logs' contents.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Performed;
use crate::{FaultPlan, Stage, json_lines::JsonLines};

const PLAN: &str = "plan.json";
const PERFORMED: &str = "performed.jsonl";
const FAILED_RUNS: &str = "failed-runs.jsonl";

/// What can go wrong with the warehouse's own files.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    /// A file cannot be opened, read or written.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file holds something else than it should.
    #[error("{} does not hold what a warehouse writes", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl WarehouseError {
    pub(crate) fn file(verb: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::File {
            verb,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn malformed(path: &Path, source: serde_json::Error) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            source,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlanFile {
    started_at: Timestamp,
    plan: FaultPlan,
}

/// Every stage done so far in the warehouse of folder `dir`, in the order in which it was written down.
///
/// # Errors
/// If the log cannot be read.
pub fn load_performed(dir: &Path) -> Result<Vec<Performed>, WarehouseError> {
    JsonLines::open(&performed_path(dir))?.read_new()
}

pub(super) fn performed_path(dir: &Path) -> PathBuf {
    dir.join(PERFORMED)
}

pub(super) fn failed_runs_path(dir: &Path) -> PathBuf {
    dir.join(FAILED_RUNS)
}

pub(super) fn write_plan(
    dir: &Path,
    plan: &FaultPlan,
    started_at: Timestamp,
) -> Result<(), WarehouseError> {
    let path = dir.join(PLAN);
    let content = PlanFile {
        started_at,
        plan: plan.clone(),
    };
    fs::create_dir_all(dir).map_err(|source| WarehouseError::file("make", dir, source))?;
    let file = fs::File::create_new(&path)
        .map_err(|source| WarehouseError::file("make", &path, source))?;
    serde_json::to_writer(file, &content).map_err(|source| WarehouseError::malformed(&path, source))
}

pub(super) fn read_plan(dir: &Path) -> Result<(FaultPlan, Timestamp), WarehouseError> {
    let path = dir.join(PLAN);
    let bytes = fs::read(&path).map_err(|source| WarehouseError::file("read", &path, source))?;
    let content: PlanFile = serde_json::from_slice(&bytes)
        .map_err(|source| WarehouseError::malformed(&path, source))?;
    Ok((content.plan, content.started_at))
}

pub(super) fn release(dir: &Path, stage: Stage) -> Result<(), WarehouseError> {
    let path = release_path(dir, stage);
    fs::write(&path, b"").map_err(|source| WarehouseError::file("write", &path, source))
}

pub(super) fn is_released(dir: &Path, stage: Stage) -> bool {
    release_path(dir, stage).exists()
}

fn release_path(dir: &Path, stage: Stage) -> PathBuf {
    dir.join(format!("released-{stage}"))
}
