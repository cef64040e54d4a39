//! What a batch said of orders, in words: a table of verdicts, and why an order got none.

use jiff::Timestamp;
use redrive_core::policy::Policy;
use redrive_core::report::VerdictKind;
use redrive_core::states::State;
use redrive_ledger::{BatchVerdict, OrderRow};

use crate::cli::when;
use crate::printer::{Paint, table};

/// The verdicts as a table.
pub(super) fn listing(verdicts: &[BatchVerdict], paint: Paint) -> String {
    let mut table = table(["order", "verdict", "why", "status"]);
    for one in verdicts {
        table.add_row([
            paint.bold(&one.order_id),
            kind(one.verdict, paint),
            one.why(),
            one.failure_status.clone(),
        ]);
    }
    table.trim_fmt()
}

/// The verdict in the words of the result's table.
pub(in crate::cli) fn kind(verdict: VerdictKind, paint: Paint) -> String {
    match verdict {
        VerdictKind::Restarted => paint.green(verdict.in_words()),
        VerdictKind::Dlq => paint.yellow(verdict.in_words()),
        VerdictKind::Error => paint.red(verdict.in_words()),
        VerdictKind::Skipped => verdict.in_words().to_owned(),
    }
}

/// Why a batch had no verdict for an order, and what to do.
pub(super) fn no_verdict(
    order: &OrderRow,
    policy: &Policy,
    halted: bool,
    now: Timestamp,
) -> String {
    let id = &order.order_id;
    match order.state {
        State::Failed => waits(order, policy, halted, now),
        State::Claimed => "another batch has taken it up, and finishes it.".to_owned(),
        State::InFlight => "a run of it goes on, as far as is known; the next batch learns how it ends.".to_owned(),
        State::Held => "an operator holds it back: it waits until it is released.".to_owned(),
        State::DeadLettered => format!("it is in the dead letter queue: `redrive dlq retry {id}` starts it again."),
        State::Recovered => "it has recovered: a run of it completed.".to_owned(),
        State::Resolved => format!("it is resolved: `redrive orders show {id}` tells how."),
        State::Stopped => "a person stopped its latest run, so it is not restarted by itself: start it by hand if it is \
                           wanted."
            .to_owned(),
    }
}

fn waits(order: &OrderRow, policy: &Policy, halted: bool, now: Timestamp) -> String {
    let (id, status) = (&order.order_id, &order.failure_status);
    if order.has_parent && !policy.restart_children && !order.manual {
        "it has a parent workflow, which answers for it: policy.restart_children restarts such orders.".to_owned()
    } else if !policy.reprocess(status) && !order.manual {
        format!(
            "the policy leaves {status} alone: `redrive run --status {status}` restarts orders of that status, or set \
             policy.statuses.{status}.reprocess."
        )
    } else if order.due_at > now {
        format!(
            "it is not due before {}: batches restart it then, and so does `redrive run --order {id}`.",
            when::local(order.due_at)
        )
    } else if halted {
        "every start is halted: `redrive unhalt` lets starts happen again.".to_owned()
    } else {
        "it was not handled: the next batch does it.".to_owned()
    }
}
