//! What is told while Temporal, or the ledger, is away.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use redrive_fulfillment::testbed::eventually;
use serde_json::{Value, json};

use crate::world::{World, on_both, request};

/// A request to start a batch, with a key.
fn start(key: &str) -> Request<Body> {
    let mut start = request("POST", "/api/v1/batches", Body::from("{}"));
    let headers = start.headers_mut();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    headers.insert("idempotency-key", key.parse().unwrap());
    start
}

fn unavailable((status, body): (StatusCode, Value)) {
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("UNAVAILABLE")),
        "{body}"
    );
}

#[tokio::test]
async fn what_needs_temporal_is_unavailable_while_it_is_away() {
    let (world, mut wire) = World::wired("api-away").await;
    world.failed(&[("A1", "shipping_failed")]).await;
    wire.cut().await;
    let schedule = "/api/v1/schedule";
    let report = "/api/v1/reprocessing/orders/A1/retry-count";
    let (shown, put, paused, judged, started, reported, stopped, workers, running, followed, older) = tokio::join!(
        world.get(schedule),
        world.send("PUT", schedule, json!({ "paused": true })),
        world.send("POST", "/api/v1/schedule/pause", json!({})),
        world.get("/api/v1/workflows/order-A1/classification"),
        world.answer(start("k1")),
        world.send("POST", report, json!({})),
        world.send("POST", "/api/v1/batches/any/stop", json!({})),
        world.get("/api/v1/workers"),
        world.get("/api/v1/batches/running"),
        world.get("/api/v1/batches/any/progress"),
        world.get("/api/v1/failures/older?since=2026-01-01T00:00:00Z"),
    );
    for answer in [
        shown, put, paused, judged, started, reported, stopped, workers, running, followed, older,
    ] {
        unavailable(answer);
    }

    // What the ledger knows is told all the same.
    let (status, order) = world.get("/api/v1/orders/A1").await;
    assert_eq!(
        (status, &order["state"]),
        (StatusCode::OK, &json!("failed"))
    );
    let (status, ready) = world.get("/readyz").await;
    assert_eq!(status, StatusCode::OK, "{ready}");
    let (status, told) = world.get("/api/v1/status").await;
    assert_eq!(
        (status, &told["schedule"]),
        (StatusCode::OK, &Value::Null),
        "{told}"
    );

    // The same request may come again when it can be served: that it could not is no answer to keep.
    wire.mend().await;
    let started = eventually("the batch to be started", || async {
        let (status, body) = world.answer(start("k1")).await;
        (status != StatusCode::SERVICE_UNAVAILABLE).then_some((status, body))
    })
    .await;
    assert_eq!(started.0, StatusCode::CREATED, "{started:?}");
    assert_eq!(world.answer(start("k1")).await, started, "and that is kept");
}

on_both!(without_a_ledger_it_lives_and_is_not_ready);
async fn without_a_ledger_it_lives_and_is_not_ready(world: World) {
    let (status, _) = world.get("/readyz").await;
    assert_eq!(status, StatusCode::OK);
    world.lose_ledger().await;
    let (status, _) = world.get("/healthz").await;
    assert_eq!(status, StatusCode::OK);
    for path in ["/readyz", "/api/v1/dead-letter-queue", "/api/v1/status"] {
        let (status, body) = world.get(path).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}: {body}");
        assert_eq!(
            body,
            json!({ "error": "INTERNAL", "message": "this request failed; the log of redrive says why" }),
            "{path}: nothing of the inside"
        );
    }
}
