//! Rehearsals that somebody asks for over HTTP: one at a time, and none that takes longer than a request may.

use jiff::SignedDuration;

use crate::app::App;
use crate::problem::Result;
use crate::views::{Rehearsal, Rehearse};

/// So long it may look; then it tells what it has seen. What it has begun, and the wait for its turn, come on top.
const LOOKS_FOR: SignedDuration = SignedDuration::from_secs(30);
/// What is said where there was no time for one.
const LATE: &str = "the dry run took too long for a request, or another was before it: ask again, or use `redrive run --dry-run` on the ledger itself";

/// Rehearses, when its turn has come.
pub(crate) async fn rehearse(app: &App, asked: Rehearse) -> Result<Rehearsal> {
    let ends_at = app.ops.engine.clock.now() + LOOKS_FOR;
    let turn = &app.one_at_a_time.rehearsals;
    let rehearsed = async { Ok(Rehearsal::run(&app.ops, asked, Some(ends_at)).await?) };
    turn.take(LATE, rehearsed).await
}
