//! Orders of every class on a real server: how their first chains end, and that a restart does what the plan says.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use redrive_fulfillment::{
    Class, Expected, FaultPlan, FulfillmentWorker, PlannedOrder, Stage, StartOptions, TASK_QUEUE,
    Warehouse, Window,
    starter::{self, start_orders},
    testbed::{Testbed, eventually},
};
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::{EventType, WorkflowExecutionStatus as Status},
    history::v1::{HistoryEvent, history_event::Attributes},
    query::v1::WorkflowQuery,
    workflowservice::v1::{GetWorkflowExecutionHistoryRequest, QueryWorkflowRequest},
};

/// A server namespace, a warehouse that follows a plan, and a worker.
struct Site {
    bed: Testbed,
    plan: FaultPlan,
    dir: tempfile::TempDir,
    warehouse: Warehouse,
    worker: FulfillmentWorker,
}

impl Site {
    async fn open(name: &str, plan: FaultPlan) -> Self {
        let bed = Testbed::connect(name).await;
        let dir = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::create(dir.path(), &plan, Timestamp::UNIX_EPOCH).unwrap();
        let worker = FulfillmentWorker::spawn(bed.client.clone(), TASK_QUEUE, dir.path())
            .await
            .unwrap();
        Self {
            bed,
            plan,
            dir,
            warehouse,
            worker,
        }
    }

    async fn start_all(&self) {
        let options = StartOptions::default();
        let started = start_orders(&self.bed.client, &self.plan, &options)
            .await
            .unwrap();
        assert_eq!(started.len(), self.plan.orders.len());
    }

    /// Starts an order anew, as a redrive would: the same request with another request id.
    async fn restart(&self, order: &PlannedOrder) {
        let options = StartOptions::default();
        let mut request = starter::request(&self.bed.client, &self.plan, order, &options);
        request.request_id = uuid::Uuid::new_v4().to_string();
        self.bed.start(request).await;
    }

    /// How the latest run of an order closed, once it has.
    async fn close(&self, order: &PlannedOrder) -> Status {
        let id = order.workflow_id();
        eventually(&format!("{id} to close"), || async {
            let run = self.bed.latest(&id).await?;
            (run.status() != Status::Running).then(|| run.status())
        })
        .await
    }

    async fn history(&self, workflow_id: &str) -> Vec<HistoryEvent> {
        let request = GetWorkflowExecutionHistoryRequest {
            namespace: self.bed.namespace.clone(),
            execution: Some(latest(workflow_id)),
            ..Default::default()
        };
        let answer = self
            .bed
            .service()
            .get_workflow_execution_history(tonic::Request::new(request))
            .await
            .unwrap();
        answer.into_inner().history.unwrap().events
    }

    async fn status(&self, workflow_id: &str) -> serde_json::Value {
        let request = QueryWorkflowRequest {
            namespace: self.bed.namespace.clone(),
            execution: Some(latest(workflow_id)),
            query: Some(WorkflowQuery {
                query_type: "getStatus".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let answer = self
            .bed
            .service()
            .query_workflow(tonic::Request::new(request))
            .await
            .unwrap();
        let payloads = answer.into_inner().query_result.unwrap().payloads;
        serde_json::from_slice(&payloads[0].data).unwrap()
    }

    async fn close_site(self) {
        self.worker.stop().await.unwrap();
    }
}

fn latest(workflow_id: &str) -> WorkflowExecution {
    WorkflowExecution {
        workflow_id: workflow_id.to_owned(),
        run_id: String::new(),
    }
}

fn failure_of(history: &[HistoryEvent]) -> (String, String) {
    let Some(Attributes::WorkflowExecutionFailedEventAttributes(failed)) =
        &history.last().unwrap().attributes
    else {
        panic!("the run did not fail: {:?}", history.last());
    };
    let failure = failed.failure.clone().unwrap();
    let r#type = failure.maybe_application_failure().unwrap().r#type.clone();
    (r#type, failure.message)
}

fn scheduled_activities(history: &[HistoryEvent]) -> Vec<String> {
    history
        .iter()
        .filter(|event| event.event_type() == EventType::ActivityTaskScheduled)
        .map(|event| match &event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => {
                scheduled.activity_type.clone().unwrap().name
            }
            other => panic!("not a scheduled activity: {other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn a_smooth_order_passes_every_stage_once_and_tells_so() {
    let site = Site::open("orders-smooth", FaultPlan::smooth(7, 3)).await;
    site.start_all().await;
    for order in &site.plan.orders {
        assert_eq!(site.close(order).await, Status::Completed);
    }
    let id = site.plan.orders[0].workflow_id();
    let log = site.warehouse.performed().unwrap();
    let stages: Vec<Stage> = log
        .iter()
        .filter(|line| line.workflow_id == id)
        .map(|line| line.stage)
        .collect();
    assert_eq!(stages, Stage::ALL);
    let expected = serde_json::json!({
        "orderId": "ORD-7-00000", "currentStage": null, "status": "completed", "completionPercent": 100,
        "completedStages": 6, "totalStages": 6, "error": null,
    });
    assert_eq!(site.status(&id).await, expected);
    site.close_site().await;
}

#[tokio::test]
async fn a_failed_pick_releases_its_reservation_first() {
    let class = Class::Poison {
        stage: Stage::WesExecution,
    };
    let site = Site::open("orders-pick", FaultPlan::uniform(7, 1, &class)).await;
    site.start_all().await;
    let order = &site.plan.orders[0];
    assert_eq!(site.close(order).await, Status::Failed);
    let history = site.history(&order.workflow_id()).await;
    assert_eq!(
        scheduled_activities(&history),
        [
            "validation",
            "planning",
            "wes_execution",
            "release_reservation"
        ]
    );
    let (r#type, message) = failure_of(&history);
    assert_eq!(r#type, "wes_execution_failed");
    assert!(message.contains("ORD-7-00000"), "{message}");
    let status = site.status(&order.workflow_id()).await;
    assert_eq!(status["status"], "failed");
    assert_eq!(status["currentStage"], "wes_execution");
    assert_eq!(status["completionPercent"], 33);
    assert_eq!(status["error"], message);
    site.close_site().await;
}

#[tokio::test]
async fn an_order_that_continues_as_new_carries_its_stages_over() {
    let class = Class::ContinuesAsNew {
        stage: Stage::Sortation,
    };
    let site = Site::open("orders-continue", FaultPlan::uniform(7, 1, &class)).await;
    site.start_all().await;
    let order = &site.plan.orders[0];
    eventually("the chain to fail", || async {
        let run = site.bed.latest(&order.workflow_id()).await?;
        (run.status() == Status::Failed).then_some(())
    })
    .await;
    let log = site.warehouse.performed().unwrap();
    let runs: BTreeMap<&str, Vec<Stage>> = log.iter().fold(BTreeMap::new(), |mut runs, line| {
        runs.entry(line.run_id.as_str())
            .or_insert_with(Vec::new)
            .push(line.stage);
        runs
    });
    let mut done: Vec<_> = runs.values().cloned().collect();
    done.sort();
    assert_eq!(
        done,
        [
            vec![Stage::Validation, Stage::Planning],
            vec![Stage::WesExecution, Stage::Slam]
        ]
    );
    let first_runs: std::collections::BTreeSet<_> =
        log.iter().map(|line| &line.first_run_id).collect();
    assert_eq!(first_runs.len(), 1);
    site.close_site().await;
}

#[tokio::test]
async fn a_retry_policy_recovers_in_its_own_chain_or_exhausts_it() {
    for (runs, end) in [(1, Status::Completed), (2, Status::Failed)] {
        let class = Class::RetryPolicy {
            stage: Stage::Validation,
            runs,
            maximum_attempts: 2,
        };
        let site = Site::open("orders-retry", FaultPlan::uniform(7, 1, &class)).await;
        site.start_all().await;
        let order = &site.plan.orders[0];
        let id = order.workflow_id();
        let run = eventually("the chain's second run to close", || async {
            let run = site.bed.latest(&id).await?;
            let second = run.execution.as_ref()?.run_id != run.first_run_id;
            (second && run.status() != Status::Running).then_some(run)
        })
        .await;
        assert_eq!(run.status(), end);
        site.close_site().await;
    }
}

#[tokio::test]
async fn starting_the_orders_again_starts_nothing() {
    let site = Site::open("orders-twice", FaultPlan::smooth(7, 4)).await;
    site.start_all().await;
    for order in &site.plan.orders {
        site.close(order).await;
    }
    let options = StartOptions::default();
    start_orders(&site.bed.client, &site.plan, &options)
        .await
        .unwrap();
    for order in &site.plan.orders {
        site.close(order).await;
    }
    assert_eq!(site.warehouse.performed().unwrap().len(), 4 * 6);
    site.close_site().await;
}

#[tokio::test]
async fn a_new_worker_goes_on_where_the_old_one_stopped() {
    let class = Class::Transient {
        stage: Stage::Slam,
        runs: 1,
    };
    let site = Site::open("orders-handover", FaultPlan::uniform(7, 2, &class)).await;
    site.start_all().await;
    for order in &site.plan.orders {
        assert_eq!(site.close(order).await, Status::Failed);
    }
    site.worker.stop().await.unwrap();
    let worker = FulfillmentWorker::spawn(site.bed.client.clone(), TASK_QUEUE, site.dir.path())
        .await
        .unwrap();
    let site = Site { worker, ..site };
    for order in &site.plan.orders {
        site.restart(order).await;
        assert_eq!(site.close(order).await, Status::Completed);
    }
    site.close_site().await;
}

/// A hand-made redrive: what fails is started again, six runs at most, until the plan has come to its end.
#[tokio::test]
async fn every_class_ends_as_expected() {
    let plan = FaultPlan::seeded(7, 40).with_outage(Stage::Shipping, Window::UntilReleased);
    let site = Site::open("orders-classes", plan).await;
    site.start_all().await;
    let mut ends = BTreeMap::new();
    for round in 0..=5 {
        for order in &site.plan.orders {
            if ends.get(&order.order_id) == Some(&Status::Completed) {
                continue;
            }
            if round > 0 {
                site.restart(order).await;
            }
        }
        for order in &site.plan.orders {
            let end = settled(&site, order).await;
            ends.insert(order.order_id.clone(), end);
        }
        site.warehouse.release(Stage::Shipping).unwrap();
    }
    for order in &site.plan.orders {
        let end = match ends[&order.order_id] {
            Status::Completed => Expected::Completes,
            _ => Expected::DeadLetter,
        };
        assert_eq!(end, order.class.expected(), "{order:?}");
    }
    site.close_site().await;
}

/// How a chain ended: a failed or continued run that has a successor is not the end.
async fn settled(site: &Site, order: &PlannedOrder) -> Status {
    let id = order.workflow_id();
    eventually(&format!("the chain of {id} to end"), || async {
        let run = site.bed.latest(&id).await?;
        let ended = !matches!(run.status(), Status::Running | Status::ContinuedAsNew);
        ended.then(|| run.status())
    })
    .await
}
