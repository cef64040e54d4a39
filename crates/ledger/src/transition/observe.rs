//! The one door: a failed run is recorded, and its order becomes what the failure means.

use jiff::Timestamp;
use redrive_core::ids::RunId;
use redrive_core::observe::{Close, Meaning, observe as meaning_of};
use redrive_core::policy::Policy;
use redrive_core::report::VerdictKind;
use redrive_core::states::{Event, State};

use crate::edit::{DeadLetterEdit, Requests};
use crate::folio::{Folio, Learning};
use crate::record::{OrderRecord, Seen, after};
use crate::{AttemptOutcome, Failure, LedgerError, OrderPk, OrderRow};

/// The folio of an order that was not known before, with its first failure.
pub(crate) fn first(pk: OrderPk, failure: &Failure, seen: Seen, learning: &Learning<'_>) -> Folio {
    let row = OrderRow {
        pk,
        workflow_id: failure.workflow_id.clone(),
        order_id: failure.order_id.clone(),
        customer_id: failure.customer_id.clone(),
        workflow_type: failure.workflow_type.clone(),
        state: State::Failed,
        generation: 1,
        retry_count: 0,
        item_errors: 0,
        failed_run: seen.row.run_id.clone(),
        failed_at: seen.row.closed_at,
        failure_status: seen.row.failure_status.clone(),
        fingerprint: seen.row.fingerprint.clone(),
        failure_reason: seen.row.reason.clone(),
        has_parent: seen.has_parent,
        eligible: eligible(learning.policy, &seen.row.failure_status, seen.has_parent),
        manual: false,
        due_at: seen.row.closed_at.min(learning.now()),
        followed_run: None,
        next_check_at: Some(after(learning.now(), learning.policy.settle.recheck)),
        closed_at: None,
        resolution: None,
        created_at: learning.now(),
    };
    let record = OrderRecord {
        row,
        last_batch: None,
        claim: None,
        fence: 0,
        followed_since: None,
        checks: 0,
    };
    let mut folio = Folio::stored(record, Vec::new());
    folio.new = true;
    folio.failures.push((seen, false));
    folio
}

/// What a failure brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Whether an attempt is known to have failed again.
    pub failed_again: bool,
    /// Whether its meaning still waits.
    pub pending: bool,
}

/// Records `seen`, a failure of a known order, and lets it take effect.
pub(crate) fn observe(
    folio: &mut Folio,
    seen: Seen,
    learning: &Learning<'_>,
) -> Result<Taken, LedgerError> {
    let claimed = folio.state() == State::Claimed;
    if !claimed && folio.is_counted() && unknown_intent(folio, &seen).is_some() {
        folio.failures.push((seen, true));
        return Ok(Taken {
            failed_again: false,
            pending: true,
        });
    }
    let recognised = !claimed && recognise(folio, &seen, learning);
    let close = Close {
        run_id: seen.row.run_id.clone(),
        first_run_id: seen.row.first_run_id.clone(),
        closed_at: seen.row.closed_at,
    };
    let meaning = meaning_of(Some(&folio.known()), &close);
    let mut failed_again = recognised;
    match meaning {
        Meaning::FailedAgain => {
            failed_again |= folio.end_attempt(AttemptOutcome::FailedAgain, None, learning);
            fail(folio, &seen, learning)?;
        }
        Meaning::Newer => newer(folio, &seen, recognised, learning)?,
        Meaning::NewGeneration => new_generation(folio, &seen, learning)?,
        Meaning::Later if folio.state() == State::InFlight => {
            folio.order.row.next_check_at = Some(learning.now());
            folio.changed = true;
        }
        Meaning::First | Meaning::History | Meaning::Later => {}
    }
    let pending = meaning == Meaning::Later;
    folio.failures.push((seen, pending));
    Ok(Taken {
        failed_again,
        pending,
    })
}

/// Records a failure that somebody reports. A batch has to count what an attempt of ours may explain, so that waits for one.
pub(crate) fn report(
    folio: &mut Folio,
    seen: Seen,
    learning: &Learning<'_>,
) -> Result<(), LedgerError> {
    let followed = folio.state() == State::InFlight;
    let ours =
        folio.state() == State::Claimed || followed || unknown_intent(folio, &seen).is_some();
    if !ours {
        return observe(folio, seen, learning).map(drop);
    }
    if followed {
        folio.order.row.next_check_at = Some(learning.now());
        folio.changed = true;
    }
    folio.failures.push((seen, true));
    Ok(())
}

/// If our memo on the failed run names an attempt whose run is not known, that run is the attempt's: the restart counts.
/// Returns whether it is so.
pub(crate) fn recognise(folio: &mut Folio, seen: &Seen, learning: &Learning<'_>) -> bool {
    let Some(at) = unknown_intent(folio, seen) else {
        return false;
    };
    let end = Some(AttemptOutcome::FailedAgain);
    credit(folio, at, &seen.row.first_run_id, end, learning);
    true
}

/// The attempt at that place has started `run`, which has ended so, or goes on: the restart counts.
pub(crate) fn credit(
    folio: &mut Folio,
    at: usize,
    run: &RunId,
    end: Option<AttemptOutcome>,
    learning: &Learning<'_>,
) {
    let record = &mut folio.attempts[at];
    record.start(run, learning);
    match end {
        Some(end) => record.end(end, None, learning),
        None => record.reopen(),
    }
    if record.attempt.generation == folio.order.row.generation {
        folio.order.row.retry_count += 1;
    }
    folio.order.row.item_errors = 0;
    folio.say(VerdictKind::Restarted, None, learning);
}

/// The attempt that our memo on the failed run names, if its run is not known: its place among the attempts.
pub(crate) fn unknown_intent(folio: &Folio, seen: &Seen) -> Option<usize> {
    unnamed(folio, seen.from_run.as_ref()?, &seen.row.first_run_id)
}

/// The attempt that may have started `run` from `from`, if none is known to have: its place among the attempts.
pub(crate) fn unnamed(folio: &Folio, from: &RunId, run: &RunId) -> Option<usize> {
    let mut attempts = folio.attempts.iter().map(|record| &record.attempt);
    if attempts.any(|attempt| attempt.run.as_ref() == Some(run)) {
        return None;
    }
    let started = folio.has_started(from);
    // The newest such intent: an older one was given up before it. A second start needs an operator's wish.
    folio.attempts.iter().rposition(|record| {
        let attempt = &record.attempt;
        attempt.from_run == *from && attempt.run.is_none() && (attempt.manual || !started)
    })
}

/// The order's run failed: it waits for its next turn, as long as its budget says.
pub(crate) fn fail(
    folio: &mut Folio,
    seen: &Seen,
    learning: &Learning<'_>,
) -> Result<(), LedgerError> {
    folio.go(Event::FoundFailed)?;
    move_failed_run(folio, seen, learning);
    folio.order.row.manual = false;
    folio.order.row.due_at = next_due(folio, learning);
    Ok(())
}

/// A later run of a waiting order failed: that is the failed run now. A restart of ours waits as any.
pub(crate) fn newer(
    folio: &mut Folio,
    seen: &Seen,
    ours: bool,
    learning: &Learning<'_>,
) -> Result<(), LedgerError> {
    let to = folio.go(Event::FoundFailed)?;
    move_failed_run(folio, seen, learning);
    if to == State::DeadLettered {
        folio.dead_letter = Some(DeadLetterEdit::Follow { at: learning.now() });
    }
    if ours {
        folio.order.row.manual = false;
        folio.order.row.due_at = next_due(folio, learning);
    }
    Ok(())
}

fn new_generation(
    folio: &mut Folio,
    seen: &Seen,
    learning: &Learning<'_>,
) -> Result<(), LedgerError> {
    folio.go(Event::FoundFailed)?;
    move_failed_run(folio, seen, learning);
    let row = &mut folio.order.row;
    row.generation += 1;
    row.retry_count = 0;
    row.manual = false;
    row.due_at = row.failed_at.min(learning.now());
    Ok(())
}

fn move_failed_run(folio: &mut Folio, seen: &Seen, learning: &Learning<'_>) {
    let row = &mut folio.order.row;
    row.failed_run = seen.row.run_id.clone();
    row.failed_at = seen.row.closed_at;
    row.failure_status = seen.row.failure_status.clone();
    row.fingerprint = seen.row.fingerprint.clone();
    row.failure_reason = seen.row.reason.clone();
    row.has_parent = seen.has_parent;
    row.eligible = eligible(learning.policy, &row.failure_status, row.has_parent);
    row.item_errors = 0;
    folio.requests = Requests::KeepFailedRun;
    folio.check_after(learning.policy.settle.recheck, learning);
}

/// When the order is due after another failure: its backoff counts from when the run closed, not from when that was
/// seen. One whose budget is spent is due at once: the batch that finds it dead-letters it.
fn next_due(folio: &Folio, learning: &Learning<'_>) -> Timestamp {
    let row = &folio.order.row;
    let failed_at = row.failed_at.min(learning.now());
    if row.retry_count >= learning.policy.max_retries(&row.failure_status) {
        return failed_at;
    }
    let jitter = learning.moment.jitter(row.workflow_id.as_str());
    after(
        failed_at,
        learning
            .policy
            .backoff(&row.failure_status)
            .delay(row.retry_count, jitter),
    )
}

/// Whether the policy lets an order be reprocessed.
pub(crate) fn eligible(policy: &Policy, failure_status: &str, has_parent: bool) -> bool {
    policy.reprocess(failure_status) && (!has_parent || policy.restart_children)
}
