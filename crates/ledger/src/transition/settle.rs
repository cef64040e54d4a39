//! Settling: an open order becomes what the server says of it.

use jiff::Timestamp;
use redrive_core::decide::{DeadLetterReason, Elsewhere, elsewhere};
use redrive_core::states::{Event, State};

use crate::folio::{Folio, Learning};
use crate::record::Seen;
use crate::transition::observe::{credit, fail, newer, recognise, unknown_intent, unnamed};
use crate::{AttemptOutcome, Check, Checked, Latest, LedgerError};

/// Applies a description, unless the order has moved on since it was asked for. Returns how many attempts ended.
pub(crate) fn settle(
    folio: &mut Folio,
    checked: &Checked,
    seen: Option<Seen>,
    learning: &Learning<'_>,
) -> Result<u64, LedgerError> {
    if !is_current(folio, &checked.check) {
        return Ok(0);
    }
    if folio.is_counted() && counts(folio, checked, seen.as_ref()) {
        folio.order.row.next_check_at = Some(learning.now());
        folio.changed = true;
        return Ok(0);
    }
    let recognised = name(folio, checked, learning)
        | seen
            .as_ref()
            .is_some_and(|seen| recognise(folio, seen, learning));
    let ended = match &checked.latest {
        None => gone(folio, learning)?,
        Some(latest) if folio.state() == State::InFlight => {
            in_flight(folio, latest, checked, seen.as_ref(), learning)?
        }
        Some(latest) => waiting(folio, latest, seen.as_ref(), recognised, learning)?,
    };
    folio.failures.extend(seen.map(|seen| (seen, false)));
    Ok(u64::from(ended) + u64::from(recognised))
}

/// Whether the answer makes the batch count the order: as dead-lettered, or as restarted.
fn counts(folio: &Folio, checked: &Checked, seen: Option<&Seen>) -> bool {
    let row = &folio.order.row;
    let followed = folio
        .attempts
        .iter()
        .any(|record| record.attempt.outcome.is_none());
    let buries = match &checked.latest {
        None => row.state != State::DeadLettered,
        Some(latest) => row.state == State::InFlight && followed && latest.run_id == row.failed_run,
    };
    buries
        || started_after_all(folio, checked).is_some()
        || seen.is_some_and(|seen| unknown_intent(folio, seen).is_some())
}

/// The attempt that was given up and has started a run after all. While that run goes on, only a waiting order follows it;
/// any other is told of it when it has ended.
fn started_after_all(folio: &Folio, checked: &Checked) -> Option<usize> {
    let ours = checked.ours.as_ref()?;
    if goes_on(checked) && folio.state() != State::Failed {
        return None;
    }
    unnamed(folio, &folio.order.row.failed_run, &ours.run)
}

/// Whether the run of ours that was found is the latest, and has not ended.
fn goes_on(checked: &Checked) -> bool {
    let latest = checked.latest.as_ref();
    latest
        .zip(checked.ours.as_ref())
        .is_some_and(|(latest, ours)| {
            latest.first_run_id == ours.run && elsewhere(latest.status) == Elsewhere::Running
        })
}

/// Gives a run that was started after all to its attempt. Returns whether there was one.
fn name(folio: &mut Folio, checked: &Checked, learning: &Learning<'_>) -> bool {
    let Some((at, ours)) = started_after_all(folio, checked).zip(checked.ours.as_ref()) else {
        return false;
    };
    let end = (!goes_on(checked)).then_some(ours.end);
    credit(folio, at, &ours.run, end, learning);
    true
}

fn is_current(folio: &Folio, check: &Check) -> bool {
    let row = &folio.order.row;
    row.state == check.state
        && row.state != State::Claimed
        && row.state.is_open()
        && row.failed_run == check.failed_run
        && row.followed_run == check.followed_run
}

/// Nobody can tell any more how it ended. A run that was followed is what an operator's retry follows from then on: its
/// failed run has been restarted, and is not restarted twice.
fn gone(folio: &mut Folio, learning: &Learning<'_>) -> Result<bool, LedgerError> {
    let ended = folio.end_attempt(AttemptOutcome::Unknown, None, learning);
    if let Some(followed) = folio.order.row.followed_run.clone() {
        folio.order.row.failed_run = followed;
    }
    folio.bury(Event::FoundGone, DeadLetterReason::OutcomeUnknown, learning)?;
    Ok(ended)
}

fn in_flight(
    folio: &mut Folio,
    latest: &Latest,
    checked: &Checked,
    seen: Option<&Seen>,
    learning: &Learning<'_>,
) -> Result<bool, LedgerError> {
    let followed = folio.order.row.followed_run.as_ref() == Some(&latest.first_run_id);
    let end = |of_followed| {
        if followed {
            of_followed
        } else {
            checked.attempt.unwrap_or(AttemptOutcome::Unknown)
        }
    };
    let closed_at = closed_at(latest, learning);
    match elsewhere(latest.status) {
        Elsewhere::Running if followed => {
            look_later(folio, learning);
            Ok(false)
        }
        Elsewhere::Running => {
            let ended = folio.end_attempt(end(AttemptOutcome::Unknown), None, learning);
            folio.follow(
                Event::FoundRunning,
                &latest.first_run_id,
                latest.started_at,
                learning,
            )?;
            Ok(ended)
        }
        Elsewhere::Completed => {
            let ended = folio.end_attempt(end(AttemptOutcome::Recovered), None, learning);
            folio.close(Event::FoundCompleted, closed_at, learning)?;
            Ok(ended)
        }
        Elsewhere::Stopped => {
            let ended = folio.end_attempt(end(AttemptOutcome::Stopped), None, learning);
            folio.stop(&latest.run_id, closed_at, learning)?;
            Ok(ended)
        }
        Elsewhere::Failed => match seen {
            Some(seen) => {
                let ended = folio.end_attempt(end(AttemptOutcome::FailedAgain), None, learning);
                fail(folio, seen, learning)?;
                Ok(ended)
            }
            None => vanished(folio, latest, learning),
        },
    }
}

/// The failed run is the latest again: what came after it was deleted. A restart of ours from it is never made twice.
fn vanished(
    folio: &mut Folio,
    latest: &Latest,
    learning: &Learning<'_>,
) -> Result<bool, LedgerError> {
    if latest.run_id != folio.order.row.failed_run {
        look_later(folio, learning);
        return Ok(false);
    }
    if folio.open_attempt().is_some() {
        return gone(folio, learning);
    }
    folio.go(Event::FoundFailed)?;
    folio.order.row.due_at = folio.order.row.failed_at.min(learning.now());
    folio.check_after(learning.policy.settle.recheck, learning);
    Ok(false)
}

/// The followed chain goes on: it is described again, each time after a longer while.
fn look_later(folio: &mut Folio, learning: &Learning<'_>) {
    let settle = &learning.policy.settle;
    let doubled = settle
        .first_check
        .saturating_mul(1 << folio.order.checks.min(30));
    folio.check_after(doubled.min(settle.longest_check), learning);
    folio.order.checks = folio.order.checks.saturating_add(1);
}

fn waiting(
    folio: &mut Folio,
    latest: &Latest,
    seen: Option<&Seen>,
    recognised: bool,
    learning: &Learning<'_>,
) -> Result<bool, LedgerError> {
    let settle = &learning.policy.settle;
    if latest.run_id == folio.order.row.failed_run {
        folio.check_after(settle.recheck, learning);
        return Ok(false);
    }
    match (elsewhere(latest.status), seen) {
        (Elsewhere::Running, _) if folio.state() == State::Failed => {
            folio.follow(
                Event::FoundRunning,
                &latest.first_run_id,
                latest.started_at,
                learning,
            )?;
        }
        (Elsewhere::Running, _) => {
            folio.check_after(settle.longest_check.min(settle.recheck), learning)
        }
        (Elsewhere::Completed, _) => {
            folio.close(Event::FoundCompleted, closed_at(latest, learning), learning)?
        }
        (Elsewhere::Stopped, _) => {
            folio.stop(&latest.run_id, closed_at(latest, learning), learning)?
        }
        (Elsewhere::Failed, Some(seen)) => newer(folio, seen, recognised, learning)?,
        (Elsewhere::Failed, None) => folio.check_after(settle.recheck, learning),
    }
    Ok(false)
}

fn closed_at(latest: &Latest, learning: &Learning<'_>) -> Timestamp {
    latest.closed_at.unwrap_or_else(|| learning.now())
}
