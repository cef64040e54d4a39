//! `redrive demo` as a user runs it, on a private Temporal server: a small one, told as JSON.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::process::{Command, Output};

use redrive_fulfillment::PAYLOAD_MARKER;
use serde_json::Value;

const ORDERS: u64 = 40;

fn demo() -> Output {
    Command::new(env!("CARGO_BIN_EXE_redrive"))
        .args([
            "demo",
            "--orders",
            &ORDERS.to_string(),
            "--seed",
            "7",
            "--output",
            "json",
        ])
        .output()
        .unwrap()
}

/// The numbers of one class.
fn class(report: &Value, name: &str) -> BTreeMap<&'static str, u64> {
    let classes = report["classes"].as_array().unwrap();
    let row = classes.iter().find(|row| row["class"] == name).unwrap();
    let keys = [
        "planned",
        "completedAtOnce",
        "recovered",
        "deadLettered",
        "unfinished",
        "attempts",
    ];
    keys.map(|key| (key, row[key].as_u64().unwrap())).into()
}

fn sum(report: &Value, count: &str) -> u64 {
    let batches = report["batches"].as_array().unwrap();
    batches
        .iter()
        .map(|batch| batch[count].as_u64().unwrap())
        .sum()
}

#[test]
fn a_demo_brings_its_orders_back_and_passes_its_audit() {
    let output = demo();
    let talk = String::from_utf8_lossy(&output.stderr);
    let told = String::from_utf8_lossy(&output.stdout);
    for text in [&talk, &told] {
        assert!(!text.contains(PAYLOAD_MARKER), "a payload is told: {text}");
    }
    assert!(output.status.success(), "{:?}\n{talk}", output.status);
    let data = String::from_utf8_lossy(&output.stdout);
    for said in [&talk, &data] {
        assert!(!said.contains(PAYLOAD_MARKER), "{said}");
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    audit(&report);
    classes(&report);
    batches(&report);
    dead_letters(&report);
    assert!(talk.contains("First wave: of 40 orders "), "{talk}");
}

fn audit(report: &Value) {
    assert_eq!(report["ok"], true);
    assert_eq!(report["surprises"], serde_json::json!([]));
    let audit = &report["audit"];
    for count in ["lost", "duplicated", "unaccounted"] {
        assert_eq!(audit[count], 0, "{audit:#}");
    }
    let compared = &audit["compared"];
    assert_eq!(compared["orders"], ORDERS);
    assert_eq!(compared["restarts"], compared["attempts"]);
    assert_eq!(compared["restarts"], sum(report, "restartedCount"));
    assert_eq!(
        compared["batches"],
        report["batches"].as_array().unwrap().len()
    );
    assert!(compared["runs"].as_u64().unwrap() > ORDERS);
}

fn classes(report: &Value) {
    let poison = class(report, "poison");
    assert_eq!((poison["deadLettered"], poison["planned"]), (2, 2));
    assert_eq!(poison["attempts"], 2 * 5, "five restarts each: six runs");
    let outage = class(report, "outage");
    assert_eq!((outage["recovered"], outage["planned"]), (4, 4));
    assert_eq!(
        outage["attempts"],
        4 * 3,
        "the carrier is back after batch 2"
    );
    assert_eq!(class(report, "smooth")["completedAtOnce"], 22);
    let unfinished = report["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["unfinished"]);
    assert!(unfinished.into_iter().all(|count| *count == 0));
}

fn batches(report: &Value) {
    let failed = sum(report, "failedAgainCount") + sum(report, "recoveredCount");
    assert_eq!(
        failed,
        sum(report, "restartedCount"),
        "every restart was followed to its end"
    );
    assert_eq!(sum(report, "dlqCount"), 2);
    for batch in report["batches"].as_array().unwrap() {
        assert_eq!(batch["status"], "completed");
        assert_eq!(batch["truncated"], false);
    }
}

fn dead_letters(report: &Value) {
    let letters = report["deadLetters"].as_array().unwrap();
    assert_eq!(letters.len(), 2);
    for letter in letters {
        assert_eq!(letter["reason"], "budget_spent");
        let attempts = letter["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 5);
        for (attempt, number) in attempts.iter().zip(1..) {
            assert_eq!(
                (&attempt["number"], &attempt["outcome"]),
                (&number.into(), &"failed_again".into())
            );
            assert_eq!(attempt["failureStatus"], letter["failureStatus"]);
            assert!(!attempt["failureReason"].as_str().unwrap().is_empty());
        }
    }
}
