//! A batch's result as text.

use redrive_core::report::ReprocessingResult;

use crate::cli::words::orders;
use crate::printer::{Paint, table};

/// The result as a table, and the rest in a sentence.
pub(in crate::cli) fn text(result: &ReprocessingResult, paint: Paint) -> String {
    let mut lines = vec![numbers(result), earlier(result)];
    if result.truncated {
        lines.push(paint.yellow(
            "It ended early, with work left (deadline, halt or stop): the next batch goes on.",
        ));
    }
    lines.push(paint.dim(format_args!("batch {}", result.batch_id)));
    lines.join("\n")
}

/// The spec's counts, as a small table.
pub(super) fn numbers(result: &ReprocessingResult) -> String {
    let mut table = table(["found", "restarted", "dead-lettered", "errors", "skipped"]);
    let counts = [
        result.found_count,
        result.restarted_count,
        result.dlq_count,
        result.error_count,
        result.skipped_count,
    ];
    table.add_row(counts.map(|count| count.to_string()));
    table.trim_fmt()
}

/// What became of earlier restarts, and what waits.
pub(super) fn earlier(result: &ReprocessingResult) -> String {
    format!(
        "Of earlier restarts {} recovered and {} failed again. {} for a restart.",
        orders(result.recovered_count),
        result.failed_again_count,
        match result.backlog_count {
            1 => "1 order still waits".to_owned(),
            count => format!("{} still wait", orders(count)),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_a_small_table() {
        let result = ReprocessingResult {
            found_count: 12,
            restarted_count: 9,
            dlq_count: 1,
            error_count: 0,
            skipped_count: 2,
            recovered_count: 1,
            failed_again_count: 3,
            backlog_count: 250,
            truncated: true,
            batch_id: "b-1".to_owned(),
            ..Default::default()
        };
        insta::assert_snapshot!(text(&result, Paint::PLAIN), @r"
        found  restarted  dead-lettered  errors  skipped
        12     9          1              0       2
        Of earlier restarts 1 order recovered and 3 failed again. 250 orders still wait for a restart.
        It ended early, with work left (deadline, halt or stop): the next batch goes on.
        batch b-1
        ");
    }
}
