//! A dry run: what a batch would do with each order, found out on a copy of the ledger.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use redrive_core::report::ReprocessingResult;
use redrive_engine::ops::RunRequest;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::batches::Found;
use super::filter::given;
use super::{Result, Wrong, shown};
use crate::app::App;
use crate::extract::Form;
use crate::problem::ApiError;

/// How long one may take; a request ends a little later.
const LONGEST: Duration = Duration::from_secs(50);
/// So many verdicts are shown.
const SHOWN: usize = 200;

/// Each copies the ledger, so there is one at a time.
static ONE: Semaphore = Semaphore::const_new(1);

/// What is rehearsed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Asked {
    max_orders: String,
}

#[derive(Template)]
#[template(path = "rehearsal.html")]
struct Page {
    here: &'static str,
    result: ReprocessingResult,
    orders: Vec<Found>,
    cut: bool,
}

pub(super) async fn rehearse(State(app): State<App>, Form(asked): Form<Asked>) -> Result<Response> {
    let request = RunRequest {
        max_orders: asked.most()?,
        ..RunRequest::default()
    };
    let _one = ONE.try_acquire().map_err(|_| {
        ApiError::conflict("another dry run is under way: try again when it has ended")
    })?;
    let rehearsed = tokio::time::timeout(LONGEST, app.ops.rehearse(&request)).await;
    let rehearsed = rehearsed.map_err(|_| {
        ApiError::refused(
            StatusCode::GATEWAY_TIMEOUT,
            "TIMED_OUT",
            "the dry run took too long for a page: give it fewer orders, or use `redrive run --dry-run`",
        )
    })??;
    let verdicts = rehearsed.verdicts.into_iter();
    let cut = verdicts.len() > SHOWN;
    Ok(shown(&Page {
        here: "/schedule",
        result: rehearsed.result,
        orders: verdicts.take(SHOWN).map(Found::of).collect(),
        cut,
    }))
}

impl Asked {
    fn most(&self) -> Result<Option<u32>> {
        let Some(most) = given(&self.max_orders) else {
            return Ok(None);
        };
        match most.parse::<u32>() {
            Ok(most @ 1..) => Ok(Some(most)),
            Ok(0) | Err(_) => Err(Wrong(ApiError::invalid(format!(
                "{most:?} is no number of orders: it can be 1 or more, or nothing"
            )))),
        }
    }
}
