//! What makes something run: a retry, a batch.

use axum::http::StatusCode;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::puppet::{Move, Puppet};
use redrive_fulfillment::testbed::eventually;
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use crate::world::{TYPE, World, ann};

const QUEUE: &str = "orders";

#[tokio::test]
async fn a_manual_retry_really_starts_the_order_again() {
    let world = World::alive("api-retry").await;
    let bed = &world.bed;
    let _puppet = Puppet::spawn(&bed.client, &bed.namespace, QUEUE, |_| {
        Move::fail("shipping_failed", "no carrier")
    });
    let worker = world.worker().await;
    let first = bed.start(bed.start_request("order-A1", TYPE, QUEUE)).await;
    bed.await_status("order-A1", WorkflowExecutionStatus::Failed)
        .await;

    // The batch finds it, and starts it once; then somebody puts it into the queue.
    eventually("a batch to find the order", || async {
        let (status, started) = world.send("POST", "/api/v1/batches", json!({})).await;
        assert_eq!(status, StatusCode::CREATED, "{started}");
        let path = format!("/api/v1/batches/{}", started["batchId"].as_str()?);
        eventually("the batch to end", || async {
            let (_, batch) = world.get(&path).await;
            (batch["status"] == "completed").then_some(())
        })
        .await;
        let (status, _) = world.get("/api/v1/orders/A1").await;
        (status == StatusCode::OK).then_some(())
    })
    .await;
    eventually("the order to fail again", || async {
        let latest = bed.latest("order-A1").await?;
        let ended = latest.status() == WorkflowExecutionStatus::Failed;
        (ended && latest.execution?.run_id != first).then_some(())
    })
    .await;
    eventually("a batch to learn it", || async {
        let (_, started) = world
            .send("POST", "/api/v1/batches", json!({ "maxOrders": 1 }))
            .await;
        started["batchId"].as_str()?;
        let park = ann("look at it").into();
        let now = SystemClock.now();
        world
            .ledger
            .park(&"order-A1".into(), &park, now)
            .await
            .unwrap()
    })
    .await;

    let before = bed.latest("order-A1").await.unwrap();
    let retry = json!({ "resolution": "manual_retry", "resolvedBy": "ann" });
    let path = "/api/v1/dead-letter-queue/A1/resolve";
    let (status, entry) = world.send("PATCH", path, retry.clone()).await;
    assert_eq!(
        (status, &entry["resolution"]),
        (StatusCode::OK, &json!("manual_retry")),
        "{entry}"
    );
    // It fails at once, and a batch that still runs may have started it once more.
    let after = bed.latest("order-A1").await.unwrap().execution.unwrap();
    let before = before.execution.unwrap().run_id;
    assert_ne!(before, after.run_id);
    assert_eq!(entry["retry"]["outcome"], "started");
    assert_ne!(entry["retry"]["runId"], json!(before));
    let (status, body) = world.send("PATCH", path, retry).await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::BAD_REQUEST, &json!("ALREADY_RESOLVED"))
    );
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_that_has_ended_hears_nothing() {
    let world = World::alive("api-ended").await;
    for deed in ["pause", "resume", "stop"] {
        let (status, body) = world
            .send("POST", &format!("/api/v1/batches/nobody/{deed}"), json!({}))
            .await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::NOT_FOUND, &json!("NOT_FOUND")),
            "{body}"
        );
    }
    let (status, body) = world
        .send("POST", "/api/v1/batches", json!({ "maxOrders": 0 }))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
}

#[tokio::test]
async fn a_failure_is_reported_before_any_scan_finds_it() {
    let world = World::alive("api-report").await;
    let bed = &world.bed;
    let _puppet = Puppet::spawn(&bed.client, &bed.namespace, QUEUE, |task| {
        match task.workflow_id.as_str() {
            "order-A2" => Move::Nothing,
            _ => Move::fail("shipping_failed", "no carrier"),
        }
    });
    let first = bed.start(bed.start_request("order-A1", TYPE, QUEUE)).await;
    bed.start(bed.start_request("order-A2", TYPE, QUEUE)).await;
    bed.start(bed.start_request("other", "NotWatched", QUEUE))
        .await;
    for id in ["order-A1", "other"] {
        bed.await_status(id, WorkflowExecutionStatus::Failed).await;
    }
    let path = "/api/v1/reprocessing/orders/A1/retry-count";
    let report = json!({ "failureReason": "no carrier", "runId": first });
    for _ in 0..2 {
        let (status, count) = world.send("POST", path, report.clone()).await;
        assert_eq!(status, StatusCode::OK, "{count}");
        assert_eq!(
            (
                &count["retryCount"],
                &count["failureStatus"],
                &count["isEligibleForRetry"]
            ),
            (&json!(0), &json!("shipping_failed"), &json!(true))
        );
    }
    let (_, failures) = world.get("/api/v1/failures").await;
    assert_eq!(failures["data"].as_array().unwrap().len(), 1, "{failures}");

    // The order's own id is enough, and so is a run that has failed; what has not failed is not taken in.
    for (order, status, error) in [
        ("A2", StatusCode::CONFLICT, "CONFLICT"),
        ("A3", StatusCode::NOT_FOUND, "NOT_FOUND"),
        ("other", StatusCode::NOT_FOUND, "NOT_FOUND"),
    ] {
        let path = format!("/api/v1/reprocessing/orders/{order}/retry-count");
        let (answered, body) = world.send("POST", &path, json!({})).await;
        assert_eq!(
            (answered, &body["error"]),
            (status, &json!(error)),
            "{body}"
        );
        let (answered, _) = world.get(&path).await;
        assert_eq!(answered, StatusCode::NOT_FOUND);
    }
    let other = json!({ "workflowId": "other" });
    let (answered, body) = world.send("POST", path, other).await;
    assert_eq!(
        answered,
        StatusCode::NOT_FOUND,
        "a type that is not watched is nobody's order: {body}"
    );
}

#[tokio::test]
async fn a_cursor_goes_through_the_orders_of_a_batch() {
    let world = World::alive("api-cursor").await;
    let bed = &world.bed;
    let _puppet = Puppet::spawn(&bed.client, &bed.namespace, QUEUE, |_| {
        Move::fail("shipping_failed", "no carrier")
    });
    let worker = world.worker().await;
    let orders = ["A1", "A2", "A3"];
    for order in orders {
        let workflow_id = format!("order-{order}");
        bed.start(bed.start_request(&workflow_id, TYPE, QUEUE))
            .await;
        bed.await_status(&workflow_id, WorkflowExecutionStatus::Failed)
            .await;
        let report = format!("/api/v1/reprocessing/orders/{order}/retry-count");
        let (status, count) = world.send("POST", &report, json!({})).await;
        assert_eq!(status, StatusCode::OK, "{count}");
    }
    let (_, started) = world.send("POST", "/api/v1/batches", json!({})).await;
    let path = format!("/api/v1/batches/{}", started["batchId"].as_str().unwrap());
    eventually("the batch to end", || async {
        let (_, batch) = world.get(&path).await;
        (batch["status"] == "completed").then_some(())
    })
    .await;

    let mut found = Vec::new();
    let mut next = format!("{path}?limit=2");
    loop {
        let (status, page) = world.get(&next).await;
        assert_eq!(
            (status, &page["result"]["foundCount"]),
            (StatusCode::OK, &json!(3)),
            "{page}"
        );
        let data = page["orders"].as_array().unwrap().clone();
        found.push(data.len());
        for order in data {
            assert_eq!(order["verdict"], "restarted", "{order}");
            assert!(
                orders.contains(&order["orderId"].as_str().unwrap()),
                "{order}"
            );
        }
        match page["nextCursor"].as_str() {
            Some(cursor) => next = format!("{path}?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, [2, 1]);
    for (verdict, orders) in [("restarted", 3), ("dlq", 0), ("", 3)] {
        let (_, page) = world.get(&format!("{path}?verdict={verdict}")).await;
        let found = page["orders"].as_array().unwrap().len();
        assert_eq!(found, orders, "{verdict}: {page}");
    }
    let (status, _) = world.get(&format!("{path}?verdict=lost")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    worker.stop().await.unwrap();
}
