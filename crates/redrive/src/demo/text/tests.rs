//! The report of a small demo, as text and as JSON.

use std::time::Duration;

use redrive_fulfillment::{Class, Stage};

use super::text;
use crate::demo::batches::Ran;
use crate::demo::report::{Report, Times};
use crate::demo::world::{Fate, world};
use crate::printer::Paint;

fn report(orders: &[(Class, Fate)]) -> Report {
    let (plan, records, books) = world(orders);
    let ran = |row: &redrive_ledger::BatchRow| Ran {
        result: row.result.clone(),
        took: Duration::from_millis(1240),
    };
    let batches: Vec<Ran> = books.batches.iter().map(ran).collect();
    let mut report = Report::new(&plan, &batches, &records, &books);
    report.seconds = Times {
        start: 1.0,
        first_wave: 11.5,
        batches: 20.0,
        audit: 0.5,
    };
    report
}

fn small() -> Report {
    let stage = Stage::Slam;
    report(&[
        (Class::Smooth, Fate::AtOnce),
        (Class::Smooth, Fate::AtOnce),
        (
            Class::Transient { stage, runs: 2 },
            Fate::Recovered { attempts: 2 },
        ),
        (Class::Outage { stage }, Fate::Recovered { attempts: 3 }),
        (Class::Poison { stage }, Fate::DeadLettered { attempts: 5 }),
    ])
}

#[test]
fn the_report_of_a_demo_in_which_all_went_well() {
    insta::assert_snapshot!(text(&small(), Paint::PLAIN));
}

#[test]
fn the_report_names_what_went_wrong() {
    let stage = Stage::Slam;
    let mut report = report(&[
        (Class::Poison { stage }, Fate::AtOnce),
        (Class::Smooth, Fate::Waits),
    ]);
    report.batches[0]
        .alerts
        .push("30 orders were found.".to_owned());
    assert!(!report.ok);
    insta::assert_snapshot!(text(&report, Paint::PLAIN));
}

#[test]
fn the_report_as_json() {
    insta::assert_json_snapshot!(small());
}
