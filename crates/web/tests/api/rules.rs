//! The alert rules for Prometheus are made from Redrive's thresholds, and so are their tests, which promtool runs.

use std::fmt::Write;
use std::path::PathBuf;

use redrive_core::report::{
    ALERT_BACKLOG_BATCHES, ALERT_DLQ_COUNT, ALERT_ERROR_SHARE, ALERT_FOUND_COUNT,
};

use crate::promtool::{promtool, root};

/// The alerts by the names that Prometheus has for them.
pub const DEAD_LETTERS: &str = "RedriveDeadLetters";
pub const ERRORS: &str = "RedriveErrors";
pub const BACKLOG: &str = "RedriveBacklog";
const ALERTS: [&str; 3] = [DEAD_LETTERS, ERRORS, BACKLOG];

/// Where the rules are.
pub fn file() -> PathBuf {
    root().join("ops/prometheus/redrive.rules.yml")
}

fn test_file() -> PathBuf {
    root().join("ops/prometheus/redrive.rules.test.yml")
}

const MADE: &str = "\
# Made from the code: REDRIVE_WRITE_DOCS=1 cargo test -p redrive-web --test api rules::
";

/// What each alert says in a line.
fn summary(alert: &str) -> &'static str {
    match alert {
        DEAD_LETTERS => "Many orders went to the dead letter queue in one batch.",
        ERRORS => "Many orders could not be processed by one batch.",
        _ => "A backlog of failed orders is building up.",
    }
}

/// What each alert says; `value` is what its expression comes to.
fn description(alert: &str, value: &str) -> String {
    match alert {
        DEAD_LETTERS => format!(
            "{value} orders went to the dead letter queue in one batch (alert above {ALERT_DLQ_COUNT}): look for a cause \
             they share."
        ),
        ERRORS => format!(
            "{value} of what the last batch found could not be processed (alert above {}%): the errors of the batch say why.",
            ALERT_ERROR_SHARE * 100.0
        ),
        _ => format!(
            "{value} orders were found, and each of the last {ALERT_BACKLOG_BATCHES} batches found more than \
             {ALERT_FOUND_COUNT}."
        ),
    }
}

/// The expression of an alert, and how its value is written.
fn expression(alert: &str) -> (String, &'static str) {
    let of_batch = |verdict| {
        format!(
            "max without (instance, pod, verdict) (redrive_last_batch_orders{{verdict=\"{verdict}\"}})"
        )
    };
    let found = |back| {
        format!("max without (instance, pod, back) (redrive_batch_found_orders{{back=\"{back}\"}})")
    };
    match alert {
        DEAD_LETTERS => (
            format!("{} > {ALERT_DLQ_COUNT}", of_batch("dlq")),
            "{{ $value }}",
        ),
        ERRORS => (
            format!("{} / {} > {ALERT_ERROR_SHARE}", of_batch("error"), found(0)),
            "{{ $value | humanizePercentage }}",
        ),
        _ => {
            let each: Vec<String> = (0..ALERT_BACKLOG_BATCHES)
                .map(|back| format!("{} > {ALERT_FOUND_COUNT}", found(back)))
                .collect();
            (each.join(" and "), "{{ $value }}")
        }
    }
}

fn rules() -> String {
    let mut text = MADE.to_owned()
        + "\
#
# The three alerts of Redrive, with its own thresholds. Every process of Redrive tells the numbers of its ledger, so an alert is
# taken over all of them. Where labels beside instance and pod tell the processes of one ledger apart, add them.
groups:
  - name: redrive
    rules:
";
    for alert in ALERTS {
        let (expression, value) = expression(alert);
        let (summary, description) = (summary(alert), description(alert, value));
        writeln!(
            text,
            "      - alert: {alert}
        expr: {expression}
        labels:
          severity: warning
        annotations:
          summary: {summary}
          description: '{description}'"
        )
        .unwrap();
    }
    text
}

/// What a scrape may tell, and which alert it raises, with its value.
struct Case {
    name: String,
    /// Dead letters and errors of the last batch.
    dlq: u64,
    error: u64,
    /// Orders found by the last batches, the last one first.
    found: Vec<u64>,
    raises: Option<(&'static str, &'static str)>,
}

fn cases() -> Vec<Case> {
    let case =
        |name: &str, dlq, error, found: &[u64], raises: Option<(&'static str, &'static str)>| {
            Case {
                name: name.to_owned(),
                dlq,
                error,
                found: found.to_vec(),
                raises,
            }
        };
    let (few, many) = (ALERT_FOUND_COUNT, ALERT_FOUND_COUNT + 1);
    let errors = (ALERT_ERROR_SHARE * 100.0).round() as u64;
    vec![
        case("no batch has ended", 0, 0, &[], None),
        case("a batch found nothing", 0, 0, &[0], None),
        case(
            "as many dead letters as are borne",
            ALERT_DLQ_COUNT,
            0,
            &[50],
            None,
        ),
        case(
            "one dead letter more",
            ALERT_DLQ_COUNT + 1,
            0,
            &[50],
            Some((DEAD_LETTERS, "11")),
        ),
        case("as many errors as are borne", 0, errors, &[100], None),
        case(
            "one error more",
            0,
            errors + 1,
            &[100],
            Some((ERRORS, "6%")),
        ),
        case(
            "batches that find as many as are borne",
            0,
            0,
            &[few, many, many],
            None,
        ),
        case(
            "a backlog that is not yet consistent",
            0,
            0,
            &[many, many, few],
            None,
        ),
        case("large batches, but few of them", 0, 0, &[many, many], None),
        case(
            "a backlog",
            0,
            0,
            &[many, many, many],
            Some((BACKLOG, "101")),
        ),
    ]
}

fn tests() -> String {
    let mut text = MADE.to_owned()
        + "\
#
# promtool test rules redrive.rules.test.yml
rule_files:
  - redrive.rules.yml
evaluation_interval: 1m
tests:
";
    for case in cases() {
        write_case(&mut text, &case);
    }
    text
}

fn write_case(text: &mut String, case: &Case) {
    let Case { name, .. } = case;
    writeln!(text, "  - name: {name}\n    interval: 1m").unwrap();
    let series = series(case);
    match series.is_empty() {
        true => text.push_str("    input_series: []\n"),
        false => text.push_str("    input_series:\n"),
    }
    for (series, value) in series {
        writeln!(
            text,
            "      - series: '{series}'\n        values: '{value} {value}'"
        )
        .unwrap();
    }
    text.push_str("    alert_rule_test:\n");
    for alert in ALERTS {
        writeln!(text, "      - eval_time: 1m\n        alertname: {alert}").unwrap();
        let raised = case.raises.filter(|(raised, _)| *raised == alert);
        let Some((_, value)) = raised else {
            text.push_str("        exp_alerts: []\n");
            continue;
        };
        writeln!(
            text,
            "        exp_alerts:
          - exp_labels:
              severity: warning
              job: redrive
            exp_annotations:
              summary: {}
              description: '{}'",
            summary(alert),
            description(alert, value)
        )
        .unwrap();
    }
}

/// The series of a case, told by two processes of the same ledger.
fn series(case: &Case) -> Vec<(String, u64)> {
    let mut series = Vec::new();
    let Some(found) = case.found.first() else {
        return series;
    };
    let verdicts = [
        ("restarted", found - case.dlq - case.error),
        ("dlq", case.dlq),
        ("error", case.error),
        ("skipped", 0),
    ];
    for instance in ["a:9420", "b:9420"] {
        let from = format!("job=\"redrive\",instance=\"{instance}\"");
        for (verdict, count) in verdicts {
            let named = format!("redrive_last_batch_orders{{{from},verdict=\"{verdict}\"}}");
            series.push((named, count));
        }
        for (back, found) in case.found.iter().enumerate() {
            let named = format!("redrive_batch_found_orders{{{from},back=\"{back}\"}}");
            series.push((named, *found));
        }
    }
    series
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a person asks for the files to be written by a variable"
)]
fn the_rules_and_their_tests_are_made_from_the_thresholds() {
    for (file, made) in [(file(), rules()), (test_file(), tests())] {
        if std::env::var_os("REDRIVE_WRITE_DOCS").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &made).unwrap();
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            written == made,
            "{} is not what the code says. Write it anew, and read what changes: \
             REDRIVE_WRITE_DOCS=1 cargo test -p redrive-web --test api rules::",
            file.display()
        );
    }
}

#[test]
fn promtool_finds_the_rules_right() {
    promtool(&["check", "rules"], &file());
    promtool(&["test", "rules"], &test_file());
}
