//! `redrive run --dry-run`: what a batch would do with each order.

use std::process::ExitCode;

use redrive_core::report::ReprocessingResult;
use redrive_engine::ops::{Ops, Rehearsed, RunRequest, VERDICTS};
use redrive_engine::{Clock, SystemClock};
use redrive_flows::{Deadline, options};
use redrive_ledger::BatchVerdict;
use serde::Serialize;

use super::progress::Bar;
use super::{INTERRUPTED, code, result, verdict};
use crate::cli::halt::warn_if_halted;
use crate::cli::signals::StopSignals;
use crate::printer::{Format, Paint, Printer};

/// So many verdicts are shown as text; more are for programs.
const SHOWN: usize = 100;

/// What would be done, as data.
#[derive(Serialize)]
struct Answer<'a> {
    result: &'a ReprocessingResult,
    verdicts: &'a [BatchVerdict],
}

/// Rehearses a batch and prints its verdicts.
pub(super) async fn run(
    ops: &Ops,
    request: &RunRequest,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let bar = Bar::new("rehearsing on a copy of the ledger", printer);
    let rehearsed = tokio::select! {
        rehearsed = ops.rehearse(request) => rehearsed?,
        () = signals.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    drop(bar);
    let Rehearsed { result, verdicts } = &rehearsed;
    printer.data(&Answer { result, verdicts }, |answer, paint| {
        text(answer, paint)
    })?;
    if verdicts.len() > SHOWN && printer.format() == Format::Text {
        printer.hint(format_args!(
            "these are the first {SHOWN} of {} orders; `-o json` has the first {VERDICTS}.",
            result.found_count
        ));
    }
    warn_if_halted(&ops.records, printer).await?;
    warn_of_deadline(ops, result, printer);
    Ok(code(result))
}

fn text(answer: &Answer<'_>, paint: Paint) -> String {
    let shown = &answer.verdicts[..answer.verdicts.len().min(SHOWN)];
    let mut lines = Vec::new();
    if shown.is_empty() {
        lines.push("A batch would find no order to handle now.".to_owned());
    } else {
        lines.push(verdict::listing(shown, paint));
        lines.push(String::new());
        lines.push(result::numbers(answer.result));
    }
    lines.push(result::earlier(answer.result));
    if answer.result.truncated {
        lines.push(paint.yellow(
            "It would end early, with work left (deadline or halt): the next batch goes on.",
        ));
    }
    lines.push(paint.dim("This was a rehearsal: nothing was started or changed."));
    lines.join("\n")
}

/// A rehearsal does not wait for the start rate; a batch does, and gives back what its deadline leaves.
fn warn_of_deadline(ops: &Ops, result: &ReprocessingResult, printer: &Printer) {
    let rate = ops.engine.policy.starts_per_second;
    let now = SystemClock.now();
    let deadline = Deadline::of(
        now,
        options::EXECUTION_TIMEOUT,
        ops.engine.settings.interval,
    );
    let most = rate * deadline.stops_at.duration_since(now).as_secs_f64();
    if result.restarted_count as f64 > most {
        printer.warn(format_args!(
            "at {rate} starts a second a batch makes about {most:.0} restarts before its deadline; the next ones do the \
             rest."
        ));
    }
}

#[cfg(test)]
mod tests {
    use redrive_core::report::VerdictKind;

    use jiff::Timestamp;

    use super::*;

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
        let verdicts = [
            one("A-1", VerdictKind::Restarted, None, Some(2)),
            one("A-2", VerdictKind::Dlq, Some("budget_spent"), None),
            one("A-3", VerdictKind::Skipped, Some("already_running"), None),
        ];
        let answer = Answer {
            result: &result,
            verdicts: &verdicts,
        };
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
    fn only_the_first_hundred_are_shown_as_text() {
        let verdicts: Vec<_> = (0..150)
            .map(|n| one(&format!("A-{n}"), VerdictKind::Restarted, None, Some(1)))
            .collect();
        let answer = Answer {
            result: &ReprocessingResult::default(),
            verdicts: &verdicts,
        };
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
