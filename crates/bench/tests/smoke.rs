//! A tiny bench: every part runs, and every row of the table is there. Nothing here says how fast.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::Value;

/// The figures that are held to a reach, at the sizes of this test.
const HELD: [&str; 28] = [
    "claim-p50-growth-postgres",
    "claim-p50-growth-sqlite",
    "claim-p99-growth-postgres",
    "claim-p99-growth-sqlite",
    "cpu",
    "cpu-with-scan",
    "dlq-list-postgres-2000",
    "dlq-list-sqlite-2000",
    "events",
    "failures-groups-postgres-2000",
    "failures-groups-sqlite-2000",
    "from-ledger-to-plain",
    "from-ledger-to-raw",
    "from-ledger-to-reset",
    "from-scan-to-raw",
    "memory-growth",
    "memory-large",
    "orders-list-postgres-2000",
    "orders-list-sqlite-2000",
    "pages-memory-growth-postgres-10000",
    "pages-memory-growth-sqlite-10000",
    "status-postgres-2000",
    "status-sqlite-2000",
    "through-postgres-1000",
    "through-postgres-2000",
    "through-sqlite-1000",
    "through-sqlite-2000",
    "two-to-one",
];

fn bench(json: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_redrive-bench"))
        .args(["run", "--runs", "1", "--orders", "24", "--backlog", "100"])
        .args(["--sizes", "1000,2000", "--claims", "4", "--json", json])
        .args(["--page-orders", "10000", "--asks", "2"])
        .output()
        .unwrap()
}

#[test]
fn a_tiny_bench_measures_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json");
    let output = bench(&file.display().to_string());
    let talk = String::from_utf8_lossy(&output.stderr);
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{talk}\n{table}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let figures = report["figures"].as_array().unwrap();
    let held = figures.iter().filter(|figure| figure["reach"].is_object());
    let held = held.map(|figure| figure["id"].as_str().unwrap());
    let (pages, held): (BTreeSet<_>, BTreeSet<_>) = held.partition(|id| id.starts_with("page-"));
    for database in ["sqlite", "postgres"] {
        let of = format!("-{database}-10000");
        assert_eq!(pages.iter().filter(|id| id.ends_with(&of)).count(), 36);
    }
    assert_eq!(held, BTreeSet::from(HELD), "{table}");
    for figure in figures {
        assert!(figure["median"].as_f64().unwrap() > 0.0, "{figure}");
        let title = figure["title"].as_str().unwrap();
        assert!(table.contains(title), "{title} in\n{table}");
    }
}
