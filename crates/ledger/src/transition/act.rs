//! What operators do to orders: hold, release, reset.

use jiff::Timestamp;
use redrive_core::policy::Policy;
use redrive_core::states::{Event, State, next};

use crate::edit::DeadLetterEdit;
use crate::folio::Folio;
use crate::record::{after, micros};
use crate::{Act, LedgerError, NewAuditEvent, Resolution};

/// Does it. Returns whether the order's state allows it.
pub(crate) fn act(
    folio: &mut Folio,
    act: Act,
    by: &NewAuditEvent,
    policy: &Policy,
    now: Timestamp,
) -> Result<bool, LedgerError> {
    let event = match act {
        Act::Hold => Event::Hold,
        Act::Release => Event::Unhold,
        Act::Reset => Event::Reset,
    };
    let was = folio.state();
    if next(was, event).is_none() {
        return Ok(false);
    }
    folio.go(event)?;
    if act == Act::Reset {
        reset(folio, policy, now);
        if was == State::DeadLettered {
            folio.dead_letter = Some(DeadLetterEdit::Close {
                resolution: Resolution::ManualRetry,
                by: by.actor.clone(),
                notes: by.reason.clone(),
                at: micros(now),
            });
        }
    }
    Ok(true)
}

/// A fresh budget, due at once.
fn reset(folio: &mut Folio, policy: &Policy, now: Timestamp) {
    let row = &mut folio.order.row;
    row.generation += 1;
    row.retry_count = 0;
    row.item_errors = 0;
    row.due_at = micros(now);
    row.next_check_at = Some(after(now, policy.settle.recheck));
    folio.order.last_batch = None;
}
