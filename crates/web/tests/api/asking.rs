//! What can be asked, and what is answered.

use axum::body::Body;
use axum::http::StatusCode;
use insta::assert_json_snapshot;
use redrive_core::moment::Moment;
use redrive_ledger::Failure;
use serde_json::{Value, json};

use crate::world::{World, at, failure, on_both, request};

/// Two orders that wait, two in the dead letter queue.
async fn four(world: &World) {
    world
        .failed(&[
            ("A1", "shipping_failed"),
            ("A2", "slam_failed"),
            ("A3", "shipping_failed"),
            ("A4", "slam_failed"),
        ])
        .await;
    world.park("A3", 70).await;
    world.park("A4", 80).await;
}

async fn ok(world: &World, path: &str) -> Value {
    let (status, body) = world.get(path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

fn orders(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|one| one["orderId"].as_str().unwrap())
        .collect()
}

on_both!(every_answer_has_its_shape);
async fn every_answer_has_its_shape(world: World) {
    four(&world).await;
    for (name, path) in [
        ("eligible", "/api/v1/reprocessing/eligible"),
        ("retry_count", "/api/v1/reprocessing/orders/A1/retry-count"),
        (
            "retry_count_of_a_dead_letter",
            "/api/v1/reprocessing/orders/A3/retry-count",
        ),
        ("dead_letters", "/api/v1/dead-letter-queue"),
        ("dead_letter_stats", "/api/v1/dead-letter-queue/stats"),
        ("dead_letter", "/api/v1/dead-letter-queue/A3"),
        ("orders", "/api/v1/orders?limit=1"),
        ("order", "/api/v1/orders/A3"),
        ("failures", "/api/v1/failures?limit=1"),
        ("failure", "/api/v1/failures/run-of-A3"),
        ("failure_groups", "/api/v1/failures/groups"),
        ("health", "/healthz"),
        ("ready", "/readyz"),
    ] {
        assert_json_snapshot!(name, ok(&world, path).await);
    }
    for path in ["/api/v1/batches", "/api/v1/reports/daily"] {
        assert_eq!(ok(&world, path).await, json!({ "data": [] }), "{path}");
    }
}

on_both!(lists_are_narrowed);
async fn lists_are_narrowed(world: World) {
    four(&world).await;
    for (path, expected) in [
        ("reprocessing/eligible?status=slam_failed", vec!["A2"]),
        (
            "reprocessing/eligible?status=slam_failed&status=shipping_failed",
            vec!["A1", "A2"],
        ),
        (
            "reprocessing/eligible?status=slam_failed,shipping_failed",
            vec!["A1", "A2"],
        ),
        ("reprocessing/eligible?maxRetries=0", vec![]),
        ("reprocessing/eligible?limit=1", vec!["A1"]),
        ("dead-letter-queue?resolved=true", vec![]),
        ("dead-letter-queue?sort=newest", vec!["A4", "A3"]),
        ("dead-letter-queue?sort=decided", vec![]),
        ("dead-letter-queue?sort=retries", vec!["A4", "A3"]),
        ("dead-letter-queue?sort=retries&resolved=true", vec![]),
        ("dead-letter-queue?sort=decided&resolved=false", vec![]),
        ("dead-letter-queue?resolved=false", vec!["A3", "A4"]),
        ("dead-letter-queue?failureStatus=slam_failed", vec!["A4"]),
        ("dead-letter-queue?customerId=customer-of-A3", vec!["A3"]),
        ("dead-letter-queue?olderThanHours=0.75", vec!["A3"]),
        ("dead-letter-queue?offset=1", vec!["A4"]),
        ("dead-letter-queue?offset=2", vec![]),
        ("orders?state=failed", vec!["A2", "A1"]),
        (
            "orders?state=failed,dead_lettered&failureStatus=slam_failed",
            vec!["A4", "A2"],
        ),
        ("orders?customerId=customer-of-A1", vec!["A1"]),
        ("orders?group=5", vec!["A4", "A2"]),
        ("orders?failedBefore=2030-03-17T17:48:40Z", vec!["A1"]),
        ("failures?failureStatus=slam_failed", vec!["A4", "A2"]),
        ("failures?since=2030-03-17T17:49:00Z", vec!["A4", "A3"]),
    ] {
        let list = ok(&world, &format!("/api/v1/{path}")).await;
        assert_eq!(orders(&list), expected, "{path}");
    }
}

/// Orders of as many failure groups, whose fingerprints begin with `b00`, `b01` and so on.
async fn many_groups(world: &World, groups: u32) {
    let of_group = |group: u32| {
        let mut failure = failure(&format!("G{group}"), "shipping_failed", at(1));
        failure.classification.fingerprint = format!("b{group:02x}{}", "0".repeat(13));
        failure
    };
    let failures: Vec<Failure> = (0..groups).map(of_group).collect();
    let (policy, batch) = (&world.app.ops.records.policy, "seeded".into());
    let moment = Moment {
        now: at(60),
        seed: 7,
    };
    let seen = world.ledger.observe(policy, &batch, &failures, moment);
    seen.await.unwrap();
}

on_both!(a_group_that_is_many_is_refused);
async fn a_group_that_is_many_is_refused(world: World) {
    many_groups(&world, 20).await;
    let all = ok(&world, "/api/v1/orders?group=b").await;
    assert_eq!(orders(&all).len(), 20);
    many_groups(&world, 21).await;
    let why = "more than 20 failure groups begin with \"b\": give more of the fingerprint";
    let refused = |path: &str, (status, body): (StatusCode, Value)| {
        let said = (status, &body["error"]);
        let expected = (StatusCode::BAD_REQUEST, &json!("INVALID_REQUEST"));
        assert_eq!(said, expected, "{path}: {body}");
        assert!(body["message"].as_str().unwrap().starts_with(why), "{body}");
    };
    for list in ["orders", "failures", "dead-letter-queue"] {
        let path = format!("/api/v1/{list}?group=b");
        refused(&path, world.get(&path).await);
        ok(&world, &format!("{path}0")).await;
    }
    let path = "/api/v1/dead-letter-queue/actions";
    let cancel =
        json!({ "resolution": "cancelled", "filter": { "group": "b" }, "resolvedBy": "ann" });
    refused(path, world.send("POST", path, cancel).await);
    for path in ["/orders?group=b", "/dead-letters?group=b"] {
        let (parts, body) = world.answered(request("GET", path, Body::empty())).await;
        assert_eq!(parts.status, StatusCode::BAD_REQUEST, "{path}: {body}");
        assert!(body.contains("give more of the fingerprint"), "{body}");
    }
    let narrow = ok(&world, "/api/v1/orders?group=b1").await;
    let mut narrow = orders(&narrow);
    narrow.sort_unstable();
    assert_eq!(narrow, ["G16", "G17", "G18", "G19", "G20"]);
}

on_both!(a_cursor_goes_on_where_the_page_before_ended);
async fn a_cursor_goes_on_where_the_page_before_ended(world: World) {
    four(&world).await;
    for sort in ["newest", "retries"] {
        let path = format!("/api/v1/dead-letter-queue?limit=1&sort={sort}");
        let first = ok(&world, &path).await;
        let cursor = first["nextCursor"].as_str().unwrap();
        let next = ok(&world, &format!("{path}&cursor={cursor}")).await;
        assert_eq!([orders(&first), orders(&next)], [["A4"], ["A3"]], "{sort}");
    }
    let first = ok(&world, "/api/v1/dead-letter-queue?limit=1").await;
    assert_eq!(orders(&first), ["A3"]);
    assert_eq!(first["total"], 2, "of all pages");
    let cursor = first["nextCursor"].as_str().unwrap();
    // Somebody decides the first one meanwhile: an offset would now pass over the second.
    let decide = json!({ "resolution": "cancelled", "resolvedBy": "ann" });
    let (status, _) = world
        .send("PATCH", "/api/v1/dead-letter-queue/A3/resolve", decide)
        .await;
    assert_eq!(status, StatusCode::OK);
    let next = format!("/api/v1/dead-letter-queue?limit=1&cursor={cursor}");
    assert_eq!(orders(&ok(&world, &next).await), ["A4"]);
}

on_both!(what_is_not_there_is_not_found);
async fn what_is_not_there_is_not_found(world: World) {
    four(&world).await;
    for path in [
        "/api/v1/reprocessing/orders/nobody/retry-count",
        "/api/v1/dead-letter-queue/nobody",
        "/api/v1/dead-letter-queue/A1",
        "/api/v1/orders/nobody",
        "/api/v1/failures/nowhere",
        "/api/v1/batches/nobody",
        "/api/v1/schedule",
        "/api/v1/nothing",
        "/nothing",
    ] {
        let (status, body) = world.get(path).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::NOT_FOUND, &json!("NOT_FOUND")),
            "{path}: {body}"
        );
    }
}

#[test]
fn the_api_describes_itself() {
    let described = redrive_web::openapi().to_pretty_json().unwrap();
    insta::assert_snapshot!(described);
}
