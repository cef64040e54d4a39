//! Batches through the API: listed, rehearsed, started for one order, followed to their end; and older failures.

use axum::http::StatusCode;
use insta::assert_json_snapshot;
use redrive_fulfillment::puppet::{Move, Puppet};
use redrive_fulfillment::testbed::eventually;
use redrive_ledger::{BatchEnd, BatchOpening};
use serde_json::{Value, json};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_common::protos::temporal::api::workflowservice::v1::TerminateWorkflowExecutionRequest;
use tonic::Request;

use crate::world::{On, TYPE, World, at, on_both};

const QUEUE: &str = "orders";

async fn ok(world: &World, path: &str) -> Value {
    let (status, body) = world.get(path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

async fn refused(world: &World, method: &str, path: &str, body: Value) -> (StatusCode, String) {
    let (status, told) = match method {
        "GET" => world.get(path).await,
        _ => world.send(method, path, body).await,
    };
    let error = told["error"].as_str();
    (status, error.unwrap_or_else(|| panic!("{told}")).to_owned())
}

/// Orders that fail as often as they run.
async fn failing(world: &World, orders: &[&str]) -> Puppet {
    let bed = &world.bed;
    let puppet = Puppet::spawn(&bed.client, &bed.namespace, QUEUE, |_| {
        Move::fail("shipping_failed", "no carrier")
    });
    for order in orders {
        let id = format!("order-{order}");
        bed.start(bed.start_request(&id, TYPE, QUEUE)).await;
        bed.await_status(&id, WorkflowExecutionStatus::Failed).await;
    }
    puppet
}

/// Makes them known.
async fn reported(world: &World, orders: &[&str]) {
    for order in orders {
        let path = format!("/api/v1/reprocessing/orders/{order}/retry-count");
        let (status, count) = world.send("POST", &path, json!({})).await;
        assert_eq!(status, StatusCode::OK, "{count}");
    }
}

on_both!(the_list_goes_on_after_a_page);
async fn the_list_goes_on_after_a_page(world: World) {
    for (minute, batch) in (1..).zip(["b1", "b2", "b3"]) {
        let opening = BatchOpening {
            batch: batch.into(),
            workflow_id: format!("w-{batch}"),
            started_at: at(minute),
            one_order: false,
        };
        world.ledger.open_batch(&opening).await.unwrap();
        let (batch, end) = (batch.into(), BatchEnd::default());
        let ended = world.ledger.finish_batch(&batch, &end, at(10));
        ended.await.unwrap();
    }
    let (mut next, mut pages) = ("/api/v1/batches?limit=2".to_owned(), Vec::new());
    loop {
        let page = ok(&world, &next).await;
        let data = page["data"].as_array().unwrap();
        let ids = data.iter().map(|batch| batch["workflowId"].clone());
        pages.push(ids.collect::<Vec<_>>());
        match page["nextCursor"].as_str() {
            Some(cursor) => next = format!("/api/v1/batches?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(pages, [vec!["w-b3", "w-b2"], vec!["w-b1"]]);
    for cursor in ["1", "x.y.z"] {
        let path = format!("/api/v1/batches?cursor={cursor}");
        assert_eq!(
            refused(&world, "GET", &path, Value::Null).await,
            (StatusCode::BAD_REQUEST, "INVALID_REQUEST".to_owned())
        );
    }
}

#[tokio::test]
async fn a_rehearsal_over_http_ends_in_time_and_says_that_there_is_more() {
    let world = World::hasty("rehearsal-late", On::Sqlite).await;
    world.failed(&[("A1", "shipping_failed")]).await;
    let asked = json!({ "orders": ["A1"] });
    let (status, told) = world.send("POST", "/api/v1/batches/rehearsal", asked).await;
    assert_eq!(
        (status, &told["cutShort"]),
        (StatusCode::OK, &json!(true)),
        "{told}"
    );
}

on_both!(a_rehearsal_says_what_would_be_done_and_does_nothing);
async fn a_rehearsal_says_what_would_be_done_and_does_nothing(world: World) {
    // Their runs are nowhere: nobody can tell how they stand.
    world
        .failed(&[("A1", "shipping_failed"), ("A2", "slam_failed")])
        .await;
    world.failed(&[("A3", "fraud_suspected")]).await;
    let before = ok(&world, "/api/v1/orders").await;
    let path = "/api/v1/batches/rehearsal";
    let asked = json!({ "failureStatuses": ["slam_failed", "shiping_failed"] });
    let (status, told) = world.send("POST", path, asked).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_json_snapshot!("rehearsal", told);
    for (name, asked) in [
        ("rehearsal_of_one", json!({ "orders": ["A1", "order-A1"] })),
        ("rehearsal_of_one_left_alone", json!({ "orders": ["A3"] })),
    ] {
        let (status, told) = world.send("POST", path, asked).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        assert_json_snapshot!(name, told);
    }
    assert_eq!(ok(&world, "/api/v1/orders").await, before);

    for (asked, status, error) in [
        (
            json!({ "orders": ["A1", "nobody"] }),
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
        ),
        (
            json!({ "orders": vec!["A1"; 101] }),
            StatusCode::BAD_REQUEST,
            "INVALID_REQUEST",
        ),
    ] {
        assert_eq!(
            refused(&world, "POST", path, asked).await,
            (status, error.to_owned())
        );
    }
}

#[tokio::test]
async fn a_batch_for_one_order_is_followed_to_its_end() {
    let world = World::alive("api-one-order").await;
    let _puppet = failing(&world, &["A1"]).await;
    reported(&world, &["A1"]).await;
    for (asked, status, error) in [
        (
            json!({ "order": "nobody" }),
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
        ),
        (
            json!({ "order": 1 }),
            StatusCode::BAD_REQUEST,
            "INVALID_REQUEST",
        ),
    ] {
        assert_eq!(
            refused(&world, "POST", "/api/v1/batches", asked).await,
            (status, error.to_owned())
        );
    }
    let asked = json!({ "order": "A1", "by": "ann", "reason": "the carrier is back" });
    let (status, started) = world.send("POST", "/api/v1/batches", asked).await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let (workflow, batch) = (
        started["workflowId"].as_str().unwrap(),
        started["batchId"].as_str().unwrap(),
    );

    // Nobody works yet: it is known by either id all the same.
    eventually("the batch to show", || async {
        let running = ok(&world, "/api/v1/batches/running").await;
        (running["data"] == json!([{ "workflowId": workflow, "batchId": batch }])).then_some(())
    })
    .await;
    for id in [workflow, batch] {
        let now = ok(&world, &format!("/api/v1/batches/{id}/progress")).await;
        assert_eq!(
            now,
            json!({
                "workflowId": workflow, "batchId": batch, "result": null, "error": null, "progress": null,
                "soFar": null, "left": 1, "workers": { "taskQueue": "orchestrator", "polling": 0 }, "halted": null
            })
        );
    }
    let pause = format!("/api/v1/batches/{workflow}/resume");
    let (status, told) = world.send("POST", &pause, json!({ "by": "ann" })).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_eq!(
        (&told["told"], &told["heard"], &told["workers"]["polling"]),
        (&json!("resume"), &json!(false), &json!(0))
    );

    let worker = world.worker().await;
    let path = format!("/api/v1/batches/{workflow}/progress?wait=10");
    let result = eventually("the batch to end", || async {
        let now = ok(&world, &path).await;
        assert_eq!(now["error"], Value::Null, "{now}");
        Some(now["result"].clone()).filter(|result| !result.is_null())
    })
    .await;
    assert_eq!(
        (&result["restartedCount"], &result["batchId"]),
        (&json!(1), &json!(batch))
    );
    let one = ok(&world, &format!("/api/v1/batches/{batch}/orders/A1")).await;
    assert_eq!(
        one,
        json!({
            "orderId": "A1", "workflowId": "order-A1", "batchId": batch, "verdict": "restarted", "reason": null,
            "attempt": 1, "failureStatus": "shipping_failed", "state": "in_flight", "told": "attempt 1"
        })
    );
    let path = format!("/api/v1/batches/{batch}/orders/nobody");
    let (status, _) = world.get(&path).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let audit = world.app.ops.records.audit(&Default::default(), 9).await;
    let run = audit.unwrap().into_iter().find(|act| act.action == "run");
    let run = run.unwrap();
    assert_eq!(
        (run.actor.as_str(), run.reason.as_str()),
        ("ann", "the carrier is back")
    );
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_that_does_not_end_well_says_why() {
    let world = World::alive("api-ends-badly").await;
    let (_, started) = world.send("POST", "/api/v1/batches", json!({})).await;
    let workflow = started["workflowId"].as_str().unwrap();
    let request = TerminateWorkflowExecutionRequest {
        namespace: world.bed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: workflow.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut service = world.bed.service();
    let ended = service.terminate_workflow_execution(Request::new(request));
    ended.await.unwrap();
    let now = ok(&world, &format!("/api/v1/batches/{workflow}/progress")).await;
    assert_eq!(
        (&now["error"], &now["result"]),
        (
            &json!(format!(
                "the batch {workflow} was terminated; the next one finishes what it began"
            )),
            &Value::Null
        )
    );
    let nobody = "/api/v1/batches/nobody/progress";
    let found = refused(&world, "GET", nobody, Value::Null).await;
    assert_eq!(found, (StatusCode::NOT_FOUND, "NOT_FOUND".to_owned()));
    let patient = format!("/api/v1/batches/{workflow}/progress?wait=11");
    let found = refused(&world, "GET", &patient, Value::Null).await;
    assert_eq!(
        found,
        (StatusCode::BAD_REQUEST, "INVALID_REQUEST".to_owned())
    );
    // A status that nobody has heard of is told, and is no error.
    let asked = json!({ "failureStatuses": ["shiping_failed"] });
    let (status, started) = world.send("POST", "/api/v1/batches", asked).await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let warning = started["warnings"][0].as_str().unwrap();
    assert!(
        warning.ends_with("(did you mean \"shipping_failed\"?)"),
        "{warning}"
    );
}

// Its clock is years ahead of the server's: whatever fails is older than the look-back.
on_both!(older_failures_are_shown_and_taken_in);
async fn older_failures_are_shown_and_taken_in(world: World) {
    let _puppet = failing(&world, &["A1", "A2"]).await;
    let since = "2026-01-01T00:00:00Z";
    let path = "/api/v1/failures/older";
    let older = eventually("visibility to show both", || async {
        let older = ok(&world, &format!("{path}?since={since}")).await;
        (older["runs"] == 2).then_some(older)
    })
    .await;
    assert_json_snapshot!("older", older);
    for taken in [2, 0] {
        let asked = json!({ "since": since, "reason": "the carrier was down", "by": "ann" });
        let (status, told) = world.send("POST", path, asked).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        assert_eq!(
            told,
            json!({
                "since": since, "newFailures": taken, "newOrders": taken, "eligibleOrders": taken, "complete": true
            })
        );
    }
    let orders = ok(&world, "/api/v1/orders").await;
    assert_eq!(orders["data"].as_array().unwrap().len(), 2);
    for (method, path, body) in [
        ("GET", "/api/v1/failures/older", Value::Null),
        ("GET", "/api/v1/failures/older?since=yesterday", Value::Null),
        ("POST", path, json!({})),
        ("GET", "/api/v1/status?since=yesterday", Value::Null),
    ] {
        assert_eq!(
            refused(&world, method, path, body).await,
            (StatusCode::BAD_REQUEST, "INVALID_REQUEST".to_owned()),
            "{method} {path}"
        );
    }
}

on_both!(a_take_in_of_several_requests_is_in_the_audit_trail_once);
async fn a_take_in_of_several_requests_is_in_the_audit_trail_once(world: World) {
    let (june, july) = ("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z");
    let why = "the carrier was down";
    let mut trail = Vec::new();
    for (since, by, reason, is_new) in [
        (june, "ann", why, true),
        (june, "ann", why, false),
        (june, "ben", why, true),
        (june, "ann", "the carrier is back", true),
        (july, "ann", why, true),
        (june, "ann", why, false),
        (june, "ben", why, false),
    ] {
        let asked = json!({ "since": since, "reason": reason, "by": by });
        let (status, told) = world.send("POST", "/api/v1/failures/older", asked).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        if is_new {
            trail.insert(0, json!([by, reason, format!("since {since}")]));
        }
        let acts = ok(&world, "/api/v1/audit?action=scan").await;
        let acts = acts["data"].as_array().unwrap().iter();
        let acts: Vec<Value> = acts
            .map(|act| json!([act["actor"], act["reason"], act["detail"]]))
            .collect();
        assert_eq!(acts, trail);
    }
}

on_both!(today_begins_where_whoever_asks_says);
async fn today_begins_where_whoever_asks_says(world: World) {
    let status = ok(&world, "/api/v1/status?since=2030-03-17T17:00:00Z").await;
    assert_eq!(status["recovered"], 0);
    assert_eq!(
        status["health"],
        json!({
            "level": "problem", "sentence": "No batch has ever run.",
            "hint": "start a worker with `redrive worker`, or everything on this machine with `redrive up`."
        })
    );
}
