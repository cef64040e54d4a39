//! Telling a batch that runs: pause, resume, stop.

use redrive_fulfillment::testbed::{Testbed, eventually_within};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_common::protos::temporal::api::workflowservice::v1::TerminateWorkflowExecutionRequest;

use super::site::{Site, Way};
use super::ways::both_ways;

both_ways!(
    a_batch_that_runs_is_paused_resumed_and_stopped,
    a_batch_that_no_worker_has_begun_hears_when_one_does,
    what_runs_is_what_the_server_says,
);

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

async fn a_batch_that_runs_is_paused_resumed_and_stopped(way: Way) {
    let testbed = Testbed::connect("control").await;
    let site = Site::on(&testbed).by(way);
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
    // Its row is finished a moment before its workflow.
    testbed
        .await_status(id, WorkflowExecutionStatus::Completed)
        .await;
    let told = format!("error: the batch {id} has ended: `redrive batches show {id}` tells how");
    site.run(&format!("batches stop {id}")).says(1, &told);
    site.run("batches stop nobody").says(
        1,
        "error: no batch \"nobody\" is known: `redrive batches list` shows those that are; a new one is, once a worker has taken it up",
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

/// Starts a batch that nobody works on: its workflow id and batch id.
fn begun(site: &Site) -> (String, String) {
    let begun = site.run("run --no-wait -o json").well().json();
    let text = |key: &str| begun[key].as_str().unwrap().to_owned();
    (text("workflowId"), text("batchId"))
}

async fn a_batch_that_no_worker_has_begun_hears_when_one_does(way: Way) {
    let testbed = Testbed::connect("control").await;
    let site = Site::on(&testbed).by(way);
    site.run("migrate").well();
    let (id, batch_id) = begun(&site);
    let told = site
        .run(&format!("batches pause {id} --reason look"))
        .well();
    assert_eq!(
        (told.stdout, told.stderr),
        (
            format!("{id} is told to pause, and has not answered yet.\n"),
            "hint: no worker polls the task queue \"orchestrator\": it hears this when one does (`redrive worker`).\n"
                .to_owned()
        )
    );
    let worker = site.start("worker");
    worker.hear("Ready.");
    let limit = std::time::Duration::from_secs(60);
    let paused = eventually_within(limit, "the batch to wait", || async {
        let told = site.run("batches pause -o json").well().json();
        (told["progress"]["phase"] == "restarting").then_some(told)
    })
    .await;
    assert_eq!(paused["heard"], true);
    assert_eq!(paused["progress"]["paused"], true);
    assert_eq!(
        (paused["workflowId"].as_str(), paused["batchId"].as_str()),
        (Some(id.as_str()), Some(batch_id.as_str()))
    );
    let told = site.run("batches pause").well().stdout;
    assert_eq!(
        told,
        format!(
            "{id} claims no more orders until `redrive batches resume`; its deadline stays. It is restarting: 0 of 0 \
             chunks done, 0 orders claimed.\n"
        )
    );
    let resumed = site
        .run(&format!("batches resume {batch_id}"))
        .well()
        .stdout;
    assert!(
        resumed.starts_with(&format!("{id} goes on. It is ")),
        "{resumed}"
    );
    testbed
        .await_status(&id, WorkflowExecutionStatus::Completed)
        .await;
}

async fn what_runs_is_what_the_server_says(way: Way) {
    let testbed = Testbed::connect("control").await;
    let site = Site::on(&testbed).by(way);
    site.run("migrate").well();
    let mut ids = [begun(&site).0, begun(&site).0];
    ids.sort();
    let limit = std::time::Duration::from_secs(60);
    let several = format!(
        "error: several batches run: name one of {}, {}",
        ids[0], ids[1]
    );
    eventually_within(limit, "both to show", || async {
        (site.run("batches pause").stderr.trim_end() == several).then_some(())
    })
    .await;
    // One is terminated in its midst: its row says that it runs until the next batch finishes it.
    for id in &ids {
        site.run(&format!("batches pause {id}")).well();
    }
    let worker = site.start("worker");
    worker.hear("Ready.");
    eventually_within(limit, "both to have rows", || async {
        let rows = site.run("batches list -o json").well().json();
        (rows.as_array().unwrap().len() == 2).then_some(())
    })
    .await;
    let request = TerminateWorkflowExecutionRequest {
        namespace: testbed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: ids[0].clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let request = tonic::Request::new(request);
    testbed
        .service()
        .terminate_workflow_execution(request)
        .await
        .unwrap();
    let stopped = site
        .run("batches stop --reason enough -o json")
        .well()
        .json();
    assert_eq!(stopped["workflowId"], ids[1].as_str());
}
