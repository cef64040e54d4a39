//! `redrive run --dry-run`: what a batch would do with each order.

use std::process::ExitCode;

use redrive_engine::ops::VERDICTS;
use redrive_web::views::{Rehearsal, Rehearse};

use super::progress::Bar;
use super::{INTERRUPTED, code, orders, result, verdict, warn};
use crate::backend::Backend;
use crate::cli::Session;
use crate::cli::halt::warn_of;
use crate::cli::signals::StopSignals;
use crate::printer::{Format, Paint, Printer};

/// So many verdicts are shown as text; more are for programs.
const SHOWN: usize = 100;

/// Rehearses a batch and prints its verdicts, or what would become of each order that is named.
pub(super) async fn run(
    backend: &Backend<Session>,
    asked: Rehearse,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let bar = Bar::new("rehearsing on a copy of the ledger", printer);
    let alone = !asked.orders.is_empty();
    let rehearsal = tokio::select! {
        rehearsal = backend.rehearse(asked) => rehearsal?,
        () = signals.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    drop(bar);
    warn(&rehearsal.warnings, printer);
    if alone {
        printer.data(&rehearsal, |told, paint| {
            orders::text(&told.orders, &told.result, paint)
        })?;
        warn_of_cut(&rehearsal, printer);
        printer.say("This was a rehearsal: nothing was started or changed.");
        return Ok(code(&rehearsal.result));
    }
    printer.data(&rehearsal, text)?;
    if rehearsal.verdicts.len() > SHOWN && printer.format() == Format::Text {
        printer.hint(format_args!(
            "these are the first {SHOWN} of {} orders; `-o json` has the first {VERDICTS}.",
            rehearsal.result.found_count
        ));
    }
    warn_of(rehearsal.halted.as_ref(), printer);
    warn_of_deadline(&rehearsal, printer);
    warn_of_cut(&rehearsal, printer);
    Ok(code(&rehearsal.result))
}

fn text(told: &Rehearsal, paint: Paint) -> String {
    let shown = &told.verdicts[..told.verdicts.len().min(SHOWN)];
    let mut lines = Vec::new();
    if shown.is_empty() {
        let none = if told.cut_short {
            "No order was looked at in time."
        } else {
            "A batch would find no order to handle now."
        };
        lines.push(none.to_owned());
    } else {
        lines.push(verdict::listing(shown, paint));
        lines.push(String::new());
        lines.push(result::numbers(&told.result));
    }
    lines.push(result::earlier(&told.result));
    if told.result.truncated && !told.cut_short {
        lines.push(paint.yellow(
            "It would end early, with work left, since every start is halted: the next batch goes on.",
        ));
    }
    lines.push(paint.dim("This was a rehearsal: nothing was started or changed."));
    lines.join("\n")
}

/// A rehearsal does not wait for the start rate; a batch does, and gives back what its deadline leaves.
fn warn_of_deadline(told: &Rehearsal, printer: &Printer) {
    let (rate, most) = (told.starts_per_second, told.starts_before_deadline);
    if told.result.restarted_count > most {
        printer.warn(format_args!(
            "at {rate} starts a second a batch makes about {most} restarts before its deadline; the next ones do the rest."
        ));
    }
}

fn warn_of_cut(told: &Rehearsal, printer: &Printer) {
    if told.cut_short {
        printer.warn(
            "there was no time to look at everything: a batch may find more than is told here. On the ledger itself, without --server, a dry run has as long as a batch.",
        );
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use redrive_core::report::{ReprocessingResult, VerdictKind};
    use redrive_ledger::BatchVerdict;

    use super::*;

    fn rehearsal(result: ReprocessingResult, verdicts: Vec<BatchVerdict>) -> Rehearsal {
        Rehearsal {
            result,
            verdicts,
            orders: Vec::new(),
            cut_short: false,
            starts_per_second: 20.0,
            starts_before_deadline: 14_400,
            halted: None,
            warnings: Vec::new(),
        }
    }

    fn one(
        order: &str,
        verdict: VerdictKind,
        reason: Option<&str>,
        attempt: Option<u32>,
    ) -> BatchVerdict {
        BatchVerdict {
            pk: 1,
            at: Timestamp::UNIX_EPOCH,
            order_id: order.to_owned(),
            workflow_id: order.into(),
            verdict,
            reason: reason.map(str::to_owned),
            attempt,
            failure_status: "shipping_failed".to_owned(),
        }
    }

    #[test]
    fn verdicts_come_first_and_the_numbers_after() {
        let result = ReprocessingResult {
            found_count: 3,
            restarted_count: 1,
            dlq_count: 1,
            skipped_count: 1,
            ..Default::default()
        };
        let verdicts = vec![
            one("A-1", VerdictKind::Restarted, None, Some(2)),
            one("A-2", VerdictKind::Dlq, Some("budget_spent"), None),
            one("A-3", VerdictKind::Skipped, Some("already_running"), None),
        ];
        let answer = rehearsal(result, verdicts);
        insta::assert_snapshot!(text(&answer, Paint::PLAIN), @r"
        order  verdict        why               status
        A-1    restarted      attempt 2         shipping_failed
        A-2    dead-lettered  restarts used up  shipping_failed
        A-3    skipped        already running   shipping_failed

        found  restarted  dead-lettered  errors  skipped
        3      1          1              0       1
        Of earlier restarts 0 orders recovered and 0 failed again. 0 orders still wait for a restart.
        This was a rehearsal: nothing was started or changed.
        ");
    }

    #[test]
    fn a_dry_run_that_had_no_time_does_not_say_that_there_is_nothing() {
        let mut answer = rehearsal(ReprocessingResult::default(), Vec::new());
        answer.result.truncated = true;
        answer.cut_short = true;
        insta::assert_snapshot!(text(&answer, Paint::PLAIN), @r"
        No order was looked at in time.
        Of earlier restarts 0 orders recovered and 0 failed again. 0 orders still wait for a restart.
        This was a rehearsal: nothing was started or changed.
        ");
    }

    #[test]
    fn only_the_first_hundred_are_shown_as_text() {
        let verdicts: Vec<_> = (0..150)
            .map(|n| one(&format!("A-{n}"), VerdictKind::Restarted, None, Some(1)))
            .collect();
        let answer = rehearsal(ReprocessingResult::default(), verdicts);
        let shown = text(&answer, Paint::PLAIN);
        assert_eq!(shown.matches("attempt 1").count(), SHOWN);
        assert_eq!(
            serde_json::to_value(&answer).unwrap()["verdicts"]
                .as_array()
                .unwrap()
                .len(),
            150
        );
    }
}
