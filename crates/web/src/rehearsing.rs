//! Rehearsals that somebody asks for over HTTP: one at a time, and none that takes longer than a request may.

use crate::app::App;
use crate::problem::Result;
use crate::views::{Rehearsal, Rehearse};

/// What is said where there was no time for one.
const LATE: &str = "the dry run took too long for a request, or another was before it: give it fewer orders, or use `redrive run --dry-run` on the ledger itself";

/// Rehearses, when its turn has come.
pub(crate) async fn rehearse(app: &App, asked: Rehearse) -> Result<Rehearsal> {
    let turn = &app.one_at_a_time.rehearsals;
    turn.take(LATE, async { Ok(Rehearsal::run(&app.ops, asked).await?) })
        .await
}
