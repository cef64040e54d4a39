//! Batches run by hand: rehearsed, for one status, for single orders, and audited.

use redrive_fulfillment::testbed::{Testbed, eventually};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use super::queue::failed_order;
use super::site::{Ran, Site, Stays, Way};
use super::ways::both_ways;

both_ways!(
    a_dry_run_shows_each_order_and_the_run_does_it,
    single_orders_are_run_and_told_one_by_one,
    a_status_of_ones_own_is_restarted_whatever_the_policy_says,
    older_failures_are_taken_in_only_on_a_persons_word,
);

/// Hours before an order's second restart, and no waiting to look at the first.
const PATIENT: &str = "[policy]\nbackoff = { initial = \"10h\", max = \"20h\" }\n\
                       settle = { first_check = \"1ms\" }\n";

/// A site with a worker on a namespace of its own.
async fn site(way: Way) -> (Testbed, Site, Stays) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
    site.write("redrive.toml", PATIENT);
    let worker = site.start("worker");
    worker.hear("Ready.");
    (testbed, site, worker)
}

/// The verdict of each order in a dry run's or an `--order` run's answer.
fn told(ran: &Ran, list: &str) -> Vec<(String, String)> {
    let answer = ran.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let one = |one: &serde_json::Value| (text(&one["orderId"]), text(&one["verdict"]));
    answer[list].as_array().unwrap().iter().map(one).collect()
}

async fn audited(site: &Site) -> Vec<(String, String, String)> {
    let file = SqliteConnectOptions::new().filename(site.path("redrive.db"));
    let mut conn = file.read_only(true).connect().await.unwrap();
    let found = "SELECT actor, reason, detail FROM audit_events WHERE action = 'run' ORDER BY id";
    let found = sqlx::query_as(found).fetch_all(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    found
}

async fn a_dry_run_shows_each_order_and_the_run_does_it(way: Way) {
    let (testbed, site, _worker) = site(way).await;
    for order in ["A-1", "A-2"] {
        failed_order(&testbed, order).await;
    }
    let expected = ["A-1", "A-2"].map(|order| (order.to_owned(), "restarted".to_owned()));
    eventually("visibility to show both", || async {
        let dry = site.run("run --dry-run -o json").well();
        (told(&dry, "verdicts") == expected).then_some(())
    })
    .await;
    let text = site.run("run --dry-run").well().stdout;
    for part in [
        "order  verdict    why        status",
        "A-1    restarted  attempt 1  workflow_timed_out",
        "2      2          0              0       0",
        "This was a rehearsal: nothing was started or changed.",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let capped = site.run("run --dry-run --max-orders 1 -o json").well();
    assert_eq!(told(&capped, "verdicts").len(), 1);
    let ran = site
        .run("run --reason carrier-is-back --by bob -o json")
        .well()
        .json();
    assert_eq!(ran["restartedCount"], 2, "nothing was started before");
    let batch = ran["batchId"].as_str().unwrap().to_owned();
    assert_eq!(
        audited(&site).await,
        [("bob".to_owned(), "carrier-is-back".to_owned(), batch)]
    );
    site.run("halt --reason storm").well();
    let halted = site.run("run --dry-run").well();
    assert!(
        halted.stderr.contains("every start is halted"),
        "{halted:?}"
    );
}

async fn single_orders_are_run_and_told_one_by_one(way: Way) {
    let (testbed, site, _worker) = site(way).await;
    for order in ["B-1", "B-2"] {
        failed_order(&testbed, order).await;
    }
    eventually("visibility to show both", || async {
        let found = site.run("run --status unheard_of -o json").well();
        assert!(
            found
                .stderr
                .contains("no order has had the failure status \"unheard_of\"")
        );
        (site.run("orders show B-2").code == Some(0) && site.run("orders show B-1").code == Some(0))
            .then_some(())
    })
    .await;
    site.run("run --order B-1 --order B-9").says(
        1,
        "error: no order \"B-9\" is known: check the id, or wait for the next batch if it failed just now",
    );
    let dry = site
        .run("run --dry-run --order B-1 --order B-1 -o json")
        .well();
    assert_eq!(
        told(&dry, "orders"),
        [("B-1".to_owned(), "restarted".to_owned())]
    );
    let ran = site
        .run("run --order B-1 --order order-fulfillment-B-2 -o json")
        .well();
    let expected = ["B-1", "B-2"].map(|order| (order.to_owned(), "restarted".to_owned()));
    assert_eq!(told(&ran, "orders"), expected);
    assert_eq!(ran.json()["result"]["restartedCount"], 2);

    let again = site.run("run --order B-1").well().stdout;
    assert!(
        again.starts_with("B-1: not handled: a run of it goes on"),
        "{again}"
    );
    testbed
        .await_status("order-fulfillment-B-1", WorkflowExecutionStatus::TimedOut)
        .await;
    eventually("a batch to learn that it failed again", || async {
        site.run("run -o json").well();
        let told = site.run("run --order B-1").well().stdout;
        told.contains("it is not due before").then_some(())
    })
    .await;
}

async fn a_status_of_ones_own_is_restarted_whatever_the_policy_says(way: Way) {
    let (testbed, site, _worker) = site(way).await;
    failed_order(&testbed, "C-1").await;
    eventually("visibility to show it", || async {
        let ran = site.run("run --status slam_failed -o json").well().json();
        assert_eq!(ran["foundCount"], 0);
        (site.run("orders show C-1").code == Some(0)).then_some(())
    })
    .await;
    let mistyped = site.run("run --status workflow_timedout -o json").well();
    assert!(
        mistyped
            .stderr
            .contains("(did you mean \"workflow_timed_out\"?)"),
        "{mistyped:?}"
    );
    let dry = site
        .run("run --dry-run --status workflow_timed_out -o json")
        .well();
    assert_eq!(
        told(&dry, "verdicts"),
        [("C-1".to_owned(), "restarted".to_owned())]
    );
    let ran = site.run("run --status workflow_timed_out --max-orders 5 -o json");
    assert_eq!(ran.well().json()["restartedCount"], 1);
}

#[test]
fn what_excludes_each_other_is_refused() {
    let site = Site::without_server();
    for arguments in [
        "run --order A --max-orders 2",
        "run --order A --status x",
        "run --order A --no-wait",
        "run --dry-run --no-wait",
    ] {
        let ran = site.run(arguments);
        assert_eq!(ran.code, Some(1), "{arguments}: {ran:?}");
        assert!(ran.stderr.contains("cannot be used with"), "{ran:?}");
    }
}

async fn older_failures_are_taken_in_only_on_a_persons_word(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
    // What is older than a moment is old.
    site.write("redrive.toml", "[policy]\nscan = { lookback = \"1ms\" }\n");
    failed_order(&testbed, "D-1").await;
    let worker = site.start("worker");
    worker.hear("Ready.");
    eventually("visibility to show it", || async {
        let seen = site.run("scan --since 1h --dry-run -o json").well().json();
        (seen["runs"] == 1).then_some(())
    })
    .await;
    assert_eq!(site.run("run -o json").well().json()["foundCount"], 0);
    let refused = site.run("scan --since 1h");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for part in [
        "1 failure since ",
        "workflow_timed_out  under 2 days  1         restarts them",
        "this is no terminal",
        "say --yes",
    ] {
        assert!(refused.stderr.contains(part), "{part} in {refused:?}");
    }
    for new_orders in [1, 0] {
        let taken = site
            .run("scan --since 1h --yes --reason carrier-was-down -o json")
            .well()
            .json();
        assert_eq!(
            (&taken["newOrders"], &taken["eligibleOrders"]),
            (&new_orders.into(), &new_orders.into())
        );
    }
    assert_eq!(site.run("run -o json").well().json()["restartedCount"], 1);
    let trail = site.run("audit list").well().stdout;
    assert!(trail.contains("carrier-was-down"), "{trail}");
}
