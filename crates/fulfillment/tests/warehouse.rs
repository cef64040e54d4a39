//! The warehouse on its folder: what it writes down, and what a restarted or a second process makes of it.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use jiff::{SignedDuration, Timestamp};
use redrive_fulfillment::{
    Class, FaultPlan, Stage, Warehouse, Window,
    warehouse::{Outcome, StageCall, load_performed},
};

const START: Timestamp = Timestamp::UNIX_EPOCH;
const DONE: Outcome = Outcome::Done {
    continue_as_new: false,
};

fn call(order_id: &str, run_id: &str, stage: Stage, attempt: u32) -> StageCall {
    StageCall {
        order_id: order_id.to_owned(),
        workflow_id: format!("order-fulfillment-{order_id}"),
        run_id: run_id.to_owned(),
        first_run_id: Some(run_id.to_owned()),
        stage,
        attempt,
    }
}

fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused { .. })
}

/// A folder with one order of `class`, and the order's id.
fn folder(class: &Class) -> (tempfile::TempDir, String) {
    let plan = FaultPlan::uniform(7, 1, class).with_outage(
        Stage::Shipping,
        Window::Between {
            from_ms: 0,
            until_ms: 1_000,
        },
    );
    let dir = tempfile::tempdir().unwrap();
    Warehouse::create(dir.path(), &plan, START).unwrap();
    (dir, plan.orders[0].order_id.clone())
}

#[test]
fn the_log_survives_and_reads_back() {
    let (dir, order) = folder(&Class::Smooth);
    let asked = call(&order, "run-1", Stage::Slam, 2);
    Warehouse::open(dir.path())
        .unwrap()
        .perform(&asked, START)
        .unwrap();
    let log = load_performed(dir.path()).unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].stage, log[0].attempt), (Stage::Slam, 2));
    assert_eq!(log[0].first_run_id.as_deref(), Some("run-1"));
    let line = std::fs::read_to_string(dir.path().join("performed.jsonl")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    for key in [
        "at",
        "orderId",
        "workflowId",
        "runId",
        "firstRunId",
        "stage",
        "attempt",
    ] {
        assert!(json.get(key).is_some(), "no {key} in {line}");
    }
}

#[test]
fn a_stage_asked_for_twice_by_a_run_is_done_once_even_by_another_process() {
    let (dir, order) = folder(&Class::Smooth);
    let [one, other] = [(); 2].map(|()| Warehouse::open(dir.path()).unwrap());
    for (warehouse, attempt) in [(&one, 1), (&other, 2), (&one, 3)] {
        let asked = call(&order, "run-1", Stage::Slam, attempt);
        assert_eq!(warehouse.perform(&asked, START).unwrap(), DONE);
    }
    let next_run = call(&order, "run-2", Stage::Slam, 1);
    assert_eq!(other.perform(&next_run, START).unwrap(), DONE);
    assert_eq!(one.performed().unwrap().len(), 2);
}

#[test]
fn failed_runs_count_across_restarts_of_the_process() {
    let (dir, order) = folder(&Class::Transient {
        stage: Stage::Slam,
        runs: 2,
    });
    for run in ["run-1", "run-2"] {
        for attempt in 1..=3 {
            let warehouse = Warehouse::open(dir.path()).unwrap();
            let asked = call(&order, run, Stage::Slam, attempt);
            assert!(is_refused(&warehouse.perform(&asked, START).unwrap()));
        }
    }
    let warehouse = Warehouse::open(dir.path()).unwrap();
    let asked = call(&order, "run-3", Stage::Slam, 1);
    assert_eq!(warehouse.perform(&asked, START).unwrap(), DONE);
    let straggler = call(&order, "run-1", Stage::Slam, 4);
    assert!(is_refused(&warehouse.perform(&straggler, START).unwrap()));
}

#[test]
fn an_outage_ends_with_its_window() {
    let (dir, order) = folder(&Class::Outage {
        stage: Stage::Shipping,
    });
    let warehouse = Warehouse::open(dir.path()).unwrap();
    let asked = call(&order, "run-1", Stage::Shipping, 1);
    let at = |ms| START + SignedDuration::from_millis(ms);
    assert!(is_refused(&warehouse.perform(&asked, at(999)).unwrap()));
    assert_eq!(warehouse.perform(&asked, at(1_000)).unwrap(), DONE);
    assert_eq!(warehouse.perform(&asked, at(0)).unwrap(), DONE);
}

#[test]
fn an_outage_ends_when_another_process_releases_it() {
    let (dir, order) = folder(&Class::Outage {
        stage: Stage::Shipping,
    });
    let [one, other] = [(); 2].map(|()| Warehouse::open(dir.path()).unwrap());
    let asked = call(&order, "run-1", Stage::Shipping, 1);
    assert!(is_refused(&one.perform(&asked, START).unwrap()));
    other.release(Stage::Shipping).unwrap();
    assert_eq!(one.perform(&asked, START).unwrap(), DONE);
}

#[test]
fn an_unknown_order_succeeds_and_a_folder_has_one_plan() {
    let (dir, _) = folder(&Class::Poison { stage: Stage::Slam });
    let warehouse = Warehouse::open(dir.path()).unwrap();
    let asked = call("by hand", "run-1", Stage::Slam, 1);
    assert_eq!(warehouse.perform(&asked, START).unwrap(), DONE);
    let again = Warehouse::create(dir.path(), &FaultPlan::smooth(1, 1), START);
    assert!(again.is_err());
}
