//! What is refused, and how it is said.

use axum::body::Body;
use axum::http::{HeaderName, StatusCode, header};
use serde_json::{Value, json};

use crate::world::{World, on_both, request};

on_both!(a_request_that_cannot_be_read_is_refused);
async fn a_request_that_cannot_be_read_is_refused(world: World) {
    for path in [
        "reprocessing/eligible?limit=0",
        "reprocessing/eligible?limit=501",
        "reprocessing/eligible?maxRetries=-1",
        "reprocessing/eligible?unknown=1",
        "dead-letter-queue?limit=201",
        "dead-letter-queue?offset=10001",
        "dead-letter-queue?resolved=perhaps",
        "dead-letter-queue?olderThanHours=-1",
        "dead-letter-queue?olderThanHours=1e300",
        "dead-letter-queue?olderThanHours=NaN",
        "dead-letter-queue?cursor=here",
        "dead-letter-queue?sort=retries&resolved=true&cursor=here",
        "dead-letter-queue?sort=loudest",
        "orders?state=lost",
        "orders?cursor=1.",
        "failures?cursor=1.a-b",
        "failures/groups?cursor=1.2.a",
        "audit?cursor=here",
        "audit?since=yesterday",
        "audit?by=ann",
        "orders?failedBefore=yesterday",
        "batches?limit=many",
        "dead-letter-queue/actions?limit=501",
        "dead-letter-queue/actions?cursor=here",
        "dead-letter-queue/actions/any?limit=0",
        "dead-letter-queue/actions/any?cursor=waiting.1",
    ] {
        let (status, body) = world.get(&format!("/api/v1/{path}")).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_REQUEST")),
            "{path}: {body}"
        );
    }
    world.failed(&[("A1", "shipping_failed")]).await;
    world.park("A1", 70).await;
    for body in [
        json!({}),
        json!([]),
        json!({ "resolution": "recovered_elsewhere", "resolvedBy": "ann" }),
        json!({ "resolution": "cancelled" }),
        json!({ "resolution": "cancelled", "resolvedBy": " " }),
        json!({ "resolution": "cancelled", "resolvedBy": "\u{85}" }),
        json!({ "resolution": "cancelled", "resolvedBy": "\u{1c}\t\u{feff}\u{3000}" }),
        json!({ "resolution": "cancelled", "resolvedBy": "ann", "unknown": 1 }),
    ] {
        let said = body.to_string();
        let (status, body) = world
            .send("PATCH", "/api/v1/dead-letter-queue/A1/resolve", body)
            .await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_REQUEST")),
            "{said}: {body}"
        );
    }
    let (_, entry) = world.get("/api/v1/dead-letter-queue/A1").await;
    assert_eq!(entry["resolved"], false, "nothing was decided");
}

on_both!(a_whole_number_may_be_written_as_a_fraction);
async fn a_whole_number_may_be_written_as_a_fraction(world: World) {
    let preview =
        |limit: f64| json!({ "resolution": "cancelled", "resolvedBy": "ann", "limit": limit });
    let path = "/api/v1/dead-letter-queue/actions";
    let (status, body) = world.send("POST", path, preview(5.0)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let (status, body) = world.send("POST", path, preview(5.5)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
}

on_both!(text_stays_text);
async fn text_stays_text(world: World) {
    let nasty = "'; DROP TABLE orders; -- <script>alert(1)</script> \u{0} \u{202e} 😀";
    world.failed(&[("A1", "shipping_failed")]).await;
    let park = json!({ "failureStatus": nasty, "failureReason": nasty });
    let (status, entry) = world
        .send("POST", "/api/v1/reprocessing/orders/A1/dlq", park)
        .await;
    assert_eq!(status, StatusCode::OK, "{entry}");
    let kept = entry["failureReason"].as_str().unwrap();
    assert!(kept.contains("<script>alert(1)</script>"), "{kept}");
    let quoted = nasty.replace('\u{0}', "");
    let encoded: String = quoted.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for path in [
        format!("orders/{encoded}"),
        format!("batches/{encoded}"),
        format!("dead-letter-queue/{encoded}"),
    ] {
        let (status, body) = world.get(&format!("/api/v1/{path}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {body}");
    }
    let lists = [
        format!("orders?customerId={encoded}&group={encoded}"),
        format!("orders?group={encoded}"),
        format!("dead-letter-queue?customerId={encoded}"),
        format!("failures?group={encoded}&failureStatus={encoded}"),
        format!("reprocessing/eligible?status={encoded}"),
    ];
    for path in lists {
        let (status, body) = world.get(&format!("/api/v1/{path}")).await;
        assert_eq!(
            (status, &body["data"]),
            (StatusCode::OK, &json!([])),
            "{path}"
        );
    }
}

async fn sent(
    world: &World,
    method: &str,
    path: &str,
    said: &[(HeaderName, &str)],
    body: Body,
) -> (StatusCode, Value) {
    let mut request = request(method, path, body);
    for (name, value) in said {
        request
            .headers_mut()
            .insert(name.clone(), value.parse().unwrap());
    }
    world.answer(request).await
}

on_both!(what_other_sites_and_strangers_send_changes_nothing);
async fn what_other_sites_and_strangers_send_changes_nothing(world: World) {
    world.failed(&[("A1", "shipping_failed")]).await;
    let json = (header::CONTENT_TYPE, "application/json");
    let path = "/api/v1/reprocessing/orders/A1/dlq";
    let park = r#"{"failureStatus":"x","failureReason":"y"}"#;
    let other = (header::ORIGIN, "https://evil.example");
    let fetched = (HeaderName::from_static("sec-fetch-site"), "cross-site");
    let stranger = (header::HOST, "evil.example:8420");
    for (said, status, error) in [
        (
            vec![json.clone(), other],
            StatusCode::FORBIDDEN,
            "CROSS_SITE",
        ),
        (
            vec![json.clone(), fetched],
            StatusCode::FORBIDDEN,
            "CROSS_SITE",
        ),
        (
            vec![json.clone(), stranger.clone()],
            StatusCode::MISDIRECTED_REQUEST,
            "WRONG_HOST",
        ),
        (
            vec![(header::CONTENT_TYPE, "text/plain")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
    ] {
        let answer = sent(&world, "POST", path, &said, Body::from(park)).await;
        assert_eq!(
            (answer.0, &answer.1["error"]),
            (status, &json!(error)),
            "{said:?}"
        );
    }
    let (status, _) = sent(
        &world,
        "GET",
        "/api/v1/orders/A1",
        &[stranger],
        Body::empty(),
    )
    .await;
    assert_eq!(
        status,
        StatusCode::MISDIRECTED_REQUEST,
        "nor does a stranger read anything"
    );
    let huge = Body::from(format!(
        r#"{{"failureStatus":"x","failureReason":"{}"}}"#,
        "y".repeat(10 << 20)
    ));
    let (status, body) = sent(&world, "POST", path, std::slice::from_ref(&json), huge).await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("PAYLOAD_TOO_LARGE"))
    );
    let (status, body) = sent(&world, "DELETE", path, &[], Body::empty()).await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::METHOD_NOT_ALLOWED, &json!("METHOD_NOT_ALLOWED"))
    );
    let (status, body) = sent(
        &world,
        "POST",
        path,
        &[json],
        Body::from("{\"failureStatus"),
    )
    .await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::BAD_REQUEST, &json!("INVALID_REQUEST"))
    );
    for path in [
        "/api/v1/../../etc/passwd",
        "/../etc/passwd",
        "/api/v1/orders/..%2f..%2fetc%2fpasswd",
    ] {
        let (status, _) = world.get(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let (_, story) = world.get("/api/v1/orders/A1").await;
    assert_eq!(story["state"], "failed", "nothing was done to it");
}
