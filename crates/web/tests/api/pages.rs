//! The pages, as a browser without a script uses them.

use axum::body::Body;
use axum::http::{StatusCode, header};

use crate::world::{World, on_both, request};

pub(crate) async fn page(world: &World, path: &str) -> String {
    let (head, html) = world.answered(request("GET", path, Body::empty())).await;
    assert_eq!(head.status, StatusCode::OK, "{path}: {html}");
    let csp = head.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(
        csp.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"),
        "{csp}"
    );
    html
}

/// Sends a form. Returns the status, where it leads, and what it shows.
pub(crate) async fn form(
    world: &World,
    path: &str,
    fields: &[(&str, &str)],
) -> (StatusCode, String, String) {
    let escaped = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    let mut sent = request("POST", path, Body::from(pairs.join("&")));
    let kind = "application/x-www-form-urlencoded".parse().unwrap();
    sent.headers_mut().insert(header::CONTENT_TYPE, kind);
    let (head, html) = world.answered(sent).await;
    let to = head.headers.get(header::LOCATION);
    let to = to.map_or_else(String::new, |to| to.to_str().unwrap().to_owned());
    (head.status, to, html)
}

/// The hidden fields of a preview, as a browser sends them on.
pub(crate) fn hidden(html: &str) -> Vec<(&str, &str)> {
    let fields = html.split("<input type=\"hidden\" name=\"").skip(1);
    fields
        .map(|field| {
            let (name, rest) = field.split_once("\" value=\"").unwrap();
            (name, rest.split_once('"').unwrap().0)
        })
        .collect()
}

pub(crate) async fn three(world: &World) {
    let orders = [
        ("A1", "shipping_failed"),
        ("A2", "shipping_failed"),
        ("A3", "slam_failed"),
    ];
    world.failed(&orders).await;
    for (minute, (order, _)) in (70..).zip(&orders) {
        world.park(order, minute).await;
    }
}

on_both!(every_page_is_there);
async fn every_page_is_there(world: World) {
    three(&world).await;
    for (path, says) in [
        ("/", "No batch has ever run."),
        (
            "/",
            "<dt>Dead letters</dt><dd><a href=\"/dead-letters\">3</a>",
        ),
        (
            "/dead-letters",
            "3 wait for a decision, the oldest for 50 min; 0 are decided.",
        ),
        ("/dead-letters?failureStatus=slam_failed", "value=\"A3\""),
        ("/dead-letters?resolved=true", "No entry matches."),
        ("/orders", "no luck with A1"),
        ("/orders?state=failed", "No such order is known."),
        ("/orders/A1", "0 of 5 restarts used"),
        ("/orders/A1", "run-of-A1</a>"),
        ("/failures", "slam_failed"),
        ("/batches", "No batch has run yet."),
        ("/schedule", "There is no schedule"),
    ] {
        let html = page(&world, path).await;
        assert!(html.contains(says), "{path} does not say {says:?}: {html}");
    }
    let (head, html) = world
        .answered(request("GET", "/orders/nobody", Body::empty()))
        .await;
    assert_eq!(head.status, StatusCode::NOT_FOUND);
    assert!(html.contains("<h1>Not found</h1>"), "{html}");
    for asset in ["style.css", "live.js", "icon.svg"] {
        let (head, _) = world
            .answered(request("GET", &format!("/assets/{asset}"), Body::empty()))
            .await;
        assert_eq!(head.status, StatusCode::OK, "{asset}");
    }
}

on_both!(dead_letters_are_decided_without_a_script);
async fn dead_letters_are_decided_without_a_script(world: World) {
    three(&world).await;
    let ticked = [
        ("resolution", "cancelled"),
        ("which", "ticked"),
        ("order", "A1"),
        ("order", "A3"),
        ("by", "ann"),
        ("notes", "refunded"),
    ];
    let (status, _, preview) = form(&world, "/dead-letters", &ticked).await;
    assert_eq!(status, StatusCode::OK, "{preview}");
    assert!(preview.contains("<h1>Cancel 2 orders?</h1>"), "{preview}");
    let (status, _, done) = form(&world, "/dead-letters/decide", &hidden(&preview)).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    assert!(done.contains("<h1>Cancel: 2 orders done</h1>"), "{done}");
    let decided = page(&world, "/dead-letters?resolved=true").await;
    assert!(decided.contains("cancelled by ann"), "{decided}");

    // The same once more: nothing is left to decide, and each is told why.
    let (_, _, again) = form(&world, "/dead-letters/decide", &hidden(&preview)).await;
    assert!(
        again.contains("it was decided before: cancelled by ann"),
        "{again}"
    );

    let matching = [
        ("resolution", "escalated"),
        ("which", "matching"),
        ("failureStatus", "shipping_failed"),
        ("by", "bob"),
    ];
    let (_, _, preview) = form(&world, "/dead-letters", &matching).await;
    assert!(preview.contains("<h1>Escalate 1 order?</h1>"), "{preview}");
    assert!(preview.contains("name=\"notes\" required"), "{preview}");
    let mut fields = hidden(&preview);
    let (status, _, unsaid) = form(&world, "/dead-letters/decide", &fields).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        unsaid.contains("nothing says why: write a note"),
        "{unsaid}"
    );
    fields.push(("notes", "to carol"));
    let (_, _, done) = form(&world, "/dead-letters/decide", &fields).await;
    assert!(done.contains("<h1>Escalate: 1 order done</h1>"), "{done}");
}

on_both!(an_order_is_acted_on_from_its_page);
async fn an_order_is_acted_on_from_its_page(world: World) {
    world.failed(&[("A1", "shipping_failed")]).await;
    for (deed, said, shows) in [
        ("hold", "held", "It is held back"),
        ("release", "released", "It is released"),
        ("release", "not-now", "Nothing was done"),
        ("dead_letter", "parked", "It is in the dead letter queue"),
        ("cancel", "cancelled", "It is given up."),
    ] {
        let fields = [("deed", deed), ("by", "ann"), ("reason", "as told")];
        let (status, to, html) = form(&world, "/orders/A1", &fields).await;
        assert_eq!(
            (status, to.as_str()),
            (
                StatusCode::SEE_OTHER,
                format!("/orders/A1?said={said}").as_str()
            ),
            "{deed}: {html}"
        );
        let html = page(&world, &to).await;
        assert!(html.contains(shows), "{deed}: {html}");
    }
    world.failed(&[("A2", "shipping_failed")]).await;
    world.park("A2", 71).await;
    for deed in ["cancel", "escalate"] {
        let unsaid = [("deed", deed), ("by", "ann"), ("reason", " ")];
        let (_, to, _) = form(&world, "/orders/A2", &unsaid).await;
        assert_eq!(to, "/orders/A2?said=unsaid");
    }
    let (_, entry) = world.get("/api/v1/dead-letter-queue/A2").await;
    assert_eq!(entry["resolved"], false, "{entry}");
    let nobody = [("deed", "retry"), ("by", " ")];
    let (status, _, html) = form(&world, "/orders/A1", &nobody).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(html.contains("nobody is named"), "{html}");
}

on_both!(what_came_in_as_text_is_shown_as_text);
async fn what_came_in_as_text_is_shown_as_text(world: World) {
    let script = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    world.failed(&[("A1", "shipping_failed")]).await;
    let park = serde_json::json!({ "failureStatus": script, "failureReason": script });
    let (status, body) = world
        .send("POST", "/api/v1/reprocessing/orders/A1/dlq", park)
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let encoded: String = script.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for path in [
        "/dead-letters".to_owned(),
        "/orders/A1".to_owned(),
        format!("/dead-letters?failureStatus={encoded}&customerId={encoded}"),
        format!("/orders?failureStatus={encoded}&customerId={encoded}"),
        format!("/orders/A1?said=held&message={encoded}"),
    ] {
        let html = page(&world, &path).await;
        assert!(
            !html.contains("<script>alert") && !html.contains("<img src=x"),
            "{path}: {html}"
        );
    }
}
