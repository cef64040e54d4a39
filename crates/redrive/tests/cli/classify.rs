//! `redrive classify`, on runs of a real server.

use std::time::Duration;

use redrive_fulfillment::puppet::{Move, Puppet, Task};
use redrive_fulfillment::testbed::{Testbed, eventually};
use temporalio_common::protos::temporal::api::common::v1::RetryPolicy;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use super::site::{Site, Way, exists};
use super::ways::both_ways;

both_ways!(
    a_failed_run_is_told_with_its_rule,
    a_rule_of_the_policy_gives_a_run_its_status,
    what_did_not_fail_or_is_not_there_is_said,
    a_run_whose_workflow_tried_again_by_itself_is_said
);

/// Starts an order that nobody works on; with `timeout`, it fails.
async fn order(testbed: &Testbed, order: &str, timeout: Option<Duration>) -> String {
    let workflow_id = format!("order-fulfillment-{order}");
    let mut request = testbed.start_request(&workflow_id, "OrderFulfillmentWorkflow", "nobody");
    request.workflow_run_timeout = timeout.map(|timeout| timeout.try_into().unwrap());
    let run = testbed.start(request).await;
    if timeout.is_some() {
        testbed
            .await_status(&workflow_id, WorkflowExecutionStatus::TimedOut)
            .await;
    }
    run
}

const SECOND: Option<Duration> = Some(Duration::from_secs(1));

async fn a_failed_run_is_told_with_its_rule(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
    let run = order(&testbed, "A-1", SECOND).await;
    let told = site
        .run("classify --workflow-id order-fulfillment-A-1")
        .well()
        .stdout;
    assert!(
        told.starts_with(&format!("order-fulfillment-A-1, run {run}, timed out at ")),
        "{told}"
    );
    for part in [
        "status       workflow_timed_out, by the timeout of the run",
        "restarted    yes: up to 5 restarts, the first at once",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    if way == Way::Ledger {
        assert!(!exists(&site.path("redrive.db")), "no ledger is made");
    }
}

async fn a_rule_of_the_policy_gives_a_run_its_status(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
    let run = order(&testbed, "A-1", SECOND).await;
    site.write(
        "redrive.toml",
        "[[policy.rules]]\nname = 'late'\nmessage = 'timed out'\nstatus = 'too_late'\n",
    );
    let command = format!("classify --workflow-id order-fulfillment-A-1 --run-id {run} -o json");
    let json = site.run(&command).well().json();
    assert_eq!(json["treatment"]["status"], "too_late", "{json}");
    assert_eq!(json["matched"]["rule"]["name"], "late");
    assert_eq!(json["restarted"], false);
    assert_eq!(json["runId"], run.as_str());
    assert_eq!(json["fingerprint"].as_str().unwrap().len(), 16);
}

async fn what_did_not_fail_or_is_not_there_is_said(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
    site.run("classify --workflow-id ORD-9").says(
        1,
        &format!(
            "error: Temporal knows no workflow ORD-9 in namespace {:?}.\nhint: check the id and \
             the namespace; Temporal forgets a closed run when its retention is over.",
            testbed.namespace
        ),
    );
    let run = order(&testbed, "B-1", None).await;
    site.run("classify --workflow-id order-fulfillment-B-1")
        .says(
            1,
            &format!(
                "error: run {run} of order-fulfillment-B-1 did not fail: it is running.\n\
             hint: name a run that failed with --run-id; without it the workflow's latest run is read."
            ),
        );
    let gone = "00000000-0000-4000-8000-000000000000";
    let ran = site.run(&format!(
        "classify --workflow-id order-fulfillment-B-1 --run-id {gone}"
    ));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr.starts_with(&format!(
            "error: Temporal knows no workflow order-fulfillment-B-1 with a run {gone} in namespace "
        )),
        "{ran:?}"
    );
    let ran = site.run("classify --workflow-id order-fulfillment-B-1 --run-id latest");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.stderr
            .ends_with("hint: check the workflow id and the run id.\n"),
        "{ran:?}"
    );
}

async fn a_run_whose_workflow_tried_again_by_itself_is_said(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
    let fails = |_: &Task| Move::fail("shipping_failed", "no carrier today");
    let _puppet = Puppet::spawn(&testbed.client, &testbed.namespace, "orders", fails);
    let id = "order-fulfillment-C-1";
    let mut request = testbed.start_request(id, "OrderFulfillmentWorkflow", "orders");
    request.retry_policy = Some(RetryPolicy {
        initial_interval: Some(Duration::from_millis(1).try_into().unwrap()),
        maximum_attempts: 2,
        ..Default::default()
    });
    let run = testbed.start(request).await;
    eventually("its second attempt to fail", || async {
        let latest = testbed.latest(id).await?;
        let second = latest.execution.as_ref()?.run_id != run;
        (second && latest.status == WorkflowExecutionStatus::Failed as i32).then_some(())
    })
    .await;
    site.run(&format!("classify --workflow-id {id} --run-id {run}")).says(
        1,
        &format!(
            "error: run {run} of {id} failed, and its workflow went on by itself as another run.\n\
             hint: name a run that failed with --run-id; without it the workflow's latest run is read."
        ),
    );
    site.run(&format!("classify --workflow-id {id}")).well();
}

#[test]
fn no_server_is_said() {
    Site::without_server().run("classify --workflow-id X").says(
        1,
        "error: no Temporal server answers at 127.0.0.1:1.\n\
         hint: start it, or set TEMPORAL_ADDRESS to where it listens; `redrive up` brings a server of its own.",
    );
}
