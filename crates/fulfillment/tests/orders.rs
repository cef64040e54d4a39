//! Orders of every class on a real server: how their first chains end, and that a restart does what the plan says.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use redrive_fulfillment::{
    Class, Expected, FaultPlan, FulfillmentWorker, Stage, StartOptions, TASK_QUEUE, Window,
    start_orders, testbed::eventually,
};
use site::{Site, failure_of, scheduled_activities};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

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
    site.shut().await;
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
    site.shut().await;
}

#[tokio::test]
async fn an_order_that_continues_as_new_carries_its_stages_over() {
    let class = Class::ContinuesAsNew {
        stage: Stage::Sortation,
    };
    let site = Site::open("orders-continue", FaultPlan::uniform(7, 1, &class)).await;
    site.start_all().await;
    let order = &site.plan.orders[0];
    assert_eq!(site.close_chain(order).await, Status::Failed);
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
    let first_runs: BTreeSet<_> = log.iter().map(|line| &line.first_run_id).collect();
    assert_eq!(first_runs.len(), 1);
    site.shut().await;
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
        site.shut().await;
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
    site.shut().await;
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
    site.shut().await;
}

#[tokio::test]
async fn stopping_the_worker_does_not_wait_for_a_stuck_stage() {
    let class = Class::Slow {
        stage: Stage::Validation,
        run_timeout_ms: 60_000,
    };
    let site = Site::open("orders-stuck", FaultPlan::uniform(7, 1, &class)).await;
    site.start_all().await;
    eventually("the stage to get stuck", || async {
        let failed = std::fs::read(site.dir.path().join("failed-runs.jsonl"));
        (!failed.ok()?.is_empty()).then_some(())
    })
    .await;
    tokio::time::timeout(Duration::from_secs(9), site.shut())
        .await
        .unwrap();
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
            let end = site.close_chain(order).await;
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
    site.shut().await;
}
