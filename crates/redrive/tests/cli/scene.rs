//! A namespace of its own with orders that fail at once, and a worker of ours: what commands that need a server work on.

use std::collections::HashMap;
use std::sync::Mutex;

use redrive_fulfillment::puppet::{Move, Puppet, Task};
use redrive_fulfillment::testbed::{Testbed, eventually};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_common::protos::temporal::api::workflowservice::v1::CountWorkflowExecutionsRequest;
use tonic::Request;

use super::site::{Site, Stays, Way};

/// The queue that the puppet answers.
const QUEUE: &str = "orders";
/// A schedule that no test lives to see tick.
pub const NEVER: &str = "[schedule]\nmanage = false\ninterval = \"168h\"\n";

/// The scene of one test.
pub struct Scene {
    pub testbed: Testbed,
    pub site: Site,
    _puppet: Puppet,
    worker: Option<Stays>,
}

impl Scene {
    /// Orders whose first run fails with that status, and whose later runs go on; those of status `repaired` complete then,
    /// and those of status `runs` do not fail at all. The worker is not there yet.
    pub async fn set(config: &str, orders: &[(&str, &'static str)]) -> Self {
        let testbed = Testbed::connect("told").await;
        let site = Site::on(&testbed);
        site.write("redrive.toml", config);
        let statuses = orders
            .iter()
            .map(|(order, status)| (format!("order-fulfillment-{order}"), *status))
            .collect();
        let puppet = Puppet::spawn(&testbed.client, &testbed.namespace, QUEUE, play(statuses));
        let scene = Self {
            testbed,
            site,
            _puppet: puppet,
            worker: None,
        };
        let mut failed = 0;
        // One after the other: their failures are found in the order in which they happened.
        for (order, status) in orders {
            scene.start(order).await;
            if *status != "runs" {
                scene.becomes(order, WorkflowExecutionStatus::Failed).await;
                failed += 1;
            }
        }
        scene.visibility_shows(failed).await;
        scene
    }

    /// The same scene, whose commands work that way.
    pub fn by(self, way: Way) -> Self {
        Self {
            site: self.site.by(way),
            ..self
        }
    }

    /// Starts a run of the order, as the order service or an operator does.
    pub async fn start(&self, order: &str) {
        let id = format!("order-fulfillment-{order}");
        let request = self
            .testbed
            .start_request(&id, "OrderFulfillmentWorkflow", QUEUE);
        self.testbed.start(request).await;
    }

    /// Waits until the order's latest run has that status.
    pub async fn becomes(&self, order: &str, status: WorkflowExecutionStatus) {
        let id = format!("order-fulfillment-{order}");
        self.testbed.await_status(&id, status).await;
    }

    async fn visibility_shows(&self, failed: i64) {
        eventually("visibility to show the failures", || async {
            let request = CountWorkflowExecutionsRequest {
                namespace: self.testbed.namespace.clone(),
                query: "ExecutionStatus = 'Failed'".to_owned(),
            };
            let counted = self
                .testbed
                .service()
                .count_workflow_executions(Request::new(request))
                .await;
            (counted.unwrap().into_inner().count >= failed).then_some(())
        })
        .await;
    }

    /// Starts the worker.
    pub fn works(&mut self) {
        let worker = self.site.start("worker");
        worker.hear("Ready.");
        self.worker = Some(worker);
    }

    /// Starts the worker, and lets a batch take in what failed without restarting any of it.
    pub fn knows(&mut self) {
        self.works();
        self.site.run("run --status taken-in-only").well();
    }
}

/// Answers each run once by its order's status.
fn play(statuses: HashMap<String, &'static str>) -> impl Fn(&Task) -> Move + Send + Sync {
    let first: Mutex<HashMap<String, String>> = Mutex::default();
    move |task| {
        let mut first = first.lock().unwrap();
        let first = first
            .entry(task.workflow_id.clone())
            .or_insert_with(|| task.run_id.clone());
        match statuses[&task.workflow_id] {
            "runs" => Move::Nothing,
            status if *first == task.run_id => Move::fail(
                if status == "repaired" {
                    "slam_failed"
                } else {
                    status
                },
                format!("no carrier takes {} today", task.workflow_id),
            ),
            "repaired" => Move::Complete,
            _ => Move::Nothing,
        }
    }
}
