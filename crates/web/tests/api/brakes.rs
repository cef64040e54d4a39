//! The emergency brake and the limits, and who may change them.

use axum::http::StatusCode;
use insta::assert_json_snapshot;
use redrive_ledger::{AuditFilter, AuditRow};
use serde_json::{Value, json};

use crate::world::{World, on_both};

const HALT: &str = "/api/v1/halt";
const LIMITS: &str = "/api/v1/limits";
const STARTS: &str = "/api/v1/limits/starts";

async fn ok(world: &World, method: &str, path: &str, body: Value) -> Value {
    let (status, body) = world.send(method, path, body).await;
    assert_eq!(status, StatusCode::OK, "{method} {path}: {body}");
    body
}

/// Who did what and why, the latest first.
async fn acts(world: &World) -> Vec<(String, String, String)> {
    let all = AuditFilter::default();
    let acts = world.app.ops.records.audit(&all, 10);
    let told = |act: AuditRow| (act.actor, act.action, act.reason);
    acts.await.unwrap().into_iter().map(told).collect()
}

fn act(who: &str, what: &str, why: &str) -> (String, String, String) {
    (who.to_owned(), what.to_owned(), why.to_owned())
}

on_both!(every_start_is_halted_and_happens_again);
async fn every_start_is_halted_and_happens_again(world: World) {
    let (_, before) = world.get(HALT).await;
    assert_eq!(before, json!({ "halted": false }));
    let by = |who, why| json!({ "by": who, "reason": why });
    let halted = ok(&world, "PUT", HALT, by("ann", "stocktaking")).await;
    assert_json_snapshot!("halted", halted);
    let again = ok(&world, "PUT", HALT, by("bob", "me too")).await;
    assert_eq!(
        (&again["changed"], &again["halt"]),
        (&json!(false), &halted["halt"]),
        "who was first stays named"
    );
    let (_, shown) = world.get(HALT).await;
    assert_eq!(shown, json!({ "halted": true, "halt": halted["halt"] }));
    let (_, status) = world.get("/api/v1/status").await;
    assert_eq!(status["halted"], halted["halt"]);

    let path = format!("{HALT}?by=bob&reason=all%20counted");
    for changed in [true, false] {
        let gone = ok(&world, "DELETE", &path, json!({})).await;
        assert_eq!(gone, json!({ "halted": false, "changed": changed }));
    }
    assert_eq!(
        acts(&world).await,
        [
            act("bob", "unhalt", "all counted"),
            act("ann", "halt", "stocktaking")
        ]
    );
}

on_both!(a_limit_is_set_and_the_configurations_holds_again);
async fn a_limit_is_set_and_the_configurations_holds_again(world: World) {
    let (status, before) = world.get(LIMITS).await;
    assert_eq!(status, StatusCode::OK);
    assert_json_snapshot!("limits", before);
    let new = json!({ "perSecond": 50, "by": "ann", "reason": "the carrier is back" });
    let set = ok(&world, "PUT", STARTS, new).await;
    assert_eq!(
        set["data"][0],
        json!({ "limit": "starts", "perSecond": 50.0, "configured": 20.0, "isSet": true })
    );
    assert_eq!(set["data"][1], before["data"][1], "the other stays");
    let (_, shown) = world.get(LIMITS).await;
    assert_eq!(shown, set);
    let reset = ok(&world, "DELETE", &format!("{STARTS}?by=bob"), json!({})).await;
    assert_eq!(reset, before);
    let acts = acts(&world).await;
    let by: Vec<&str> = acts.iter().map(|(who, _, _)| who.as_str()).collect();
    assert_eq!(by, ["bob", "ann"], "{acts:?}");
}

on_both!(what_makes_no_sense_changes_nothing);
async fn what_makes_no_sense_changes_nothing(world: World) {
    let long = "a".repeat(4001);
    for (method, path, body) in [
        ("PUT", HALT.to_owned(), json!({})),
        ("PUT", HALT.to_owned(), json!({ "reason": long })),
        ("DELETE", format!("{HALT}?reason={long}"), json!({})),
        ("DELETE", format!("{STARTS}?by={}", &long[..201]), json!({})),
        ("DELETE", format!("{HALT}?why=done"), json!({})),
        ("PUT", STARTS.to_owned(), json!({})),
        ("PUT", STARTS.to_owned(), json!({ "perSecond": 0 })),
        ("PUT", STARTS.to_owned(), json!({ "perSecond": -1.5 })),
        ("PUT", STARTS.to_owned(), json!({ "perSecond": "20" })),
        ("PUT", format!("{LIMITS}/stops"), json!({ "perSecond": 1 })),
        ("DELETE", format!("{LIMITS}/stops"), json!({})),
    ] {
        let (status, said) = world.send(method, &path, body).await;
        assert_eq!(
            (status, &said["error"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_REQUEST")),
            "{method} {path}: {said}"
        );
    }
    assert_eq!(acts(&world).await, []);
}
