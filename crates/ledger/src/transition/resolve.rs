//! What operators decide about an order in the dead letter queue, and putting one there.

use jiff::Timestamp;
use redrive_core::decide::DeadLetterReason;
use redrive_core::policy::Policy;
use redrive_core::states::{Event, State};

use crate::edit::{DeadLetterEdit, Requests};
use crate::folio::Folio;
use crate::record::{after, micros};
use crate::{DeadLetter, LedgerError, NewAuditEvent, Park, Resolution, Resolve};

/// Whether a decision takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decided {
    /// It does.
    Done,
    /// Somebody was first.
    Already,
    /// The order has never been in the queue.
    Never,
}

/// Carries out `resolve`; `entry` is the order's latest dead letter, and `may_reopen` whether a retry takes up an order that is
/// closed.
pub(crate) fn resolve(
    folio: &mut Folio,
    entry: Option<&DeadLetter>,
    resolve: &Resolve,
    may_reopen: bool,
    policy: &Policy,
    now: Timestamp,
) -> Result<Decided, LedgerError> {
    let Some(entry) = entry else {
        return Ok(Decided::Never);
    };
    let waits = entry.resolved_at.is_none();
    let reopens = may_reopen && matches!(folio.state(), State::Stopped | State::Resolved);
    match resolve.resolution {
        Resolution::ManualRetry if waits || reopens => manual_retry(folio, policy, now)?,
        Resolution::Cancelled | Resolution::Escalated if waits => {
            close(folio, resolve.resolution, now)?
        }
        Resolution::ManualRetry | Resolution::Cancelled | Resolution::Escalated => {
            return Ok(Decided::Already);
        }
        Resolution::RecoveredElsewhere | Resolution::Stopped => {
            let workflow_id = resolve.workflow_id.clone();
            return Err(LedgerError::Impossible {
                workflow_id,
                what: "an operator's decision that is none",
            });
        }
    }
    if waits {
        let NewAuditEvent { actor, reason } = resolve.by.clone();
        let (resolution, at) = (resolve.resolution, micros(now));
        folio.dead_letter = Some(DeadLetterEdit::Close {
            resolution,
            by: actor,
            notes: reason,
            at,
        });
    }
    Ok(Decided::Done)
}

/// A fresh budget, first in line, due at once.
fn manual_retry(folio: &mut Folio, policy: &Policy, now: Timestamp) -> Result<(), LedgerError> {
    folio.go(Event::ManualRetry)?;
    let row = &mut folio.order.row;
    row.generation += 1;
    row.retry_count = 0;
    row.item_errors = 0;
    row.manual = true;
    row.due_at = micros(now);
    row.next_check_at = Some(after(now, policy.settle.recheck));
    folio.order.last_batch = None;
    Ok(())
}

fn close(folio: &mut Folio, resolution: Resolution, now: Timestamp) -> Result<(), LedgerError> {
    folio.go(Event::Resolve)?;
    folio.order.row.closed_at = Some(micros(now));
    folio.order.row.resolution = Some(resolution.as_str().into());
    folio.requests = Requests::Drop;
    Ok(())
}

/// Puts a waiting or held order into the queue. Returns whether its state allows it.
pub(crate) fn park(folio: &mut Folio, park: &Park, now: Timestamp) -> Result<bool, LedgerError> {
    if !matches!(folio.state(), State::Failed | State::Held) {
        return Ok(false);
    }
    folio.go(Event::DeadLetter)?;
    folio.order.row.manual = false;
    folio.dead_letter = Some(DeadLetterEdit::Open {
        reason: DeadLetterReason::Parked,
        batch: None,
        level: park.escalation_level,
        failure: park.failure.clone(),
        at: micros(now),
    });
    Ok(true)
}
