//! The schedule: made, told what to do, and deleted.

use axum::http::StatusCode;
use redrive_ledger::AuditFilter;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn the_schedule_is_made_paused_and_resumed() {
    let world = World::alive("api-schedule").await;
    let path = "/api/v1/schedule";
    let pause = json!({ "paused": true, "reason": "stocktaking", "by": "ann" });
    let (status, schedule) = world.send("PUT", path, pause).await;
    assert_eq!(status, StatusCode::OK, "{schedule}");
    assert_eq!(
        (
            &schedule["paused"],
            &schedule["note"],
            &schedule["interval"]
        ),
        (&json!(true), &json!("ann: stocktaking"), &json!("15m"))
    );
    let (_, shown) = world.get(path).await;
    assert_eq!(shown["paused"], true);
    let resume = json!({ "paused": false, "by": "bob" });
    let (status, schedule) = world.send("PUT", path, resume).await;
    assert_eq!(
        (status, &schedule["paused"]),
        (StatusCode::OK, &json!(false)),
        "{schedule}"
    );
}

#[tokio::test]
async fn the_schedule_is_told_what_to_do() {
    let world = World::alive("api-deeds").await;
    let path = "/api/v1/schedule";
    let gone = format!("{path}?by=ann&reason=moving");
    let why = || json!({ "by": "ann", "reason": "stocktaking" });
    for (method, at) in [
        ("POST", format!("{path}/pause")),
        ("POST", format!("{path}/trigger")),
        ("DELETE", gone.clone()),
    ] {
        let (status, body) = world.send(method, &at, why()).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::NOT_FOUND, &json!("NOT_FOUND")),
            "{at}: {body}"
        );
    }
    for (deed, did, changed) in [
        ("apply", "created", true),
        ("apply", "unchanged", false),
        ("pause", "paused", true),
        ("pause", "paused", false),
        ("resume", "resumed", true),
        ("resume", "resumed", false),
    ] {
        let (status, told) = world.send("POST", &format!("{path}/{deed}"), why()).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        let id = &world.app.schedule.id;
        assert_eq!(told, json!({ "id": id, "did": did, "changed": changed }));
    }

    // Nobody works on the batch, so it goes on to run.
    let trigger = format!("{path}/trigger");
    let (status, told) = world.send("POST", &trigger, why()).await;
    assert_eq!(
        (status, &told["did"]),
        (StatusCode::OK, &json!("triggered"))
    );
    let batch = told["batch"].as_str().unwrap();
    assert!(batch.starts_with("reprocessing-batch-"), "{told}");
    assert!(told["batchId"].is_string(), "{told}");
    let (_, busy) = world.send("POST", &trigger, why()).await;
    assert_eq!(
        (&busy["did"], &busy["changed"], &busy["running"]),
        (&json!("busy"), &json!(false), &json!([batch])),
        "{busy}"
    );
    let (status, body) = world.send("POST", &format!("{path}/forget"), why()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");

    let (status, told) = world.send("DELETE", &gone, json!({})).await;
    assert_eq!((status, &told["did"]), (StatusCode::OK, &json!("deleted")));
    let (status, _) = world.get(path).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let all = AuditFilter::default();
    let acts = world.app.ops.records.audit(&all, 1);
    let last = acts.await.unwrap().remove(0);
    assert_eq!(
        (last.actor.as_str(), last.reason.as_str()),
        ("ann", "moving")
    );
}
