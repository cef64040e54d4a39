//! What is older than the look-back, as text: by failure status and age.

use redrive_engine::ops::{Older, OlderGroup};

use crate::cli::when;
use crate::cli::words::count_of;
use crate::printer::{Paint, table};

/// What would be taken in.
pub(super) fn text(older: &Older, paint: Paint) -> String {
    let since = when::local(older.since);
    if older.runs == 0 {
        return format!(
            "No failure since {since} is older than what batches look at: there is nothing to take in."
        );
    }
    let mut lines = vec![format!(
        "{} since {since}, older than what batches look at:",
        count_of(older.runs, "failure")
    )];
    lines.push(groups(&older.groups));
    if older.read < older.runs {
        lines.push(paint.dim(format_args!(
            "This is a sample: the newest {} that can be read, of {}.",
            older.read, older.runs
        )));
    }
    lines.join("\n")
}

fn groups(groups: &[OlderGroup]) -> String {
    let mut table = table(["status", "age", "failures", "policy"]);
    for group in groups {
        let policy = if group.eligible {
            "restarts them"
        } else {
            "leaves them alone"
        };
        table.add_row([
            group.failure_status.clone(),
            age(group.older_than_days),
            group.runs.to_string(),
            policy.to_owned(),
        ]);
    }
    table.trim_fmt()
}

fn age(older_than_days: i64) -> String {
    match older_than_days {
        0 => "under 2 days".to_owned(),
        days => format!("over {days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(status: &str, older_than_days: i64, eligible: bool, runs: u64) -> OlderGroup {
        OlderGroup {
            failure_status: status.to_owned(),
            older_than_days,
            eligible,
            runs,
        }
    }

    #[test]
    fn a_preview_is_a_table_and_says_when_it_is_a_sample() {
        let mut older = Older {
            since: "2026-10-25T00:00:00Z".parse().unwrap(),
            runs: 3_500,
            read: 1_000,
            groups: vec![
                group("fraud_suspected", 7, false, 40),
                group("shipping_failed", 0, true, 960),
            ],
        };
        let told = text(&older, Paint::PLAIN);
        let (first, rest) = told.split_once('\n').unwrap();
        assert!(
            first.starts_with("3500 failures since 2026-10-2"),
            "{first}"
        );
        insta::assert_snapshot!(rest, @r"
        status           age           failures  policy
        fraud_suspected  over 7 days   40        leaves them alone
        shipping_failed  under 2 days  960       restarts them
        This is a sample: the newest 1000 that can be read, of 3500.
        ");
        older.read = 3_500;
        assert!(!text(&older, Paint::PLAIN).contains("sample"));
        older.runs = 0;
        assert!(text(&older, Paint::PLAIN).ends_with("there is nothing to take in."));
    }
}
