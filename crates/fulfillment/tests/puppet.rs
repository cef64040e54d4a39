//! The puppet against a real server: every move, and the speed that engine tests count on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use futures::{StreamExt, stream};
use redrive_fulfillment::{
    puppet::{Move, Puppet, Task},
    testbed::{Testbed, eventually, json_input},
};
use temporalio_common::protos::temporal::api::{
    common::v1::{RetryPolicy, WorkflowExecution},
    enums::v1::WorkflowExecutionStatus as Status,
    workflowservice::v1::RequestCancelWorkflowExecutionRequest,
};

const QUEUE: &str = "puppets";
const TYPE: &str = "OrderFulfillmentWorkflow";

fn spawn(bed: &Testbed, script: impl Fn(&Task) -> Move + Send + Sync + 'static) -> Puppet {
    Puppet::spawn(&bed.client, &bed.namespace, QUEUE, script)
}

#[tokio::test]
async fn fails_and_completes_as_the_script_says() {
    let bed = Testbed::connect("puppet-moves").await;
    let puppet = spawn(&bed, |task| match task.input_json::<serde_json::Value>() {
        Some(input) if input["fail"] == true => Move::fail("shipping_failed", "no carrier"),
        _ => Move::Complete,
    });
    for (id, fail) in [("bad", true), ("good", false)] {
        let mut request = bed.start_request(id, TYPE, QUEUE);
        request.input = Some(json_input(&serde_json::json!({ "fail": fail })));
        bed.start(request).await;
    }
    bed.await_status("bad", Status::Failed).await;
    bed.await_status("good", Status::Completed).await;
    puppet.stop().await;
}

#[tokio::test]
async fn a_retried_run_tells_its_attempt_and_its_first_run() {
    let bed = Testbed::connect("puppet-retry").await;
    let (seen, tasks) = std::sync::mpsc::channel();
    let puppet = spawn(&bed, move |task| {
        seen.send(task.clone()).expect("the test listens");
        match task.attempt {
            1 => Move::fail("slam_failed", "once"),
            _ => Move::Complete,
        }
    });
    let mut request = bed.start_request("retried", TYPE, QUEUE);
    request.retry_policy = Some(RetryPolicy {
        initial_interval: Duration::from_millis(10).try_into().ok(),
        maximum_attempts: 2,
        ..Default::default()
    });
    let first = bed.start(request).await;
    let latest = bed.await_status("retried", Status::Completed).await;
    puppet.stop().await;
    let tasks: Vec<Task> = tasks.iter().collect();
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks[1].first_run_id, first);
    assert_ne!(tasks[1].run_id, first);
    assert_eq!(tasks[1].attempt, 2);
    assert_eq!(latest.first_run_id, first);
}

#[tokio::test]
async fn continues_as_new_with_the_same_input_and_memo() {
    let bed = Testbed::connect("puppet-can").await;
    let (seen, tasks) = std::sync::mpsc::channel();
    let puppet = spawn(&bed, move |task| {
        seen.send(task.clone()).expect("the test listens");
        match task.is_continued() {
            false => Move::ContinueAsNew,
            true => Move::fail("planning_failed", "after continuing"),
        }
    });
    let mut request = bed.start_request("continued", TYPE, QUEUE);
    let order = serde_json::json!({"orderId": "7"});
    request.input = Some(json_input(&order));
    let first = bed.start(request).await;
    bed.await_status("continued", Status::Failed).await;
    puppet.stop().await;
    let last = tasks.iter().last().expect("two tasks were answered");
    assert_eq!(last.first_run_id, first);
    assert_eq!(last.input_json::<serde_json::Value>(), Some(order));
}

#[tokio::test]
async fn leaves_a_run_open_until_it_is_cancelled() {
    let bed = Testbed::connect("puppet-open").await;
    let puppet = spawn(&bed, |task| match task.cancel_requested {
        true => Move::Cancel,
        false => Move::Nothing,
    });
    bed.start(bed.start_request("open", TYPE, QUEUE)).await;
    eventually("the first workflow task to be answered", || async {
        let run = bed.latest("open").await?;
        (run.history_length >= 4).then_some(())
    })
    .await;
    let run = bed.latest("open").await.expect("the run exists");
    assert_eq!(run.status, Status::Running as i32);
    cancel(&bed, "open").await;
    bed.await_status("open", Status::Canceled).await;
    puppet.stop().await;
}

#[tokio::test]
async fn two_hundred_failed_runs_pass_through() {
    let bed = Testbed::connect("puppet-many").await;
    let answered = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&answered);
    let puppet = spawn(&bed, move |task| {
        count.fetch_add(1, Ordering::Relaxed);
        Move::fail(
            "shipping_failed",
            format!("{} not shipped", task.workflow_id),
        )
    });
    stream::iter(0..200)
        .for_each_concurrent(16, |n| {
            let bed = bed.clone();
            async move {
                bed.start(bed.start_request(&format!("order-{n}"), TYPE, QUEUE))
                    .await;
            }
        })
        .await;
    eventually("200 answers", || async {
        (answered.load(Ordering::Relaxed) >= 200).then_some(())
    })
    .await;
    puppet.stop().await;
}

async fn cancel(bed: &Testbed, workflow_id: &str) {
    let request = RequestCancelWorkflowExecutionRequest {
        namespace: bed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: workflow_id.to_owned(),
            run_id: String::new(),
        }),
        ..Default::default()
    };
    bed.service()
        .request_cancel_workflow_execution(tonic::Request::new(request))
        .await
        .expect("the run is open");
}
