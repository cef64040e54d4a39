//! `doctor`: each finding, provoked for real.

use redrive_core::ids::Home;
use redrive_fulfillment::testbed::Testbed;
use redrive_ledger::{Ledger, SqliteLedger};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::site::Site;

/// The finding of a check.
#[track_caller]
fn finding(site: &Site, check: &str) -> (String, String) {
    let ran = site.run("doctor -o json");
    let findings = ran.json();
    let found = findings
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["check"] == check);
    let found = found.unwrap_or_else(|| panic!("no {check:?} in {findings}"));
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    if found["level"] == "problem" {
        assert_eq!(ran.code, Some(1), "a problem is an exit code");
    }
    (text("level"), text("what"))
}

#[test]
fn without_anything_each_check_still_says_what_it_can() {
    let site = Site::without_server();
    let told = site.run("doctor");
    assert_eq!(told.code, Some(1));
    for part in [
        "No Temporal server answers at 127.0.0.1:1.",
        "There is no ledger redrive.db.",
        "Not checked: there is no server to ask.",
        "Problems: 2, warnings: 0.",
    ] {
        assert!(told.stdout.contains(part), "{part} in {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_found_and_gone_when_it_is_there() {
    let testbed = Testbed::connect("doctor").await;
    let site = Site::on(&testbed);
    site.write("redrive.toml", "[schedule]\nmanage = false\n");
    site.run("migrate").well();
    assert_eq!(finding(&site, "workers").0, "problem");
    assert_eq!(
        finding(&site, "schedule").1,
        "There is no schedule \"reprocessing-batch-schedule\": no batch starts by itself."
    );
    assert_eq!(finding(&site, "watched types").0, "warning");
    assert_eq!(
        finding(&site, "ledger's home").1,
        "It belongs to nobody yet: the first worker binds it."
    );

    let worker = site.start("worker");
    worker.hear("Ready.");
    site.run("schedule apply").well();
    let request =
        testbed.start_request("order-fulfillment-1", "OrderFulfillmentWorkflow", "nobody");
    testbed.start(request).await;
    testbed
        .await_status(
            "order-fulfillment-1",
            temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus::Running,
        )
        .await;
    site.run("run").well();
    let well = site.run("doctor -o json").well().json();
    for finding in well.as_array().unwrap() {
        assert!(
            ["ok", "not_checked"].contains(&finding["level"].as_str().unwrap()),
            "{finding}"
        );
    }

    site.run("halt --reason stocktaking").well();
    assert!(finding(&site, "halt").1.ends_with("by ann: stocktaking."));
    site.run("unhalt").well();
    site.run("schedule pause --reason stocktaking").well();
    assert_eq!(
        finding(&site, "schedule").1,
        "The schedule is paused (ann: stocktaking): no batch starts by itself."
    );
    site.run("schedule resume").well();
    site.write(
        "redrive.toml",
        "[schedule]\nmanage = false\ninterval = \"5m\"\n",
    );
    assert_eq!(finding(&site, "schedule").0, "warning");

    let foreign = testbed.start_request("picking-1", "Picking", "orchestrator");
    testbed.start(foreign).await;
    let seen = redrive_fulfillment::testbed::eventually_within(
        std::time::Duration::from_secs(30),
        "visibility to show the foreign workflow",
        || async { Some(finding(&site, "task queue")).filter(|found| found.0 == "problem") },
    )
    .await;
    assert!(seen.1.ends_with("\"orchestrator\": Picking."), "{}", seen.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_of_another_cluster_or_a_newer_redrive_is_found() {
    let testbed = Testbed::connect("doctor").await;
    let site = Site::on(&testbed);
    let ledger = SqliteLedger::open(&site.path("redrive.db")).await.unwrap();
    let other = Home {
        cluster_id: "another".into(),
        namespace: "orders".into(),
    };
    ledger.bind(&other).await.unwrap();
    ledger.close().await;
    let (level, what) = finding(&site, "ledger's home");
    assert!(
        level == "problem"
            && what.starts_with("It belongs to namespace \"orders\" of cluster another, but "),
        "{what}"
    );
    let mut conn = SqliteConnectOptions::new()
        .filename(site.path("redrive.db"))
        .connect()
        .await
        .unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 9999")
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    let (level, what) = finding(&site, "ledger");
    assert!(
        level == "problem"
            && what.starts_with("It cannot be used: the ledger's schema (migration 9999) is newer"),
        "{what}"
    );
}

#[tokio::test]
async fn failures_that_no_status_of_the_policy_names_are_found() {
    let site = super::known::site().await;
    let (level, what) = finding(&site, "policy");
    assert_eq!(level, "warning");
    assert_eq!(
        what,
        "The policy names no such status, and leaves these failures alone: fraud_suspected (1 order), \
         picking_failed_oddly (1 order)."
    );
    let told: Value = site.run("doctor -o json").json();
    assert_eq!(told[0]["check"], "server");
}
