//! A small storm, as `make chaos` runs it: every fail point, a random kill, a kill of the server and a full disk once, and
//! every operator's act tried once.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::process::{Command, Output};

use serde_json::{Value, json};

fn storm() -> Output {
    Command::new(env!("CARGO_BIN_EXE_redrive-chaos"))
        .args(["--output", "json", "run", "--seed", "1", "--orders", "40"])
        .args(["--workers", "2", "--starts-per-second", "6"])
        .args(["--kills", "1", "--random-kills", "1"])
        .args(["--server-kills", "1", "--full-disks", "1"])
        .args(["--clock-steps", "10"])
        .output()
        .unwrap()
}

#[test]
fn a_small_storm_passes_its_audit() {
    let output = storm();
    let talk = String::from_utf8_lossy(&output.stderr);
    let data = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{:?}\n{talk}\n{data}",
        output.status
    );
    let report: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(report["audit"]["findings"], json!([]), "{data}");
    assert_eq!(report["surprises"], json!([]), "{data}");
    assert_eq!(report["audit"]["compared"]["orders"], 46, "{data}");
    for kills in report["kills"].as_array().unwrap() {
        assert!(kills["counted"].as_u64() >= Some(1), "{data}");
    }
    let kinds = report["kills"].as_array().map(Vec::len);
    assert_eq!(kinds, Some(6), "four fail points, random, server: {data}");
    for count in report["counts"].as_array().unwrap() {
        assert_eq!(count["rows"], count["orders"], "{data}");
    }
    // Each act is done by one operator here, who may come too late for the order; most must not.
    let deeds = report["deeds"].as_array().unwrap();
    let done = deeds.iter().filter(|deeds| deeds["done"] == 1).count();
    assert!(done * 2 > deeds.len(), "{data}");
}
