//! The report as text, for a person.

use comfy_table::{CellAlignment, Table};
use redrive_core::decide::DeadLetterReason;

use super::outcome::total;
use super::report::{Batch, Letter, Report};
use crate::printer::{Paint, table};

/// Dead letters shown before the rest is only counted.
const LETTERS_SHOWN: usize = 20;
/// Findings and surprises shown before the rest is only counted.
const WRONGS_SHOWN: usize = 20;

/// The whole report.
pub(super) fn text(report: &Report, paint: Paint) -> String {
    [
        section("What became of the orders", classes(report), paint),
        section("The batches", batches(report), paint),
        section(&letters_title(report), letters(&report.dead_letters), paint),
        verdict(report, paint),
    ]
    .concat()
}

fn section(title: &str, body: String, paint: Paint) -> String {
    format!("\n{}\n\n{body}\n", paint.bold(title))
}

fn classes(report: &Report) -> String {
    let mut table = table([
        "class",
        "orders",
        "at once",
        "recovered",
        "dead letters",
        "restarts",
        "what its orders are in for",
    ]);
    for row in report.classes.iter().chain([&total(&report.classes)]) {
        let counts = [
            row.planned,
            row.completed_at_once,
            row.recovered,
            row.dead_lettered,
            row.attempts,
        ];
        let mut cells = vec![row.class.replace('_', " ")];
        cells.extend(counts.map(|count| count.to_string()));
        cells.push(row.meaning.to_owned());
        table.add_row(cells);
    }
    align_right(&mut table, 1..=5);
    let note =
        "\nAt once: completed without Redrive. Restarts: all attempts of these orders together.";
    table.trim_fmt() + "\n" + note
}

fn batches(report: &Report) -> String {
    let mut table = table([
        "batch",
        "found",
        "restarted",
        "dead letters",
        "errors",
        "skipped",
        "recovered",
        "failed again",
        "seconds",
    ]);
    for (number, batch) in report.batches.iter().enumerate() {
        let result = &batch.result;
        let counts = [
            number as u64 + 1,
            result.found_count,
            result.restarted_count,
            result.dlq_count,
            result.error_count,
            result.skipped_count,
            result.recovered_count,
            result.failed_again_count,
        ];
        let mut cells = counts.map(|count| count.to_string()).to_vec();
        cells.push(format!("{:.1}", batch.seconds));
        table.add_row(cells);
    }
    align_right(&mut table, 0..=8);
    let notes = batch_notes(report);
    format!("{}\n\n{notes}", table.trim_fmt())
}

fn batch_notes(report: &Report) -> String {
    let mut notes = vec![
        "Found: orders it decided about. Recovered, failed again: restarts of earlier batches that it saw end.".to_owned(),
    ];
    if let Some(number) = report.outage_ended_after {
        notes.push(format!(
            "The carrier was down until the restarts of batch {number} had failed on it too."
        ));
    }
    for (number, batch) in report.batches.iter().enumerate() {
        notes.extend(alerts(number + 1, batch));
    }
    notes.join("\n")
}

fn alerts(number: usize, batch: &Batch) -> impl Iterator<Item = String> {
    batch
        .alerts
        .iter()
        .map(move |alert| format!("Alert of batch {number}: {alert}"))
}

fn letters_title(report: &Report) -> String {
    match report.dead_letters.len() {
        0 => "Dead letters".to_owned(),
        1 => "The dead letter: it waits for a person".to_owned(),
        count => format!("The {count} dead letters: they wait for a person"),
    }
}

fn letters(letters: &[Letter]) -> String {
    if letters.is_empty() {
        return "None: no order waits for a person.".to_owned();
    }
    let mut table = table(["order", "why", "restarts", "failed with", "last message"]);
    for letter in letters.iter().take(LETTERS_SHOWN) {
        let restarts = letter
            .attempts
            .iter()
            .filter(|attempt| attempt.run_id.is_some())
            .count();
        table.add_row([
            letter.order_id.clone(),
            why(letter.reason).to_owned(),
            restarts.to_string(),
            letter.failure_status.clone(),
            letter.failure_reason.clone(),
        ]);
    }
    align_right(&mut table, 2..=2);
    let mut text = table.trim_fmt();
    if letters.len() > LETTERS_SHOWN {
        text += &format!(
            "\n... and {} more; `-o json` has them all.",
            letters.len() - LETTERS_SHOWN
        );
    }
    text
}

/// Why an order is in the queue, as `redrive dlq list` says it.
fn why(reason: DeadLetterReason) -> &'static str {
    match reason {
        DeadLetterReason::BudgetSpent => "restarts used up",
        DeadLetterReason::CannotStart => "cannot be started",
        DeadLetterReason::OutcomeUnknown => "outcome unknown",
        DeadLetterReason::Parked => "parked by hand",
    }
}

fn verdict(report: &Report, paint: Paint) -> String {
    let audit = &report.audit;
    let mut lines = vec![String::new()];
    let wrong = audit
        .findings
        .iter()
        .map(|finding| &finding.sentence)
        .chain(&report.surprises);
    let wrongs: Vec<_> = wrong
        .map(|sentence| format!("{} {sentence}", paint.red("wrong:")))
        .collect();
    lines.extend(wrongs.iter().take(WRONGS_SHOWN).cloned());
    if wrongs.len() > WRONGS_SHOWN {
        lines.push(format!(
            "... and {} more; `-o json` has them all.",
            wrongs.len() - WRONGS_SHOWN
        ));
    }
    let (numbers, compared) = (audit.numbers(), audit.compared);
    let numbers = if audit.passed() {
        paint.green(numbers)
    } else {
        paint.red(numbers)
    };
    lines.push(format!("{} {numbers}", paint.bold("Audit:")));
    lines.push(format!("       compared {compared}"));
    lines.push(last_line(report, paint));
    lines.join("\n")
}

fn last_line(report: &Report, paint: Paint) -> String {
    let all = total(&report.classes);
    let are = plural(all.dead_lettered, "is", "are");
    let came = format!(
        "Of {}, {} completed at once, {} came back, {} {are} in the dead letter queue, in {:.0} seconds.",
        counted(all.planned, "order", "orders"),
        all.completed_at_once,
        all.recovered,
        all.dead_lettered,
        report.seconds.total()
    );
    match report.surprises.len() {
        0 => came,
        many => {
            let orders = counted(many, "order", "orders");
            format!(
                "{came} {}",
                paint.red(format_args!("{orders} ended otherwise than planned."))
            )
        }
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", plural(count, one, many))
}

fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

fn align_right(table: &mut Table, columns: std::ops::RangeInclusive<usize>) {
    for (number, column) in table.column_iter_mut().enumerate() {
        if columns.contains(&number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

#[cfg(test)]
mod tests;
