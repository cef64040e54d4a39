//! Who is let in, and to what.

use std::num::NonZeroU32;

use axum::body::Body;
use axum::http::response::Parts;
use axum::http::{Request, StatusCode, header};
use redrive_ledger::{AuditFilter, Role};
use redrive_web::Access;
use serde_json::{Value, json};
use url::Url;

use crate::world::{NOW, World, ann, on_both, request};

/// A request that shows `secret`.
fn shown(method: &str, path: &str, secret: &str, body: Option<Value>) -> Request<Body> {
    let text = body.map(|body| body.to_string()).unwrap_or_default();
    let mut request = request(method, path, Body::from(text));
    let headers = request.headers_mut();
    let bearer = format!("Bearer {secret}").parse().unwrap();
    headers.insert(header::AUTHORIZATION, bearer);
    let json = "application/json".parse().unwrap();
    headers.insert(header::CONTENT_TYPE, json);
    request
}

/// A form as a browser sends it from a page of ours, with what it has kept.
fn form(path: &str, kept: &str, fields: &str) -> Request<Body> {
    let mut request = request("POST", path, Body::from(fields.to_owned()));
    let headers = request.headers_mut();
    for (name, value) in [
        (header::ORIGIN, "http://127.0.0.1:8420"),
        (header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
        (header::COOKIE, kept),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    request
}

/// A page as a browser asks for it, with what it has kept.
fn page(path: &str, kept: &str) -> Request<Body> {
    let mut request = request("GET", path, Body::empty());
    let kept = kept.parse().unwrap();
    request.headers_mut().insert(header::COOKIE, kept);
    request
}

fn header_of(parts: &Parts, name: header::HeaderName) -> &str {
    parts
        .headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

on_both!(who_shows_nothing_that_is_known_is_not_let_in);
async fn who_shows_nothing_that_is_known_is_not_let_in(world: World) {
    let world = world.guarded(Access::by_token(None));
    let known = world.token("ann", Role::Admin).await;
    let forged = format!("redrive_{}", "0".repeat(64));
    for path in [
        "/api/v1/status",
        "/api/v1/openapi.json",
        "/metrics",
        "/api/v1/nothing",
    ] {
        let (parts, body) = world.answered(request("GET", path, Body::empty())).await;
        assert_eq!(parts.status, StatusCode::UNAUTHORIZED, "{path}: {body}");
        assert!(body.contains("UNAUTHENTICATED"), "{body}");
        let scheme = header_of(&parts, header::WWW_AUTHENTICATE);
        assert_eq!(scheme, "Bearer realm=\"redrive\"");
        for wrong in [
            forged.as_str(),
            "",
            &known[..known.len() - 1],
            &known.to_uppercase(),
        ] {
            let (status, _) = world.answer(shown("GET", path, wrong, None)).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} {wrong}");
        }
    }
    let (status, _) = world
        .answer(shown("GET", "/api/v1/status", &known, None))
        .await;
    assert_eq!(status, StatusCode::OK);
    for path in ["/healthz", "/readyz"] {
        let (status, _) = world.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path} says nothing about orders");
    }
    let (parts, _) = world
        .answered(request("GET", "/orders?state=held", Body::empty()))
        .await;
    assert_eq!(parts.status, StatusCode::SEE_OTHER);
    let to = header_of(&parts, header::LOCATION);
    assert_eq!(to, "/login?to=%2Forders%3Fstate%3Dheld");
    let (parts, _) = world
        .answered(form("/schedule", "redrive_session=x", ""))
        .await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
}

on_both!(each_role_may_what_it_is_for);
async fn each_role_may_what_it_is_for(world: World) {
    world.failed(&[("A1", "shipping_failed")]).await;
    world.park("A1", 70).await;
    let world = world.guarded(Access::by_token(None));
    let [viewer, operator, admin] = [
        world.token("board", Role::Viewer).await,
        world.token("night", Role::Operator).await,
        world.token("root", Role::Admin).await,
    ];
    let resolve = || json!({ "resolution": "cancelled", "resolvedBy": "carol" });
    let path = "/api/v1/dead-letter-queue/A1/resolve";
    let (status, body) = world
        .answer(shown("PATCH", path, &viewer, Some(resolve())))
        .await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::FORBIDDEN, &json!("FORBIDDEN")),
        "{body}"
    );
    let (status, body) = world
        .answer(shown("PATCH", path, &operator, Some(resolve())))
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["resolvedBy"], "carol (through night)");
    let (status, body) = world
        .answer(shown(
            "POST",
            "/api/v1/orders/A1/hold",
            &viewer,
            Some(json!({})),
        ))
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
    let (status, audit) = world
        .answer(shown("GET", "/api/v1/audit", &viewer, None))
        .await;
    assert_eq!(status, StatusCode::OK, "{audit}");
    assert_eq!(audit["data"][0]["actor"], "carol (through night)");
    for secret in [&viewer, &operator] {
        let (status, body) = world
            .answer(shown("GET", "/api/v1/tokens", secret, None))
            .await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
    }
    let limit = "/api/v1/limits/starts";
    for (secret, expected) in [(&operator, StatusCode::FORBIDDEN), (&admin, StatusCode::OK)] {
        let set = shown("PUT", limit, secret, Some(json!({ "perSecond": 7 })));
        assert_eq!(world.answer(set).await.0, expected);
        let (status, _) = world
            .answer(shown("GET", "/api/v1/limits", secret, None))
            .await;
        assert_eq!(status, StatusCode::OK);
    }
    let halt = json!({ "reason": "stocktaking" });
    let halt = shown("PUT", "/api/v1/halt", &operator, Some(halt));
    assert_eq!(world.answer(halt).await.0, StatusCode::OK);
    let new = json!({ "name": "new", "role": "viewer" });
    let create = || shown("POST", "/api/v1/tokens", &admin, Some(new.clone()));
    let (status, made) = world.answer(create()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let secret = made["secret"].as_str().unwrap();
    let (status, _) = world
        .answer(shown("GET", "/api/v1/status", secret, None))
        .await;
    assert_eq!(status, StatusCode::OK);
    let (status, again) = world.answer(create()).await;
    assert_eq!(status, StatusCode::CONFLICT, "{again}");
    let (_, listed) = world
        .answer(shown("GET", "/api/v1/tokens", &admin, None))
        .await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 4);
    assert!(!listed.to_string().contains("redrive_"), "{listed}");
    for expected in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
        let revoke = "/api/v1/tokens/new?by=carol&reason=left";
        let delete = shown("DELETE", revoke, &admin, None);
        assert_eq!(world.answered(delete).await.0.status, expected);
    }
    let (status, _) = world
        .answer(shown("GET", "/api/v1/status", secret, None))
        .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "it was revoked");
    let bad = json!({ "name": "<b>", "role": "viewer" });
    let (status, _) = world
        .answer(shown("POST", "/api/v1/tokens", &admin, Some(bad)))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let acts = world
        .app
        .ops
        .records
        .audit(&AuditFilter::default(), 10)
        .await;
    let acts = acts.unwrap();
    let root = acts.iter().filter(|act| act.actor == "root");
    assert_eq!(root.count(), 2, "made one and set a limit: {acts:?}");
    let last = &acts[0];
    assert_eq!(
        (last.actor.as_str(), last.reason.as_str()),
        ("carol (through root)", "left"),
        "revoked it"
    );
}

on_both!(what_takes_turns_of_a_shared_limit_is_not_for_viewers);
async fn what_takes_turns_of_a_shared_limit_is_not_for_viewers(world: World) {
    let world = world.guarded(Access::by_token(None));
    let (path, since) = ("/api/v1/failures/older", "2026-01-01T00:00:00Z");
    for (name, role, expected) in [
        ("board", Role::Viewer, StatusCode::FORBIDDEN),
        ("night", Role::Operator, StatusCode::OK),
    ] {
        let secret = world.token(name, role).await;
        let look = format!("{path}?since={since}");
        let (status, body) = world.answer(shown("GET", &look, &secret, None)).await;
        assert_eq!(status, expected, "{body}");
        let take_in = Some(json!({ "since": since }));
        let (status, body) = world.answer(shown("POST", path, &secret, take_in)).await;
        assert_eq!(status, expected, "{body}");
    }
    let acts = AuditFilter {
        action: Some("scan".to_owned()),
        ..AuditFilter::default()
    };
    let acts = world.app.ops.records.audit(&acts, 9).await.unwrap();
    let by: Vec<&str> = acts.iter().map(|act| act.actor.as_str()).collect();
    assert_eq!(by, ["night"]);
}

on_both!(a_secret_is_not_answered_twice);
async fn a_secret_is_not_answered_twice(world: World) {
    let world = world.guarded(Access::by_token(None));
    let admin = world.token("root", Role::Admin).await;
    let create = || {
        let new = json!({ "name": "new", "role": "viewer" });
        let mut request = shown("POST", "/api/v1/tokens", &admin, Some(new));
        let key = "k1".parse().unwrap();
        request.headers_mut().insert("idempotency-key", key);
        request
    };
    assert_eq!(world.answer(create()).await.0, StatusCode::CREATED);
    assert_eq!(world.answer(create()).await.0, StatusCode::CONFLICT);
}

on_both!(a_browser_signs_in_and_out);
async fn a_browser_signs_in_and_out(world: World) {
    world.failed(&[("A1", "shipping_failed")]).await;
    let public = Url::parse("https://redrive.example").unwrap();
    let world = world.guarded(Access::by_token(Some(public)));
    let secret = world.token("night", Role::Operator).await;
    let (parts, body) = world.answered(page("/login?to=%2Forders", "")).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert!(body.contains("name=\"to\" value=\"/orders\""), "{body}");
    let (parts, body) = world.answered(form("/login", "", "token=redrive_0")).await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("not known, or was revoked"), "{body}");
    let fields = format!("token={secret}&to=%2Forders");
    let (parts, _) = world.answered(form("/login", "", &fields)).await;
    assert_eq!(parts.status, StatusCode::SEE_OTHER);
    assert_eq!(header_of(&parts, header::LOCATION), "/orders");
    let set = header_of(&parts, header::SET_COOKIE);
    let (kept, rest) = set.split_once("; ").unwrap();
    assert_eq!(rest, "HttpOnly; SameSite=Lax; Secure; Path=/");
    assert!(!kept.contains(&secret), "a browser keeps no token");

    let (parts, body) = world.answered(page("/orders/A1", kept)).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert!(
        body.contains("Signed in as <strong>night</strong>"),
        "{body}"
    );
    assert!(!body.contains("name=\"by\""), "it is known who does it");
    let (parts, _) = world.answered(form("/orders/A1", kept, "deed=hold")).await;
    assert_eq!(parts.status, StatusCode::SEE_OTHER);
    let story = world.app.ops.records.show_order("A1").await.unwrap();
    assert_eq!(story.audit.last().unwrap().actor, "night");

    let mut unsaid = form("/orders/A1", kept, "deed=release");
    unsaid.headers_mut().remove(header::ORIGIN);
    let (parts, _) = world.answered(unsaid).await;
    assert_eq!(parts.status, StatusCode::FORBIDDEN, "no browser sends that");
    let mut foreign = form("/orders/A1", kept, "deed=release");
    let evil = "https://evil.example".parse().unwrap();
    foreign.headers_mut().insert(header::ORIGIN, evil);
    let (parts, _) = world.answered(foreign).await;
    assert_eq!(parts.status, StatusCode::FORBIDDEN);
    let mut proxied = form("/orders/A1", kept, "deed=release");
    let public = "https://redrive.example".parse().unwrap();
    proxied.headers_mut().insert(header::ORIGIN, public);
    let (parts, _) = world.answered(proxied).await;
    assert_eq!(
        parts.status,
        StatusCode::SEE_OTHER,
        "it came through the proxy"
    );

    let (parts, _) = world.answered(form("/logout", kept, "")).await;
    assert_eq!(header_of(&parts, header::LOCATION), "/login");
    let (parts, _) = world.answered(page("/orders/A1", kept)).await;
    assert_eq!(parts.status, StatusCode::SEE_OTHER, "it is signed out");
}

on_both!(a_browser_stays_signed_in_for_half_a_day);
async fn a_browser_stays_signed_in_for_half_a_day(world: World) {
    let world = world.guarded(Access::by_token(None));
    let secret = world.token("night", Role::Operator).await;
    let signed_in = form("/login", "", &format!("token={secret}"));
    let (parts, _) = world.answered(signed_in).await;
    let set = header_of(&parts, header::SET_COOKIE).to_owned();
    let (kept, _) = set.split_once("; ").unwrap();
    let world = world.then(NOW + 12 * 60 - 1);
    let (parts, _) = world.answered(page("/orders", kept)).await;
    assert_eq!(parts.status, StatusCode::OK);
    let world = world.then(NOW + 12 * 60);
    let (parts, _) = world.answered(page("/orders", kept)).await;
    assert_eq!(parts.status, StatusCode::SEE_OTHER);
    assert_eq!(header_of(&parts, header::LOCATION), "/login?to=%2Forders");
    let (parts, body) = world.answered(form("/batches", kept, "")).await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
    let says = "you are signed out, and nothing was done: sign in, and do it again";
    assert!(body.contains(says), "{body}");
    let (status, _) = world
        .answer(shown("GET", "/api/v1/status", &secret, None))
        .await;
    assert_eq!(status, StatusCode::OK, "the token itself stays");
}

on_both!(a_viewer_is_refused_on_a_page);
async fn a_viewer_is_refused_on_a_page(world: World) {
    world.failed(&[("A1", "shipping_failed")]).await;
    let world = world.guarded(Access::by_token(None));
    let secret = world.token("board", Role::Viewer).await;
    let signed_in = form("/login", "", &format!("token={secret}"));
    let (parts, _) = world.answered(signed_in).await;
    let set = header_of(&parts, header::SET_COOKIE).to_owned();
    let (kept, _) = set.split_once("; ").unwrap();
    let (parts, body) = world.answered(form("/orders/A1", kept, "deed=hold")).await;
    assert_eq!(parts.status, StatusCode::FORBIDDEN);
    assert!(
        body.contains("takes one of role operator or above"),
        "{body}"
    );
    assert!(
        body.contains("Signed in as <strong>board</strong>"),
        "{body}"
    );
    let by = ann("left");
    let revoked = world.app.ops.records.revoke_token("board", &by);
    revoked.await.unwrap();
    let (parts, _) = world.answered(page("/", kept)).await;
    assert_eq!(parts.status, StatusCode::SEE_OTHER, "the token is gone");
}

on_both!(who_asks_too_often_waits);
async fn who_asks_too_often_waits(world: World) {
    let few = NonZeroU32::new(5).unwrap();
    let world = world.guarded(Access::by_token(None).at_most(few));
    let secret = world.token("ann", Role::Viewer).await;
    let mut refused = None;
    for _ in 0..100 {
        let asked = request("GET", "/api/v1/status", Body::empty());
        let (parts, body) = world.answered(asked).await;
        if parts.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some((parts, body));
            break;
        }
    }
    for path in ["/healthz", "/assets/style.css"] {
        let (parts, _) = world.answered(request("GET", path, Body::empty())).await;
        assert_eq!(parts.status, StatusCode::OK, "{path} costs nothing");
    }
    let (parts, body) = refused.expect("a hundred requests are more than five a second");
    assert_eq!(header_of(&parts, header::RETRY_AFTER), "1");
    assert!(body.contains("TOO_MANY_REQUESTS"), "{body}");
    let (status, _) = world
        .answer(shown("GET", "/api/v1/status", &secret, None))
        .await;
    assert_eq!(
        status,
        StatusCode::OK,
        "who is known has a pace of their own"
    );
}
