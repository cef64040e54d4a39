//! Operations on many dead letters: listed in pages, told with what they did not start, steered.

use axum::http::StatusCode;
use insta::assert_json_snapshot;
use redrive_fulfillment::testbed::eventually;
use redrive_ledger::{Chosen, DeadLetterFilter, OperationEnd, OperationOpening};
use serde_json::{Value, json};

use crate::pages::{form, page};
use crate::world::{NOW, World, ann, at, on_both};

const ACTIONS: &str = "/api/v1/dead-letter-queue/actions";

/// An operation on all that wait, which nobody works for.
async fn opened(world: &World, id: &str) {
    let filter = DeadLetterFilter::default();
    let opening = OperationOpening {
        id: id.into(),
        chosen: Chosen::Matching {
            filter,
            limit: None,
        },
        per_second: None,
        by: ann("the carrier is back"),
    };
    let opened = world.ledger.open_operation(&opening, at(NOW)).await;
    assert_eq!(opened.unwrap().matched, 3);
}

/// Three orders in the queue.
async fn queue(world: &World) {
    let orders = ["A1", "A2", "A3"].map(|order| (order, "shipping_failed"));
    world.failed(&orders).await;
    for (minute, (order, _)) in (70..).zip(orders) {
        world.park(order, minute).await;
    }
}

on_both!(operations_are_listed_in_pages);
async fn operations_are_listed_in_pages(world: World) {
    queue(&world).await;
    for id in ["a-1", "a-2", "a-3"] {
        opened(&world, id).await;
    }
    let (status, all) = world.get(ACTIONS).await;
    assert_eq!((status, &all["nextCursor"]), (StatusCode::OK, &Value::Null));
    let mut found = Vec::new();
    let mut next = format!("{ACTIONS}?limit=2");
    loop {
        let (status, page) = world.get(&next).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        found.extend(page["data"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(cursor) => next = format!("{ACTIONS}?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(Value::from(found), all["data"]);
    assert_eq!(all["data"].as_array().unwrap().len(), 3);
}

on_both!(an_operation_tells_what_it_did_not_start);
async fn an_operation_tells_what_it_did_not_start(world: World) {
    queue(&world).await;
    opened(&world, "o").await;
    for order in ["A1", "A2"] {
        let path = format!("/api/v1/dead-letter-queue/{order}/resolve");
        let cancel = json!({ "resolution": "cancelled", "resolvedBy": "bob" });
        let (status, entry) = world.send("PATCH", &path, cancel).await;
        assert_eq!((status, &entry["retry"]), (StatusCode::OK, &Value::Null));
    }
    let (ledger, id) = (&world.ledger, "o".into());
    let policy = &world.app.ops.records.policy;
    let taken = ledger.take_page(policy, &id, 0, 10, at(NOW)).await;
    assert_eq!(taken.unwrap().skipped, 2);

    let (status, first) = world.get(&format!("{ACTIONS}/o?limit=1")).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    assert_json_snapshot!("operation", first);
    let cursor = first["nextCursor"].as_str().unwrap();
    let (_, second) = world
        .get(&format!("{ACTIONS}/o?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(second["notStarted"][0]["orderId"], "A2", "{second}");
    let (_, both) = world.get(&format!("{ACTIONS}/o")).await;
    assert_eq!(both["notStarted"].as_array().unwrap().len(), 2);
    assert_eq!(both["nextCursor"], Value::Null);
}

on_both!(an_operation_goes_at_another_rate);
async fn an_operation_goes_at_another_rate(world: World) {
    queue(&world).await;
    opened(&world, "o").await;
    let path = format!("{ACTIONS}/o/rate");
    let gently = json!({ "perSecond": 2.5, "reason": "gently", "by": "bob" });
    let (status, operation) = world.send("PUT", &path, gently).await;
    assert_eq!(
        (status, &operation["perSecond"]),
        (StatusCode::OK, &json!(2.5)),
        "{operation}"
    );
    let (status, operation) = world.send("PUT", &path, json!({})).await;
    assert_eq!(
        (status, &operation["perSecond"]),
        (StatusCode::OK, &Value::Null)
    );
    for wrong in [json!(0), json!(-1), json!("fast"), json!(1e9)] {
        let (status, body) = world
            .send("PUT", &path, json!({ "perSecond": wrong }))
            .await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    }
    let (status, _) = world.send("POST", &path, json!({})).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    let nobody = format!("{ACTIONS}/nobody/rate");
    let (status, _) = world.send("PUT", &nobody, json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let id = "o".into();
    let ended = world
        .ledger
        .end_operation(&id, &OperationEnd::Stopped, at(NOW));
    ended.await.unwrap();
    let (status, body) = world.send("PUT", &path, json!({})).await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::CONFLICT, &json!("CONFLICT")),
        "{body}"
    );
}

on_both!(an_operation_that_does_not_run_is_ended_and_hears_nothing_more);
async fn an_operation_that_does_not_run_is_ended_and_hears_nothing_more(world: World) {
    queue(&world).await;
    opened(&world, "o").await;
    let tell = async |id: &str, deed: &str| {
        let why = json!({ "reason": "enough", "by": "bob" });
        world
            .send("POST", &format!("{ACTIONS}/{id}/{deed}"), why)
            .await
    };
    let (status, body) = tell("o", "pause").await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::CONFLICT, &json!("CONFLICT")),
        "{body}"
    );
    let (status, told) = tell("o", "stop").await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_json_snapshot!("operation_told", told);
    for deed in ["pause", "resume", "stop"] {
        let (status, body) = tell("o", deed).await;
        assert_eq!(status, StatusCode::CONFLICT, "{deed}: {body}");
        let (status, body) = tell("nobody", deed).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{deed}: {body}");
    }
    let (status, body) = tell("o", "hurry").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
}

on_both!(an_operations_page_says_what_it_waits_for_and_steers_it);
async fn an_operations_page_says_what_it_waits_for_and_steers_it(world: World) {
    queue(&world).await;
    opened(&world, "o").await;
    let path = "/dead-letters/operations/o";
    let html = page(&world, path).await;
    let nobody = "No worker polls task queue &#34;orchestrator&#34;, so nothing is started";
    assert!(html.contains(nobody), "{html}");

    let records = &world.app.ops.records;
    records.halt(&ann("stocktaking")).await.unwrap();
    let halted =
        "by ann: stocktaking. Nothing is started. What is retried waits for `redrive unhalt`.";
    let html = page(&world, path).await;
    assert!(html.contains(halted) && !html.contains(nobody), "{html}");
    let retry = [
        ("resolution", "manual_retry"),
        ("which", "matching"),
        ("by", "ann"),
    ];
    let (status, _, preview) = form(&world, "/dead-letters", &retry).await;
    assert_eq!(status, StatusCode::OK);
    assert!(preview.contains(halted), "{preview}");
    let mut cancel = retry;
    cancel[0].1 = "cancelled";
    let (_, _, preview) = form(&world, "/dead-letters", &cancel).await;
    assert!(!preview.contains(halted), "a halt keeps nobody from that");

    let stop = [("deed", "stop"), ("by", "bob"), ("reason", "enough")];
    let (status, to, html) = form(&world, path, &stop).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{html}");
    assert_eq!(to, format!("{path}?said=operation-stopped"));
    let html = page(&world, &to).await;
    assert!(html.contains("the rest stays in the queue"), "{html}");
    assert!(!html.contains(halted), "it waits for nothing any more");
    assert!(!html.contains("name=\"deed\""), "nor is it told anything");
    let (status, _, _) = form(&world, path, &stop).await;
    assert_eq!(status, StatusCode::CONFLICT);
    opened(&world, "p").await;
    let lost = OperationEnd::Failed {
        error: "its batch was lost".into(),
    };
    let id = "p".into();
    let ended = world.ledger.end_operation(&id, &lost, at(NOW));
    ended.await.unwrap();
    let html = page(&world, "/dead-letters/operations/p").await;
    assert!(html.contains("name=\"deed\""), "it may be resumed: {html}");
    let nobody = [("deed", "stop"), ("by", "")];
    let (status, _, _) = form(&world, path, &nobody).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_retry_from_the_orders_page_is_said_to_come_while_every_start_is_halted() {
    let world = World::alive("page-halted").await;
    queue(&world).await;
    let records = &world.app.ops.records;
    records.halt(&ann("stocktaking")).await.unwrap();
    let worker = world.worker().await;
    let retry = [("deed", "retry"), ("by", "ann")];
    let (_, to, html) = form(&world, "/orders/A1", &retry).await;
    assert_eq!(to, "/orders/A1?said=will-start", "{html}");
    let html = page(&world, &to).await;
    let says = "Its retry is decided: Redrive goes on with it";
    assert!(html.contains(says), "{html}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn an_operation_is_paused_and_resumed_and_ends() {
    let world = World::alive("api-operation").await;
    let workers = async || world.get("/api/v1/workers").await;
    let (status, nobody) = workers().await;
    assert_eq!(
        (status, nobody),
        (
            StatusCode::OK,
            json!({ "taskQueue": "orchestrator", "polling": 0 })
        )
    );
    // Temporal has never heard of their runs, and takes no start without a type: none can be started.
    queue(&world).await;
    let records = &world.app.ops.records;
    records.halt(&ann("stocktaking")).await.unwrap();
    let worker = world.worker().await;
    eventually("the worker to be seen", || async {
        (workers().await.1["polling"] == 1).then_some(())
    })
    .await;

    let mut action = json!({
        "resolution": "manual_retry",
        "orders": ["A1", "A2"],
        "resolvedBy": "ann"
    });
    let (_, preview) = world.send("POST", ACTIONS, action.clone()).await;
    action["token"] = preview["token"].clone();
    let (status, begun) = world.send("POST", ACTIONS, action).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{begun}");
    let id = begun["operation"]["id"].as_str().unwrap();
    let path = format!("{ACTIONS}/{id}");
    let until = async |what: &str, holds: fn(&Value) -> bool| {
        eventually(what, || async {
            let (_, operation) = world.get(&path).await;
            holds(&operation).then_some(operation)
        })
        .await
    };
    until("it to wait", |it| it["waiting"] == 2).await;
    for deed in ["pause", "resume"] {
        let why = json!({ "by": "bob" });
        let (status, told) = world.send("POST", &format!("{path}/{deed}"), why).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        assert_eq!(
            (&told["told"], &told["heard"]),
            (&json!(deed), &json!(true))
        );
    }
    records.unhalt(&ann("done")).await.unwrap();
    let ended = until("its end", |it| it["status"] == "completed").await;
    assert_eq!(
        (&ended["matched"], &ended["started"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(ended["notStarted"].as_array().unwrap().len(), 2, "{ended}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_retry_tells_what_became_of_it() {
    let world = World::alive("api-retried").await;
    queue(&world).await;
    let worker = world.worker().await;
    let path = "/api/v1/dead-letter-queue/A1/resolve";
    let retry = json!({ "resolution": "manual_retry", "resolvedBy": "ann" });
    let (status, entry) = world.send("PATCH", path, retry).await;
    assert_eq!(status, StatusCode::OK, "{entry}");
    assert_eq!(
        entry["retry"],
        json!({
            "outcome": "not_started",
            "state": "failed",
            "reason": "WorkflowType is not set on request."
        }),
        "{entry}"
    );
    worker.stop().await.unwrap();
}
