//! Rehearsals that somebody asks for over HTTP: one at a time, and none that takes longer than a request may.

use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::problem::{ApiError, Result};
use crate::views::{Rehearsal, Rehearse};

/// How long one may take; a request ends a little later.
const LONGEST: Duration = Duration::from_secs(50);

/// Each copies the ledger, so there is one at a time.
static ONE: Semaphore = Semaphore::const_new(1);

/// Rehearses, when its turn has come.
pub(crate) async fn rehearse(app: &App, asked: Rehearse) -> Result<Rehearsal> {
    let rehearsing = async {
        let _turn = ONE.acquire().await;
        Rehearsal::run(&app.ops, asked).await
    };
    let rehearsed = tokio::time::timeout(LONGEST, rehearsing).await;
    Ok(rehearsed.map_err(|_| {
        ApiError::refused(
            StatusCode::GATEWAY_TIMEOUT,
            "TOO_LATE",
            "the dry run took too long for a request, or another was before it: give it fewer orders, or use `redrive run --dry-run` on the ledger itself",
        )
    })??)
}
