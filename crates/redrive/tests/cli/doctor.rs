//! `doctor`: each finding, provoked for real. Those that only another clock can show are in `src/cli/doctor/provoked.rs`.

use std::time::Duration;

use jiff::SignedDuration;
use redrive::dev_server::{DevServer, DevServerOptions};
use redrive::temporal_cli;
use redrive_core::ids::Home;
use redrive_engine::{Clock, SystemClock};
use redrive_flows::{BATCH_WORKFLOW, OPERATION_WORKFLOW, ORCHESTRATION_WORKFLOW, TASK_QUEUE};
use redrive_fulfillment::testbed::{Testbed, eventually, eventually_within};
use redrive_ledger::{Ledger, SqlLedger};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use temporalio_common::protos::temporal::api::namespace::v1::NamespaceConfig;
use temporalio_common::protos::temporal::api::workflowservice::v1::UpdateNamespaceRequest;

use super::scene::{NEVER, Scene};
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
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_of_another_type_on_redrives_queue_is_found_among_all_of_its_own() {
    let testbed = Testbed::connect("doctor-queue").await;
    let site = Site::on(&testbed);
    let ours = [BATCH_WORKFLOW, ORCHESTRATION_WORKFLOW, OPERATION_WORKFLOW];
    for name in ours.into_iter().chain(["Picking"]) {
        let request = testbed.start_request(&format!("{name}-1"), name, TASK_QUEUE);
        testbed.start(request).await;
    }
    let seen = eventually_within(
        Duration::from_secs(30),
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
    let ledger = SqlLedger::open(&site.path("redrive.db")).await.unwrap();
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
    sqlx::query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1")
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

/// The whole finding of a check: level, what, remedy.
#[track_caller]
fn whole(site: &Site, check: &str) -> [String; 3] {
    let findings = site.run("doctor -o json").json();
    let found = findings.as_array().unwrap().iter();
    let found = found.clone().find(|finding| finding["check"] == check);
    ["level", "what", "remedy"]
        .map(|key| found.unwrap()[key].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_about_to_be_deleted_that_are_not_stored_are_found() {
    // The testbed's namespaces keep closed runs for a day: whatever has failed is deleted within one.
    let keeps = format!("{NEVER}[policy]\nkeep_start_requests = true\n");
    let mut scene = Scene::set(&keeps, &[("A-1", "shipping_failed")]).await;
    scene.knows();
    let site = &scene.site;
    assert_eq!(
        whole(site, "start requests"),
        [
            "ok",
            "Every open order can be started again, whatever Temporal deletes.",
            ""
        ]
    );
    let mut conn = SqliteConnectOptions::new()
        .filename(site.path("redrive.db"))
        .connect()
        .await
        .unwrap();
    sqlx::query("DELETE FROM start_requests")
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    let what = "1 order cannot be started again once Temporal has deleted the history: the start request is not kept, and \
                retention is about to end.";
    assert_eq!(
        whole(site, "start requests"),
        [
            "problem",
            what,
            "Retry or resolve them now: `redrive orders list --state open` shows them."
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_kept_start_requests_the_end_of_retention_is_found_for_every_order() {
    let keeps_none = format!("{NEVER}[policy]\nkeep_start_requests = false\n");
    let orders = [("A-1", "shipping_failed"), ("A-2", "shipping_failed")];
    let mut scene = Scene::set(&keeps_none, &orders).await;
    scene.knows();
    let [level, what, remedy] = whole(&scene.site, "start requests");
    assert_eq!(level, "problem");
    assert!(
        what.starts_with("2 orders cannot be started again once "),
        "{what}"
    );
    assert_eq!(
        remedy,
        "Retry or resolve them now, and set policy.keep_start_requests = true."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_forgets_within_a_day_is_found() {
    let testbed = Testbed::connect("doctor").await;
    let site = Site::on(&testbed);
    let hour = Duration::from_secs(3600);
    let request = UpdateNamespaceRequest {
        namespace: testbed.namespace.clone(),
        config: Some(NamespaceConfig {
            workflow_execution_retention_ttl: Some(hour.try_into().unwrap()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut service = testbed.service();
    let updated = service.update_namespace(tonic::Request::new(request));
    updated.await.unwrap();
    eventually("the namespace to show its retention", || async {
        (whole(&site, "namespace")[0] == "warning").then_some(())
    })
    .await;
    assert_eq!(
        whole(&site, "namespace"),
        [
            "warning",
            "Closed runs are deleted after 1h.",
            "Set a retention of a day or more, or see to it that every failure is scanned before: `temporal operator \
             namespace update --retention 72h`."
        ]
    );
}

/// A private server is away for longer than the shortest window in which a server catches up on ticks (10 s): they are lost.
#[tokio::test(flavor = "multi_thread")]
async fn ticks_that_were_lost_while_the_server_was_away_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let options = DevServerOptions {
        cli: temporal_cli::find(None).expect("`make setup` fetches the Temporal CLI"),
        database: Some(folder.path().join("temporal.db")),
        log: folder.path().join("temporal.log"),
        namespace: "default".to_owned(),
        port: None,
        ui: false,
    };
    let server = DevServer::start(&options).await.unwrap();
    let site = Site::at(&server.address(), "default");
    site.write("redrive.toml", "[schedule]\ninterval = \"1s\"\n");
    site.run("migrate").well();
    site.run("schedule apply").well();
    assert_eq!(whole(&site, "schedule ticks")[0], "ok");
    let port = server
        .address()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    server.stop().await.unwrap();
    let away_since = SystemClock.now();
    eventually_within(
        Duration::from_secs(60),
        "the catch-up window to pass",
        || async {
            let [level, ..] = whole(&site, "server");
            assert_eq!(level, "problem", "it is away");
            let away = SystemClock.now().duration_since(away_since);
            (away > SignedDuration::from_secs(15)).then_some(())
        },
    )
    .await;
    let options = DevServerOptions {
        port: Some(port),
        ..options
    };
    let server = DevServer::start(&options).await.unwrap();
    let limit = Duration::from_secs(60);
    let [_, what, remedy] =
        eventually_within(limit, "the schedule to count what it lost", || async {
            Some(whole(&site, "schedule ticks")).filter(|found| found[0] == "warning")
        })
        .await;
    assert!(
        what.starts_with("The schedule has lost ticks for good since it was made: "),
        "{what}"
    );
    assert_eq!(
        remedy,
        "The server was down, or busy, for longer than an interval; the next batch took up what they left."
    );
    server.stop().await.unwrap();
}
