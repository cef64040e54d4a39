//! Telling a batch that runs: pause, resume, stop.

use redrive_fulfillment::testbed::{Testbed, eventually_within};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use super::site::Site;

/// A site with a worker and orders that fail, of which a batch starts one a second.
async fn slow_batch(testbed: &Testbed, site: &Site) {
    site.write(
        "redrive.toml",
        "[schedule]\nmanage = false\n[policy]\nstarts_per_second = 1.0\nbatch_size = 1\n",
    );
    for n in 0..30 {
        let id = format!("order-fulfillment-S-{n}");
        let mut request = testbed.start_request(&id, "OrderFulfillmentWorkflow", "nobody");
        let second = std::time::Duration::from_secs(1);
        request.workflow_run_timeout = Some(second.try_into().unwrap());
        testbed.start(request).await;
    }
    for n in 0..30 {
        let id = format!("order-fulfillment-S-{n}");
        testbed
            .await_status(&id, WorkflowExecutionStatus::TimedOut)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_runs_is_paused_resumed_and_stopped() {
    let testbed = Testbed::connect("control").await;
    let site = Site::on(&testbed);
    slow_batch(&testbed, &site).await;
    let worker = site.start("worker");
    worker.hear("Ready.");
    site.run("batches pause").says(
        1,
        "error: no batch runs now: `redrive batches list` shows those that ended",
    );
    let batch = site.run("run --no-wait -o json").well().json();
    let id = batch["workflowId"].as_str().unwrap();
    let limit = std::time::Duration::from_secs(60);
    let found = || {
        let shown = site.run(&format!("batches show {id} -o json"));
        (shown.code == Some(0)).then(|| shown.json()["result"]["foundCount"].as_u64().unwrap())
    };
    eventually_within(limit, "the batch to begin", || async {
        found().filter(|found| *found > 0)
    })
    .await;

    let paused = site.run("batches pause --reason look").well();
    assert!(
        paused
            .stdout
            .contains("claims no more orders until `redrive batches resume`"),
        "{paused:?}"
    );
    let resumed = site
        .run(&format!("batches resume {id} -o json"))
        .well()
        .json();
    assert_eq!(
        (resumed["told"].as_str(), resumed["workflowId"].as_str()),
        (Some("resume"), Some(id))
    );
    let stopped = site.run("batches stop --reason enough").well();
    assert!(
        stopped.stdout.contains("ends: it gives back"),
        "{stopped:?}"
    );
    let ended = eventually_within(limit, "the batch to end", || async {
        let shown = site
            .run(&format!("batches show {id} -o json"))
            .well()
            .json();
        (shown["status"] != "running").then_some(shown)
    })
    .await;
    assert_eq!(
        (
            ended["status"].as_str(),
            ended["result"]["truncated"].as_bool()
        ),
        (Some("partial"), Some(true))
    );
    assert!(
        ended["result"]["foundCount"].as_u64().unwrap() < 30,
        "{ended}"
    );
    let told = format!("error: the batch {id} has ended: `redrive batches show {id}` tells how");
    site.run(&format!("batches stop {id}")).says(1, &told);
    site.run("batches stop nobody").says(
        1,
        "error: no batch \"nobody\" is known: `redrive batches list` shows those that are",
    );
    let audit = site.run("audit list --by ann -o json").well().json();
    let acts: Vec<&str> = audit
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["action"].as_str().unwrap())
        .collect();
    assert_eq!(acts[..3], ["batch_stop", "batch_resume", "batch_pause"]);
    assert_eq!(audit[0]["detail"], id);
}
