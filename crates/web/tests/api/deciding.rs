//! Deciding about orders and dead letters.

use axum::body::Body;
use axum::http::StatusCode;
use insta::assert_json_snapshot;
use redrive_fulfillment::testbed::eventually;
use serde_json::{Value, json};

use crate::world::{NOW, On, World, on_both, request};

async fn decide(world: &World, order: &str, how: &str, by: &str) -> (StatusCode, Value) {
    let path = format!("/api/v1/dead-letter-queue/{order}/resolve");
    let body = json!({ "resolution": how, "notes": "no carrier takes it", "resolvedBy": by });
    world.send("PATCH", &path, body).await
}

on_both!(one_operator_wins_and_the_other_is_told);
async fn one_operator_wins_and_the_other_is_told(world: World) {
    world
        .failed(&[("A1", "shipping_failed"), ("A2", "shipping_failed")])
        .await;
    world.park("A1", 70).await;
    world.park("A2", 71).await;
    let (ann, bob) = tokio::join!(
        decide(&world, "A1", "cancelled", "ann"),
        decide(&world, "A1", "escalated", "bob")
    );
    let won = [&ann, &bob].map(|(status, _)| *status == StatusCode::OK);
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{ann:?} {bob:?}");
    let ((_, won), (status, lost)) = if won[0] { (ann, bob) } else { (bob, ann) };
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(lost["error"], "ALREADY_RESOLVED");
    assert_eq!(
        lost["details"],
        json!({ "orderId": "A1", "resolvedAt": won["resolvedAt"], "resolvedBy": won["resolvedBy"] })
    );
    let (status, entry) = decide(&world, "A2", "escalated", "ann").await;
    assert_eq!(status, StatusCode::OK, "{entry}");
    assert_json_snapshot!("escalated", entry);
    let (_, stats) = world.get("/api/v1/dead-letter-queue/stats").await;
    assert_eq!(
        (&stats["unresolvedCount"], &stats["resolvedCount"]),
        (&json!(0), &json!(2))
    );
}

on_both!(an_order_gets_a_fresh_budget);
async fn an_order_gets_a_fresh_budget(world: World) {
    world.failed(&[("A1", "shipping_failed")]).await;
    let path = "/api/v1/reprocessing/orders/A1/reset";
    let reset = json!({ "resetReason": "the carrier is back", "resetBy": "ann" });
    let (status, count) = world.send("POST", path, reset).await;
    assert_eq!(status, StatusCode::OK, "{count}");
    assert_eq!(count["isEligibleForRetry"], true);
    let (_, story) = world.get("/api/v1/orders/A1").await;
    let timeline = story["timeline"].as_array().unwrap();
    let last = timeline.last().unwrap();
    assert_eq!(
        (&last["event"], &last["by"], &last["detail"]),
        (
            &json!("reset"),
            &json!("ann"),
            &json!("the carrier is back")
        )
    );
    let (status, _) = world.send("POST", path, json!({})).await;
    assert_eq!(status, StatusCode::OK, "neither who nor why has to be said");
}

on_both!(an_order_is_put_into_the_queue);
async fn an_order_is_put_into_the_queue(world: World) {
    world.failed(&[("A1", "shipping_failed")]).await;
    let path = "/api/v1/reprocessing/orders/A1/dlq";
    let new = json!({
        "failureStatus": "address_invalid",
        "failureReason": "the street does not exist",
        "escalationLevel": "critical"
    });
    let (status, entry) = world.send("POST", path, new.clone()).await;
    assert_eq!(status, StatusCode::OK, "{entry}");
    assert_json_snapshot!("parked", entry);
    let (status, again) = world.send("POST", path, new.clone()).await;
    assert_eq!(
        (status, &again["error"]),
        (StatusCode::CONFLICT, &json!("CONFLICT")),
        "{again}"
    );
    let (status, _) = world
        .send("POST", "/api/v1/reprocessing/orders/nobody/dlq", new)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

const ACTIONS: &str = "/api/v1/dead-letter-queue/actions";

on_both!(many_are_decided_as_they_were_looked_at);
async fn many_are_decided_as_they_were_looked_at(world: World) {
    let orders = [
        ("A1", "shipping_failed"),
        ("A2", "slam_failed"),
        ("A3", "shipping_failed"),
        ("A4", "shipping_failed"),
    ];
    world.failed(&orders).await;
    for (minute, (order, _)) in (70..).zip(&orders[..3]) {
        world.park(order, minute).await;
    }
    let mut action = json!({
        "resolution": "cancelled",
        "filter": { "failureStatus": "shipping_failed" },
        "notes": "the shop has closed",
        "resolvedBy": "ann"
    });
    let (status, preview) = world.send("POST", ACTIONS, action.clone()).await;
    assert_eq!(status, StatusCode::OK, "{preview}");
    assert_json_snapshot!("preview", preview);
    let (_, stats) = world.get("/api/v1/dead-letter-queue/stats").await;
    assert_eq!(stats["unresolvedCount"], 3, "a preview does nothing");

    // What comes into the queue after the preview was not looked at.
    world.park("A4", NOW + 1).await;
    action["token"] = preview["token"].clone();
    let mut other = action.clone();
    other["filter"] = json!({});
    let (status, refused) = world.send("POST", ACTIONS, other).await;
    assert_eq!(
        (status, &refused["error"]),
        (StatusCode::CONFLICT, &json!("CONFLICT")),
        "{refused}"
    );
    let (status, done) = world.send("POST", ACTIONS, action.clone()).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    assert_eq!(
        done["report"],
        json!({ "matched": 2, "done": 2, "failed": [] })
    );
    let (_, left) = world.get("/api/v1/dead-letter-queue?resolved=false").await;
    assert_eq!(left["total"], 2, "{left}");
    let (_, again) = world.send("POST", ACTIONS, action).await;
    assert_eq!(
        again["report"]["done"], 0,
        "what is decided is not decided again"
    );
}

on_both!(named_orders_are_decided_as_they_were_looked_at);
async fn named_orders_are_decided_as_they_were_looked_at(world: World) {
    let orders = ["A1", "A2", "A3"].map(|order| (order, "shipping_failed"));
    world.failed(&orders).await;
    for (minute, order) in [(70, "A1"), (71, "A2")] {
        world.park(order, minute).await;
    }
    let mut action = json!({
        "resolution": "escalated",
        "orders": ["A1", "order-A3", "order-A1"],
        "notes": "to carol",
        "resolvedBy": "ann"
    });
    let (status, preview) = world.send("POST", ACTIONS, action.clone()).await;
    assert_eq!(status, StatusCode::OK, "{preview}");
    assert_eq!(preview["matched"], 2, "each is named once: {preview}");
    action["token"] = preview["token"].clone();
    let mut more = action.clone();
    more["orders"] = json!(["A1", "A2", "A3"]);
    let (status, refused) = world.send("POST", ACTIONS, more).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let (status, done) = world.send("POST", ACTIONS, action).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    assert_eq!(
        done["report"],
        json!({
            "matched": 2,
            "done": 1,
            "failed": [{
                "workflowId": "order-A3",
                "orderId": "A3",
                "reason": "it is not in the dead letter queue"
            }]
        })
    );
    let (_, left) = world.get("/api/v1/dead-letter-queue?resolved=false").await;
    assert_eq!(left["data"][0]["orderId"], "A2", "{left}");
    for (wrong, status) in [
        (json!({ "orders": [] }), StatusCode::BAD_REQUEST),
        (
            json!({ "orders": ["A1"], "limit": 1 }),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({ "orders": ["A1"], "filter": { "customerId": "c" } }),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({ "orders": vec!["A1"; 10_001] }),
            StatusCode::BAD_REQUEST,
        ),
        (json!({ "orders": ["A2", "nobody"] }), StatusCode::NOT_FOUND),
    ] {
        let mut action = json!({ "resolution": "cancelled", "resolvedBy": "ann" });
        let given = wrong.as_object().unwrap().clone();
        action.as_object_mut().unwrap().extend(given);
        let (answered, body) = world.send("POST", ACTIONS, action).await;
        assert_eq!(answered, status, "{body}");
    }
}

on_both!(as_many_are_named_as_may_be);
async fn as_many_are_named_as_may_be(world: World) {
    let orders: Vec<String> = (0..1_000).map(|n| format!("{n:0>90}")).collect();
    let failures: Vec<(&str, &str)> = orders
        .iter()
        .map(|order| (order.as_str(), "shipping_failed"))
        .collect();
    world.failed(&failures).await;
    world.park(&orders[0], 70).await;
    // Each ten times, by either of its ids.
    let either = orders
        .iter()
        .flat_map(|order| [order.clone(), format!("order-{order}")]);
    let names = vec![either.collect::<Vec<String>>(); 5].concat();
    let mut action = json!({ "resolution": "cancelled", "orders": names, "resolvedBy": "ann" });
    let (status, preview) = world.send("POST", ACTIONS, action.clone()).await;
    assert_eq!(
        (status, &preview["matched"]),
        (StatusCode::OK, &json!(1_000)),
        "{preview}"
    );
    action["token"] = preview["token"].clone();
    // With a key the body is read before anything else looks at it.
    let mut keyed = request("POST", ACTIONS, Body::from(action.to_string()));
    let headers = keyed.headers_mut();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("idempotency-key", "k1".parse().unwrap());
    let (status, done) = world.answer(keyed).await;
    let (report, failed) = (&done["report"], done["report"]["failed"].as_array());
    assert_eq!(
        (status, &report["done"], failed.map(Vec::len)),
        (StatusCode::OK, &json!(1), Some(999))
    );
    let names = action["orders"].as_array_mut().unwrap();
    names.push(json!("one more"));
    let (status, refused) = world.send("POST", ACTIONS, action).await;
    let message = refused["message"].as_str().unwrap();
    assert_eq!(status, StatusCode::BAD_REQUEST, "{message}");
    assert!(message.starts_with("orders: "), "{message}");
}

on_both!(the_first_name_that_nobody_knows_is_told);
async fn the_first_name_that_nobody_knows_is_told(world: World) {
    world.failed(&[("A1", "shipping_failed")]).await;
    let orders = [vec!["A1"; 600], vec!["nobody", "A1", "no one"]].concat();
    let action = json!({ "resolution": "cancelled", "orders": orders, "resolvedBy": "ann" });
    let (status, body) = world.send("POST", ACTIONS, action).await;
    let message = body["message"].as_str().unwrap();
    assert_eq!(status, StatusCode::NOT_FOUND, "{message}");
    assert!(message.contains("\"nobody\""), "{message}");
}

/// What takes too long for one request takes several, and the same is done.
async fn very_many_take_several_requests(world: World) {
    let orders: Vec<String> = (0..502).map(|n| format!("A{n:03}")).collect();
    let failures: Vec<(&str, &str)> = orders
        .iter()
        .map(|order| (order.as_str(), "shipping_failed"))
        .collect();
    world.failed(&failures).await;
    for order in &orders {
        world.park(order, 70).await;
    }
    let mut action = json!({ "resolution": "cancelled", "limit": 501, "resolvedBy": "ann" });
    let (status, preview) = world.send("POST", ACTIONS, action.clone()).await;
    assert_eq!((status, &preview["matched"]), (StatusCode::OK, &json!(501)));
    action["token"] = preview["token"].clone();
    let (status, first) = world.send("POST", ACTIONS, action.clone()).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    assert_eq!(
        first["report"],
        json!({ "matched": 501, "done": 500, "failed": [], "left": 1 })
    );
    action["token"] = first["token"].clone();
    let (status, refused) = world.send("POST", ACTIONS, action.clone()).await;
    assert_eq!(status, StatusCode::CONFLICT, "not 501 more: {refused}");
    action["limit"] = first["report"]["left"].clone();
    let (status, last) = world.send("POST", ACTIONS, action).await;
    assert_eq!(status, StatusCode::OK, "{last}");
    assert_eq!(
        (&last["report"], &last["token"]),
        (
            &json!({ "matched": 1, "done": 1, "failed": [] }),
            &Value::Null
        )
    );
    let (_, stats) = world.get("/api/v1/dead-letter-queue/stats").await;
    assert_eq!(stats["unresolvedCount"], 1);
}

#[tokio::test]
async fn very_many_take_several_requests_sqlite() {
    very_many_take_several_requests(World::hasty("many-s", On::Sqlite).await).await;
}

#[tokio::test]
async fn very_many_take_several_requests_postgres() {
    very_many_take_several_requests(World::hasty("many-p", On::Postgres).await).await;
}

on_both!(an_action_that_makes_no_sense_is_refused);
async fn an_action_that_makes_no_sense_is_refused(world: World) {
    for (key, value) in [
        ("limit", json!(0)),
        ("perSecond", json!(0)),
        ("perSecond", json!(-1)),
        ("resolvedBy", json!("")),
        ("resolution", json!("recovered_elsewhere")),
        ("filter", json!({ "status": "shipping_failed" })),
        ("filter", json!({ "olderThanHours": -1 })),
    ] {
        let mut action = json!({ "resolution": "manual_retry", "resolvedBy": "ann" });
        action[key] = value;
        let (status, body) = world.send("POST", ACTIONS, action.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{action}: {body}");
    }
    let (status, _) = world.get(&format!("{ACTIONS}/nobody")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    for token in ["", "1.2", "now", "1900007200000000.0000000000000000"] {
        let action = json!({ "resolution": "cancelled", "resolvedBy": "ann", "token": token });
        let (status, body) = world.send("POST", ACTIONS, action).await;
        assert_eq!(status, StatusCode::CONFLICT, "{token}: {body}");
    }
}

on_both!(a_request_that_comes_again_is_answered_as_the_first);
async fn a_request_that_comes_again_is_answered_as_the_first(world: World) {
    world
        .failed(&[("A1", "shipping_failed"), ("A2", "shipping_failed")])
        .await;
    world.park("A1", 70).await;
    world.park("A2", 71).await;
    let send_by = async |method: &str, order: &str, key: &str, by: &str| {
        let path = format!("/api/v1/dead-letter-queue/{order}/resolve");
        let body = json!({ "resolution": "cancelled", "resolvedBy": by }).to_string();
        let mut request = request(method, &path, Body::from(body));
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json".parse().unwrap());
        headers.insert("idempotency-key", key.parse().unwrap());
        world.answer(request).await
    };
    let send = async |order: &str, key: &str, by: &str| send_by("PATCH", order, key, by).await;
    let first = send("A1", "k1", "ann").await;
    assert_eq!(first.0, StatusCode::OK, "{first:?}");
    assert_eq!(send("A1", "k1", "ann").await, first, "not ALREADY_RESOLVED");
    for (order, by) in [("A1", "bob"), ("A2", "ann")] {
        let (status, body) = send(order, "k1", by).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::CONFLICT, &json!("CONFLICT"))
        );
    }
    let (status, _) = send_by("PUT", "A1", "k1", "ann").await;
    assert_eq!(
        status,
        StatusCode::METHOD_NOT_ALLOWED,
        "that is no operation: its key is not looked at"
    );
    let (status, body) = send("A1", "k2", "ann").await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::BAD_REQUEST, &json!("ALREADY_RESOLVED"))
    );
    let (status, _) = send("A2", &"k".repeat(201), "ann").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (_, entry) = world.get("/api/v1/dead-letter-queue/A2").await;
    assert_eq!(entry["resolved"], false);
}

#[tokio::test]
async fn what_was_begun_is_brought_to_its_end_though_nobody_waits() {
    let world = World::alive("api-left").await;
    world.failed(&[("A1", "shipping_failed")]).await;
    world.park("A1", 70).await;
    let ask = || {
        let path = "/api/v1/dead-letter-queue/A1/resolve";
        let body = json!({ "resolution": "manual_retry", "resolvedBy": "ann" }).to_string();
        let mut request = request("PATCH", path, Body::from(body));
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json".parse().unwrap());
        headers.insert("idempotency-key", "k1".parse().unwrap());
        request
    };
    let entry = "/api/v1/dead-letter-queue/A1";
    // It waits for its batch, which no worker does yet; then whoever asked goes away.
    tokio::select! {
        answer = world.answer(ask()) => panic!("it has not waited: {answer:?}"),
        () = eventually("the entry to be decided", || async {
            (world.get(entry).await.1["resolved"] == true).then_some(())
        }) => {}
    }
    let (head, body) = world.answered(ask()).await;
    assert_eq!(head.status, StatusCode::CONFLICT, "{body}");
    assert_eq!(head.headers["retry-after"], "1", "it is still being served");

    let worker = world.worker().await;
    let answer = eventually("the answer to be kept", || async {
        let (status, body) = world.answer(ask()).await;
        (status != StatusCode::CONFLICT).then_some((status, body))
    })
    .await;
    assert_eq!(answer.0, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.1["retry"]["outcome"], "not_started", "{answer:?}");
    worker.stop().await.unwrap();
}
