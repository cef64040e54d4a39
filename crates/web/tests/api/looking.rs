//! What the pages show of failures, the queue, batches and the policy, and how somebody finds what he looks for.

use axum::http::StatusCode;
use redrive_fulfillment::puppet::{Move, Puppet};
use redrive_fulfillment::testbed::eventually;
use redrive_ledger::{BatchEnd, BatchOpening};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use crate::pages::{form, hidden, page, three};
use crate::world::{NOW, TYPE, World, at, on_both};

/// The orders of the first table, in its order.
fn listed(html: &str) -> Vec<&str> {
    let table = html.split_once("<tbody>").map_or("", |(_, rest)| rest);
    let table = table.split_once("</tbody>").map_or("", |(table, _)| table);
    let orders = table.split("<a href=\"/orders/").skip(1);
    orders
        .map(|order| order.split_once('"').unwrap().0)
        .collect()
}

on_both!(the_first_page_tells_what_fails_what_was_done_and_what_is_left);
async fn the_first_page_tells_what_fails_what_was_done_and_what_is_left(world: World) {
    three(&world).await;
    let opening = BatchOpening {
        batch: "b1".into(),
        workflow_id: "w-b1".into(),
        started_at: at(NOW - 20),
        one_order: false,
    };
    world.ledger.open_batch(&opening).await.unwrap();
    world
        .ledger
        .finish_batch(&"b1".into(), &BatchEnd::default(), at(NOW - 15))
        .await
        .unwrap();
    let html = page(&world, "/").await;
    let mut from = 0;
    for part in [
        "3 orders wait for a decision in the dead letter queue.",
        "<dt>Wait for a restart</dt>",
        "<strong>Quiet</strong> More than 10 orders go to the dead letter queue in one batch",
        "<strong>Quiet</strong> More than 5% of a batch&#39;s orders cannot be processed",
        "<strong>Quiet</strong> 3 batches running find more than 100 orders each",
        "<h2 id=\"failing\">What fails, and why</h2>",
        "shipping_failed</a>",
        " 2, rising</td>",
        "<h2 id=\"done\">What was done about it</h2>",
        "<svg class=\"chart\" role=\"img\" aria-labelledby=\"days\"",
        "<title>17 Mar: 0 restarted, 0 recovered, 0 failed again, 0 dead-lettered, 0 errors</title>",
        "<caption>What batches did on each of the last 14 days (UTC)</caption>",
        "<a href=\"/batches/b1\">",
        "<h2 id=\"needed\">What needs you</h2>",
        "<a href=\"/dead-letters?failureStatus=shipping_failed\">2 of shipping_failed</a>",
    ] {
        let found = html[from..].find(part);
        from += found.unwrap_or_else(|| panic!("{part:?} is not there, or not there: {html}"));
    }
    assert!(
        !html.contains("style="),
        "the policy lets no style in: {html}"
    );
}

on_both!(the_queue_is_searched_and_sorted);
async fn the_queue_is_searched_and_sorted(world: World) {
    three(&world).await;
    for (asked, found) in [
        ("search=A", vec!["A1", "A2", "A3"]),
        ("search=A2", vec!["A2"]),
        ("search=order-A2", vec!["A2"]),
        ("search=customer-of-A3", vec!["A3"]),
        ("search=+A3+", vec!["A3"]),
        ("search=customer", vec![]),
        ("search=A&failureStatus=slam_failed", vec!["A3"]),
        ("group=5", vec!["A3"]),
        ("sort=newest", vec!["A3", "A2", "A1"]),
        ("sort=newest&search=A&olderThanHours=0.8", vec!["A2", "A1"]),
        ("sort=decided", vec!["A1", "A2", "A3"]),
        // None was restarted: the younger entry comes first.
        ("sort=retries", vec!["A3", "A2", "A1"]),
        ("resolved=true", vec![]),
    ] {
        let html = page(&world, &format!("/dead-letters?{asked}")).await;
        assert_eq!(listed(&html), found, "{asked}: {html}");
    }
    for order in ["A3", "A1"] {
        let path = format!("/api/v1/dead-letter-queue/{order}/resolve");
        let cancel = json!({ "resolution": "cancelled", "notes": "refunded", "resolvedBy": "ann" });
        let (status, body) = world.send("PATCH", &path, cancel).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    for (asked, found) in [
        ("", vec!["A2"]),
        // Decided at the same moment: the younger entry comes first.
        ("resolved=true", vec!["A3", "A1"]),
        ("resolved=true&sort=oldest", vec!["A1", "A3"]),
        ("resolved=false&sort=retries", vec!["A2"]),
        ("resolved=true&search=A1", vec!["A1"]),
        ("resolved=&sort=newest", vec!["A3", "A2", "A1"]),
    ] {
        let html = page(&world, &format!("/dead-letters?{asked}")).await;
        assert_eq!(listed(&html), found, "{asked}: {html}");
    }
    let decided = page(&world, "/dead-letters?resolved=true").await;
    assert!(decided.contains("cancelled by ann"), "{decided}");
    assert!(decided.contains("<small>refunded</small>"), "{decided}");
}

on_both!(all_that_a_search_finds_are_decided);
async fn all_that_a_search_finds_are_decided(world: World) {
    three(&world).await;
    let asked = [
        ("resolution", "cancelled"),
        ("which", "matching"),
        ("search", "customer-of-A2"),
        ("by", "ann"),
        ("notes", "refunded"),
    ];
    let (_, _, preview) = form(&world, "/dead-letters", &asked).await;
    assert!(preview.contains("<h1>Cancel 1 order?</h1>"), "{preview}");
    let (_, _, done) = form(&world, "/dead-letters/decide", &hidden(&preview)).await;
    assert!(done.contains("<h1>Cancel: 1 order done</h1>"), "{done}");
    let left = page(&world, "/dead-letters").await;
    assert_eq!(listed(&left), ["A1", "A3"]);
    let (_, api) = world.get("/api/v1/dead-letter-queue?search=A2").await;
    assert_eq!(
        (&api["total"], &api["data"][0]["resolvedBy"]),
        (&json!(1), &json!("ann"))
    );
}

on_both!(what_would_take_too_much_is_refused_in_a_sentence);
async fn what_would_take_too_much_is_refused_in_a_sentence(world: World) {
    three(&world).await;
    let mut ticked = vec![
        ("resolution", "cancelled"),
        ("which", "ticked"),
        ("by", "ann"),
    ];
    ticked.extend(std::iter::repeat_n(("order", "A1"), 501));
    let (status, _, html) = form(&world, "/dead-letters", &ticked).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let said =
        "501 entries are ticked, and 500 at most are decided one by one: choose all that match";
    assert!(html.contains(said), "{html}");

    let many: Vec<String> = (0..10_001).map(|number| format!("B{number}")).collect();
    let many: Vec<_> = many.iter().map(|id| (id.as_str(), "slam_failed")).collect();
    for some in many.chunks(1_000) {
        world.failed(some).await;
    }
    let (status, body) = world.get("/api/v1/dead-letter-queue?search=B").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    let said = "more than 10000 orders begin with \"B\": search for more of the id";
    assert_eq!(body["message"], said);
    let (status, body) = world.get("/api/v1/dead-letter-queue?search=B1").await;
    assert_eq!((status, &body["total"]), (StatusCode::OK, &json!(0)));
}

on_both!(failures_are_searched_and_lead_to_their_orders);
async fn failures_are_searched_and_lead_to_their_orders(world: World) {
    let many: Vec<String> = (0..51).map(|number| format!("A{number}")).collect();
    let many: Vec<_> = many
        .iter()
        .map(|id| (id.as_str(), "shipping_failed"))
        .collect();
    world.failed(&many).await;
    world.failed(&[("B1", "slam_failed")]).await;
    let html = page(&world, "/failures").await;
    assert!(html.contains(" 51, ") && html.contains(" 1, "), "{html}");
    let html = page(&world, "/failures?search=LUCK%20with%20B").await;
    let (shipping, slam) = (">shipping_failed</a>", ">slam_failed</a>");
    assert!(html.contains(slam) && !html.contains(shipping), "{html}");
    let html = page(&world, "/failures?search=%25").await;
    assert!(html.contains("No failure has these words"), "{html}");

    let group = "/orders?group=a000000000000000&amp;failureStatus=shipping_failed";
    assert!(page(&world, "/failures").await.contains(group));
    let first = page(&world, &group.replace("&amp;", "&")).await;
    assert_eq!(listed(&first).len(), 50);
    let (_, next) = first.split_once("<p><a href=\"/orders?").unwrap();
    let (next, _) = next.split_once("\" rel=\"next\"").unwrap();
    let next = next.replace("&#38;", "&").replace("&amp;", "&");
    let rest = page(&world, &format!("/orders?{next}")).await;
    assert_eq!(listed(&rest), ["A0"], "{next}");
    assert!(!rest.contains("rel=\"next\""), "{rest}");
}

#[tokio::test]
async fn the_schedule_is_shown_with_the_policy_and_a_dry_run() {
    let world = World::alive("pages-schedule").await;
    let put = json!({ "paused": true, "reason": "stocktaking", "by": "ann" });
    let (status, body) = world.send("PUT", "/api/v1/schedule", put).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let html = page(&world, "/schedule").await;
    for part in [
        "every 15m (ann: stocktaking)",
        "<dt>Ticks lost</dt><dd>0</dd>",
        "None while it is paused.",
        "<th scope=\"row\">shipping_failed</th><td>yes</td><td class=\"n\">5</td>",
        "<dt>Watched workflow types</dt><dd>Order</dd>",
        "<dt>Starts a second, at most</dt><dd>20</dd>",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }

    let bed = &world.bed;
    let _puppet = Puppet::spawn(&bed.client, &bed.namespace, "orders", |_| {
        Move::fail("shipping_failed", "no carrier")
    });
    bed.start(bed.start_request("order-A1", TYPE, "orders"))
        .await;
    bed.await_status("order-A1", WorkflowExecutionStatus::Failed)
        .await;
    eventually("visibility to show the order", || async {
        let (status, _, html) = form(&world, "/schedule/rehearsal", &[("maxOrders", "5")]).await;
        assert_eq!(status, StatusCode::OK, "{html}");
        let verdict = "A1</a></th><td><span class=\"state restarted\">restarted</span></td>\
                       <td>shipping_failed</td><td class=\"message-text\">attempt 1</td>";
        html.contains(verdict).then_some(())
    })
    .await;
    let (status, _) = world.get("/api/v1/orders/A1").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "nothing is taken in");
    for most in ["0", "many", "-1"] {
        let asked = [("maxOrders", most)];
        let (status, _, html) = form(&world, "/schedule/rehearsal", &asked).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{most}: {html}");
    }
}
