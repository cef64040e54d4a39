//! What a batch said of orders, as a table.

use redrive_core::report::VerdictKind;
use redrive_ledger::BatchVerdict;

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
