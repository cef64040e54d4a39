//! The dead letter queue and an order's story, on orders that really failed.

use std::collections::HashMap;
use std::time::Duration;

use nix::sys::signal::Signal;
use redrive_fulfillment::testbed::{Testbed, eventually_within, json_input, json_payload};
use redrive_ledger::SqlLedger;
use serde_json::Value;
use temporalio_common::protos::temporal::api::common::v1::{Header, Memo};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_common::protos::temporal::api::workflowservice::v1::CountWorkflowExecutionsRequest;

use super::bulk::fill;
use super::site::{Ran, Site, Way};
use super::ways::both_ways;

both_ways!(
    dead_letters_are_listed_and_decided_once,
    an_orders_story_is_told_in_its_order_of_time,
    a_list_is_as_long_as_it_is_asked_for
);

/// What stands in the order's input, and must stand nowhere else.
const MARKER: &str = "SECRET-7f3a";

/// An order that nobody works on, so that it hits its run timeout.
pub async fn failed_order(testbed: &Testbed, order: &str) {
    let workflow_id = format!("order-fulfillment-{order}");
    let mut request = testbed.start_request(&workflow_id, "OrderFulfillmentWorkflow", "nobody");
    request.workflow_run_timeout = Some(Duration::from_secs(1).try_into().unwrap());
    let payload = serde_json::json!({ "customer": MARKER });
    request.input = Some(json_input(&payload));
    request.memo = Some(Memo {
        fields: HashMap::from([("customer".to_owned(), json_payload(&payload))]),
    });
    request.header = Some(Header {
        fields: HashMap::from([("customer".to_owned(), json_payload(&payload))]),
    });
    testbed.start(request).await;
    testbed
        .await_status(&workflow_id, WorkflowExecutionStatus::TimedOut)
        .await;
    // A scan finds what visibility shows.
    let request = CountWorkflowExecutionsRequest {
        namespace: testbed.namespace.clone(),
        query: format!("WorkflowId = '{workflow_id}' AND ExecutionStatus = 'TimedOut'"),
    };
    eventually_within(Duration::from_secs(60), "visibility to show it", || async {
        let request = tonic::Request::new(request.clone());
        let counted = testbed.service().count_workflow_executions(request).await;
        (counted.unwrap().into_inner().count > 0).then_some(())
    })
    .await;
}

/// One restart an order, and no waiting.
const ONE_RESTART: &str = "[policy]\nmax_retries = 1\nbackoff = { initial = \"0s\" }\nsettle = { first_check = \"1ms\" }\n";

/// Runs batches until `count` orders went to the dead letter queue.
fn run_until_dead_lettered(site: &Site, count: u64) {
    let mut dead = 0;
    for _ in 0..100 {
        dead += ended(site.run("run -o json"), 0).json()["dlqCount"]
            .as_u64()
            .unwrap();
        if dead == count {
            return;
        }
    }
    panic!("after 100 batches {dead} of {count} orders are dead letters");
}

/// Asserts the exit code, and that no payload is printed.
#[track_caller]
fn ended(ran: Ran, code: i32) -> Ran {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert!(
        !ran.stdout.contains(MARKER) && !ran.stderr.contains(MARKER),
        "{ran:?}"
    );
    ran
}

async fn dead_letters_are_listed_and_decided_once(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
    site.write("redrive.toml", ONE_RESTART);
    let worker = site.start("worker");
    worker.hear("Ready.");
    for order in ["A-1", "A-2", "A-3"] {
        failed_order(&testbed, order).await;
    }
    assert_eq!(
        ended(site.run("run --max-orders 2 -o json"), 0).json()["restartedCount"],
        2
    );
    run_until_dead_lettered(&site, 3);

    let listed = ended(site.run("dlq list"), 0);
    for part in [
        "order",
        "A-1",
        "A-2",
        "A-3",
        "workflow_timed_out",
        "restarts used up",
    ] {
        assert!(listed.stdout.contains(part), "{part} in {listed:?}");
    }
    let short = ended(site.run("dlq list --limit 2 -o json"), 0);
    assert_eq!(short.json().as_array().unwrap().len(), 2);
    assert_eq!(
        short.stderr,
        "hint: these are the first 2; --limit shows more.\n"
    );

    let cancelled = ended(site.run("dlq cancel A-1 --reason refunded --by bob"), 0);
    assert!(
        cancelled.stdout.starts_with("A-1 is cancelled by bob, "),
        "{cancelled:?}"
    );
    let twice = ended(site.run("dlq escalate A-1 --reason no"), 1);
    assert!(
        twice
            .stdout
            .starts_with("Nothing was changed: A-1 is cancelled by bob, "),
        "{twice:?}"
    );
    ended(
        site.run("dlq escalate order-fulfillment-A-2 --reason to-carol"),
        0,
    );
    let started = ended(
        site.run("dlq retry A-3 --reason carrier-is-back -o json"),
        0,
    )
    .json();
    assert_eq!(started["outcome"], "started", "{started}");

    assert_eq!(
        ended(site.run("dlq list"), 0).stdout,
        "The dead letter queue is empty.\n"
    );
    let resolved = ended(site.run("dlq list --resolved"), 0).stdout;
    for part in [
        "cancelled by bob",
        "escalated by ann",
        "to-carol",
        "manual retry by ann",
        "carrier-is-back",
    ] {
        assert!(resolved.contains(part), "{part} in {resolved}");
    }
}

async fn an_orders_story_is_told_in_its_order_of_time(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
    site.write("redrive.toml", ONE_RESTART);
    let worker = site.start("worker");
    worker.hear("Ready.");
    failed_order(&testbed, "B-1").await;
    run_until_dead_lettered(&site, 1);
    let shown = ended(site.run("orders show B-1"), 0).stdout;
    assert!(
        shown.starts_with(
            "B-1 (order-fulfillment-B-1, OrderFulfillmentWorkflow)\nIn the dead letter queue, "
        ),
        "{shown}"
    );
    assert!(shown.contains(" UTC  timed out "), "{shown}");

    ended(site.run("dlq retry B-1 --reason again"), 0);
    let story = ended(site.run("orders show order-fulfillment-B-1 -o json"), 0).json();
    let told: Vec<&str> = story["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(
        told[..6],
        [
            "timed out",
            "restarted",
            "timed out",
            "dead-lettered",
            "manual retry",
            "restarted"
        ],
        "{story}"
    );
    assert_eq!(story["generation"], 2);
    assert!(
        story["timeline"][0]["at"].as_str().unwrap().ends_with('Z'),
        "JSON has UTC: {story}"
    );
}

/// More than a page of the API's.
const LONG: usize = 230;

async fn a_list_is_as_long_as_it_is_asked_for(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
    let ledger = SqlLedger::open(&site.path("redrive.db")).await.unwrap();
    fill(&testbed, &ledger, LONG, 0).await;
    let listed = |limit: usize| {
        let command = format!("dlq list --status shipping_failed --limit {limit} -o json");
        let listed = site.run(&command).well().json();
        let entries = listed.as_array().unwrap().clone();
        let id = |entry: &Value| entry["orderId"].as_str().unwrap().to_owned();
        entries.iter().map(id).collect::<Vec<String>>()
    };
    let all: Vec<String> = (0..LONG).map(|n| format!("{n:05}")).collect();
    assert_eq!(listed(1_000), all);
    assert_eq!(listed(LONG - 1), all[..LONG - 1]);
    let ids = all[..LONG - 10].join(" ");
    let command = format!("dlq cancel {ids} --reason refunded --yes");
    let told = format!("Cancelled {0} of {0} orders.\n", LONG - 10);
    assert_eq!(site.run(&command).well().stdout, told);
    let command = "dlq escalate --older-than 1ms --limit 7 --reason to-carol --yes";
    assert_eq!(
        site.run(command).well().stdout,
        "Escalated 7 of 7 orders.\n"
    );
    let stats = site.run("dlq stats -o json").well().json();
    assert_eq!(
        (
            &stats["unresolvedCount"],
            &stats["byResolution"]["escalated"]
        ),
        (&3.into(), &7.into()),
        "{stats}"
    );
}

#[tokio::test]
async fn no_payload_of_an_order_is_logged() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).with("REDRIVE_LOG", "debug");
    site.write("redrive.toml", ONE_RESTART);
    let worker = site.start("worker");
    worker.hear("Ready.");
    failed_order(&testbed, "C-1").await;
    run_until_dead_lettered(&site, 1);
    ended(site.run("dlq retry C-1 --reason again"), 0);
    worker.signal(Signal::SIGTERM);
    let logged = worker.rest();
    assert!(
        logged
            .iter()
            .any(|line| line.contains("order-fulfillment-C-1")),
        "the log tells of the order"
    );
    let told = logged.iter().find(|line| line.contains(MARKER));
    assert_eq!(told, None);
}
