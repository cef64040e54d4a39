//! What is done to orders one by one, and the trail that it leaves.

use axum::http::StatusCode;
use insta::assert_json_snapshot;
use redrive_core::states::State;
use redrive_engine::ops::OrderDeed;
use serde_json::{Value, json};

use crate::world::{World, on_both};

async fn act(world: &World, order: &str, deed: &str, reason: &str) -> (StatusCode, Value) {
    let path = format!("/api/v1/orders/{order}/{deed}");
    let why = json!({ "reason": reason, "by": "ann" });
    world.send("POST", &path, why).await
}

on_both!(each_deed_is_done_where_the_state_allows_it);
async fn each_deed_is_done_where_the_state_allows_it(world: World) {
    world.failed(&[("A1", "shipping_failed")]).await;
    let (status, held) = act(&world, "A1", "hold", "its address is being checked").await;
    assert_eq!(status, StatusCode::OK, "{held}");
    assert_json_snapshot!("held", held);
    let (status, refused) = act(&world, "A1", "hold", "again").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_json_snapshot!("held_already", refused);
    for (deed, state, generation) in [
        ("release", "failed", 1),
        ("reset", "failed", 2),
        ("dead-letter", "dead_lettered", 2),
        ("reset", "failed", 3),
    ] {
        let (status, order) = act(&world, "order-A1", deed, "why not").await;
        assert_eq!(
            (status, &order["state"], &order["generation"]),
            (StatusCode::OK, &json!(state), &json!(generation)),
            "{deed}: {order}"
        );
    }
    let (_, story) = world.get("/api/v1/orders/A1").await;
    assert_eq!(story["state"], "failed", "{story}");
}

on_both!(what_a_state_does_not_allow_is_said_of_every_deed);
async fn what_a_state_does_not_allow_is_said_of_every_deed(world: World) {
    world.failed(&[("A1", "shipping_failed")]).await;
    world.park("A1", 70).await;
    let cancel = json!({ "resolution": "cancelled", "resolvedBy": "ann" });
    let path = "/api/v1/dead-letter-queue/A1/resolve";
    let (status, entry) = world.send("PATCH", path, cancel).await;
    assert_eq!(status, StatusCode::OK, "{entry}");
    for deed in OrderDeed::ALL {
        let reason = deed.refused(State::Resolved);
        let (status, body) = act(&world, "A1", deed.as_str(), "").await;
        let expected = json!({
            "error": "CONFLICT",
            "message": format!("nothing was done to \"A1\": {reason}"),
            "details": { "state": "resolved", "reason": reason }
        });
        assert_eq!((status, body), (StatusCode::CONFLICT, expected));
        let (status, body) = act(&world, "nobody", deed.as_str(), "").await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::NOT_FOUND, &json!("NOT_FOUND")),
            "{body}"
        );
    }
    for (deed, why) in [
        ("forget", json!({})),
        ("hold", json!({ "reason": 1 })),
        ("hold", json!({ "why": "not" })),
    ] {
        let path = format!("/api/v1/orders/A1/{deed}");
        let (status, body) = world.send("POST", &path, why).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_REQUEST")),
            "{body}"
        );
    }
    let (_, audit) = world.get("/api/v1/audit").await;
    let acts = audit["data"].as_array().unwrap().len();
    assert_eq!(acts, 2, "what was refused did not happen: {audit}");
}

on_both!(the_trail_tells_who_did_what);
async fn the_trail_tells_who_did_what(world: World) {
    world
        .failed(&[("A1", "shipping_failed"), ("A2", "slam_failed")])
        .await;
    let (_, none) = world.get("/api/v1/audit").await;
    assert_eq!(none, json!({ "data": [] }));
    act(&world, "A1", "hold", "its address is being checked").await;
    act(&world, "A1", "release", "").await;
    let reset = json!({ "resetReason": "the carrier is back" });
    let path = "/api/v1/reprocessing/orders/A2/reset";
    world.send("POST", path, reset).await;
    let (_, audit) = world.get("/api/v1/audit").await;
    assert_json_snapshot!("audit", audit);
    for (asked, found) in [
        ("actor=ann", vec!["release", "hold"]),
        ("actor=ann&action=hold", vec!["hold"]),
        ("actor=carol", vec![]),
        (
            "since=2030-03-17T19:46:40Z",
            vec!["reset", "release", "hold"],
        ),
        ("since=2030-03-17T19:46:41Z", vec![]),
        ("actor=&action=&since=", vec!["reset", "release", "hold"]),
    ] {
        let (status, audit) = world.get(&format!("/api/v1/audit?{asked}")).await;
        assert_eq!(status, StatusCode::OK, "{asked}: {audit}");
        let acts = audit["data"].as_array().unwrap();
        let acts: Vec<&str> = acts
            .iter()
            .map(|act| act["action"].as_str().unwrap())
            .collect();
        assert_eq!(acts, found, "{asked}");
    }
}

/// Every item of a list, two a page.
async fn paged(world: &World, list: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("/api/v1/{list}?limit=2{next}");
        let (status, page) = world.get(&path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        items.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["nextCursor"].as_str() {
            Some(cursor) => next = format!("&cursor={}", cursor.replace('%', "%25")),
            None => return items,
        }
    }
}

on_both!(a_cursor_goes_through_every_list);
async fn a_cursor_goes_through_every_list(world: World) {
    let statuses = [
        "shipping_failed",
        "slam_failed",
        "pick_timeout",
        "a.b %",
        "e",
    ];
    let orders = ["A1", "A2", "A3", "A4", "A5"];
    let all: Vec<_> = orders.into_iter().zip(statuses).collect();
    world.failed(&all).await;
    for order in orders {
        act(&world, order, "hold", "").await;
    }
    for (list, name) in [
        ("orders", "orderId"),
        ("failures", "orderId"),
        ("audit", "orderId"),
        ("failures/groups", "failureStatus"),
    ] {
        let items = paged(&world, list).await;
        let mut names: Vec<_> = items.iter().map(|item| item[name].as_str()).collect();
        names.sort_unstable();
        let mut expected = if name == "orderId" { orders } else { statuses };
        expected.sort_unstable();
        assert_eq!(names, expected.map(Some), "{list}");
        let (_, whole) = world.get(&format!("/api/v1/{list}")).await;
        assert_eq!(whole, json!({ "data": items }), "{list}");
    }
}
