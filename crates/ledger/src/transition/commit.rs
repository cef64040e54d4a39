//! Committing: a claimed order becomes what its chunk made of it, if the chunk still owns it.

use redrive_core::decide::{DeadLetterReason, Elsewhere, SkipReason, elsewhere};
use redrive_core::ids::RunId;
use redrive_core::report::VerdictKind;
use redrive_core::states::{Event, State};

use crate::folio::{Folio, Learning};
use crate::record::{Seen, after};
use crate::transition::observe::{fail, recognise};
use crate::{AttemptOutcome, Commit, Committed, Latest, LedgerError, OurRun, Outcome};

/// Applies an outcome. `seen` is the failure that it brings.
pub(crate) fn commit(
    folio: &mut Folio,
    commit: &Commit,
    seen: Option<Seen>,
    learning: &Learning<'_>,
) -> Result<Committed, LedgerError> {
    if folio.state() != State::Claimed || folio.order.fence != commit.fence {
        return Ok(Committed::Fenced);
    }
    match &commit.outcome {
        Outcome::Restarted(run) => restarted(folio, run, learning)?,
        Outcome::Elsewhere { latest, ours, .. } => {
            found_elsewhere(folio, latest, ours.as_ref(), seen, learning)?
        }
        Outcome::DeadLettered(reason) => {
            folio.end_attempt(AttemptOutcome::NotStarted, Some(reason.as_str()), learning);
            folio.bury(Event::DeadLetter, *reason, learning)?;
        }
        Outcome::Gone => {
            folio.end_attempt(AttemptOutcome::Unknown, None, learning);
            folio.bury(Event::FoundGone, DeadLetterReason::OutcomeUnknown, learning)?;
        }
        Outcome::ItemError { message } => item_error(folio, message, learning)?,
        Outcome::AnswerUnknown => {
            let reason = SkipReason::AnswerUnknown.as_str();
            folio.say(VerdictKind::Skipped, Some(reason), learning);
        }
        Outcome::Released => released(folio, learning)?,
    }
    Ok(Committed::Done)
}

fn restarted(folio: &mut Folio, run: &RunId, learning: &Learning<'_>) -> Result<(), LedgerError> {
    let Some(intent) = folio.open_attempt() else {
        return Err(impossible(folio, "a restart without an intent"));
    };
    intent.start(run, learning);
    let since = folio.order.row.failed_at;
    folio.follow(Event::Restarted, run, since, learning)?;
    folio.order.row.retry_count += 1;
    folio.order.row.item_errors = 0;
    folio.say(VerdictKind::Restarted, None, learning);
    Ok(())
}

fn found_elsewhere(
    folio: &mut Folio,
    latest: &Latest,
    ours: Option<&OurRun>,
    seen: Option<Seen>,
    learning: &Learning<'_>,
) -> Result<(), LedgerError> {
    let found = elsewhere(latest.status);
    let mut counted = match ours {
        Some(ours) => our_run(folio, ours, learning)?,
        None => false,
    };
    if !counted {
        let reason = found.skip_reason().as_str();
        folio.end_attempt(AttemptOutcome::NotStarted, Some(reason), learning);
        folio.say(VerdictKind::Skipped, Some(reason), learning);
        counted = seen
            .as_ref()
            .is_some_and(|seen| recognise(folio, seen, learning));
    }
    let closed_at = latest.closed_at.unwrap_or_else(|| learning.now());
    match found {
        Elsewhere::Running => folio.follow(
            Event::FoundRunning,
            &latest.first_run_id,
            latest.started_at,
            learning,
        )?,
        Elsewhere::Completed => folio.close(Event::FoundCompleted, closed_at, learning)?,
        Elsewhere::Stopped => folio.stop(&latest.run_id, closed_at, learning)?,
        Elsewhere::Failed => newer_failure(folio, seen, counted, learning)?,
    }
    Ok(())
}

/// The intent had started a run, and it has ended: the restart counts.
fn our_run(folio: &mut Folio, ours: &OurRun, learning: &Learning<'_>) -> Result<bool, LedgerError> {
    let Some(intent) = folio.open_attempt() else {
        return Err(impossible(folio, "a run of ours without an intent"));
    };
    intent.start(&ours.run, learning);
    intent.end(ours.end, None, learning);
    folio.order.row.retry_count += 1;
    folio.order.row.item_errors = 0;
    folio.say(VerdictKind::Restarted, None, learning);
    Ok(true)
}

/// A later run failed. An operator's retry that nothing was started for yet stays first in line.
fn newer_failure(
    folio: &mut Folio,
    seen: Option<Seen>,
    counted: bool,
    learning: &Learning<'_>,
) -> Result<(), LedgerError> {
    let Some(seen) = seen else {
        return Err(impossible(folio, "a failed latest run without its failure"));
    };
    let asked_for = folio.order.row.manual && !counted;
    fail(folio, &seen, learning)?;
    if asked_for {
        folio.order.row.manual = true;
        folio.order.row.due_at = learning.now();
    }
    folio.failures.push((seen, false));
    Ok(())
}

/// The server refuses this one start: it waits, and so many refusals in a row are a dead letter.
fn item_error(
    folio: &mut Folio,
    message: &str,
    learning: &Learning<'_>,
) -> Result<(), LedgerError> {
    folio.end_attempt(AttemptOutcome::NotStarted, Some(message), learning);
    folio.go(Event::ItemError)?;
    folio.check_after(learning.policy.settle.recheck, learning);
    let row = &mut folio.order.row;
    row.item_errors += 1;
    row.due_at = if row.item_errors >= learning.policy.max_item_errors {
        learning.now()
    } else {
        let jitter = learning.moment.jitter(row.workflow_id.as_str());
        after(
            learning.now(),
            learning
                .policy
                .backoff(&row.failure_status)
                .delay(row.item_errors, jitter),
        )
    };
    folio.say(VerdictKind::Error, Some(message), learning);
    Ok(())
}

/// Nothing was done: the order is as it was before the claim, but for the fence.
fn released(folio: &mut Folio, learning: &Learning<'_>) -> Result<(), LedgerError> {
    if let Some(intent) = folio.open_attempt() {
        intent.deleted = true;
    }
    folio.go(Event::Release)?;
    folio.check_after(learning.policy.settle.recheck, learning);
    folio.order.fence += 1;
    folio.order.last_batch = None;
    Ok(())
}

fn impossible(folio: &Folio, what: &'static str) -> LedgerError {
    LedgerError::Impossible {
        workflow_id: folio.order.row.workflow_id.clone(),
        what,
    }
}
