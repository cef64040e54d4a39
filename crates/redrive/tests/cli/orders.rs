//! Orders, failures and the audit trail: seen and decided, on the ledger and through a server.

use redrive_fulfillment::testbed::Testbed;
use redrive_ledger::SqlLedger;
use serde_json::json;

use super::bulk::fill;
use super::damaged::sql;
use super::known::filled;
use super::site::{Ran, Site, Way};
use super::tape::Tape;
use super::ways::both_ways;

both_ways!(
    what_is_seen_and_decided,
    lists_go_on_beyond_a_page,
    what_was_done_before_an_error_is_told,
    what_is_not_there,
    a_group_that_is_many,
);

/// More than two pages of a server.
const ORDERS: usize = 1_001;

async fn what_is_seen_and_decided(way: Way) {
    let testbed = Testbed::connect("cli-orders").await;
    let sites = [
        filled(Site::on(&testbed).by(way)).await,
        filled(Site::on(&testbed).by(way)).await,
    ];
    let sites = sites.each_ref();
    let mut tape = Tape::at(&sites, &[&testbed]);
    for command in [
        "orders list --limit 3",
        "orders list --state open --status shipping_failed --older-than 30m",
        "orders list --customer CUST-9",
        "orders show order-fulfillment-WAIT-1",
        "failures list --group aaaa --since 50h",
        "failures groups --limit 2",
        "failures show run-0-of-BACK-1",
        "orders hold WAIT-1 HELD-1 --reason look",
        "orders release WAIT-1 FLY-1 --by bob",
        "orders reset DEAD-1 GONE-1",
        "orders dead-letter WAIT-1 DEAD-2 nobody --reason odd",
        "orders show WAIT-1",
        "audit list --since 5m",
        "audit list --by bob --action release",
        "audit list --action dead-letter",
    ] {
        tape.acts(&sites, command);
    }
    insta::assert_snapshot!("what_is_seen_and_decided", tape.told());
}

async fn lists_go_on_beyond_a_page(way: Way) {
    let testbed = Testbed::connect("cli-lists").await;
    let site = Site::on(&testbed).by(way);
    let ledger = SqlLedger::open(&site.path("redrive.db")).await.unwrap();
    fill(&testbed, &ledger, ORDERS, 0).await;
    ledger.close().await;
    for list in ["orders list", "failures list", "audit list"] {
        for limit in [499, 500, 501, ORDERS, 10_000] {
            let listed = site.run(&format!("{list} --limit {limit} -o json")).well();
            let listed = listed.json();
            let orders = listed.as_array().unwrap().iter();
            let mut orders: Vec<&str> =
                orders.map(|one| one["orderId"].as_str().unwrap()).collect();
            orders.sort_unstable();
            orders.dedup();
            assert_eq!(orders.len(), limit.min(ORDERS), "{list} --limit {limit}");
        }
    }
}

async fn what_was_done_before_an_error_is_told(way: Way) {
    let testbed = Testbed::connect("cli-orders").await;
    let site = filled(Site::on(&testbed).by(way)).await;
    sql(
        &site,
        "UPDATE orders SET state = 'lost' WHERE order_id = 'DEAD-1'",
    )
    .await;
    let ran = site.run("orders hold WAIT-1 DEAD-1 DEAD-2 -o json");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let done = json!([{ "order": "WAIT-1", "done": true, "state": "held" }]);
    assert_eq!(ran.json(), done);
    assert!(ran.stderr.starts_with("error: "), "{ran:?}");
}

async fn what_is_not_there(way: Way) {
    let testbed = Testbed::connect("cli-orders").await;
    let site = filled(Site::on(&testbed).by(way)).await;
    let order = "error: no order \"ORD-9\" is known: check the id, or wait for the next batch if it failed just now";
    let run =
        "error: no failed run \"nowhere\" is known: `redrive failures list` shows those that are";
    for (command, told) in [
        ("orders show ORD-9", order),
        ("orders show ORD-9 -o json", order),
        ("failures show nowhere", run),
    ] {
        site.run(command).says(1, told);
    }
    for empty in [
        "orders list --customer=",
        "audit list --by=",
        "failures list --status=",
    ] {
        let ran = site.run(empty);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    }
}

/// Twenty-one failure groups, whose fingerprints begin with `000` to `014`.
const MANY_GROUPS: &str = "\
INSERT INTO failure_groups (workflow_type, failure_status, fingerprint, failures, first_seen_at, last_seen_at, sample)
WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 20)
SELECT 'Order', 'shipping_failed', printf('0%02x', i) || '0000000000000', 1, 0, 0, 'no carrier' FROM n";

async fn a_group_that_is_many(way: Way) {
    let testbed = Testbed::connect("cli-orders").await;
    let site = filled(Site::on(&testbed).by(way)).await;
    sql(&site, MANY_GROUPS).await;
    for command in [
        "orders list",
        "failures list",
        "dlq list",
        "dlq cancel --yes --reason refunded",
    ] {
        site.run(&format!("{command} --group 0")).says(
            1,
            "error: more than 20 failure groups begin with \"0\": give more of the fingerprint, as `redrive failures groups` \
             shows it",
        );
    }
    let few = site.run("orders list --group 00 -o json").well();
    assert_eq!(few.json(), json!([]));
}

#[track_caller]
fn refused(ran: &Ran, why: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.stderr.starts_with(&format!("error: {why}")), "{ran:?}");
}

#[tokio::test]
async fn viewers_see_and_operators_decide() {
    let testbed = Testbed::connect("cli-orders").await;
    let site = filled(Site::on(&testbed).by(Way::Server)).await;
    site.write("redrive.toml", "[web]\naccess = \"tokens\"\n");
    let token = |role: &str, name: &str| {
        let create = format!("token create --role {role} --name {name} -o json");
        let made = site.run_by(Way::Ledger, &create).well().json();
        made["secret"].as_str().unwrap().to_owned()
    };
    let [viewer, operator] = [token("viewer", "board"), token("operator", "night")];
    refused(&site.run("orders list"), "this takes a token");

    let site = site.with("REDRIVE_TOKEN", &viewer);
    for command in [
        "orders list",
        "orders show WAIT-1",
        "failures groups",
        "audit list",
    ] {
        site.run(command).well();
    }
    refused(
        &site.run("orders hold WAIT-1"),
        "\"board\" is a token of role viewer, and this takes one of role operator or above",
    );

    let site = site.with("REDRIVE_TOKEN", &operator);
    site.run("orders hold WAIT-1 --by carol").well();
    let audit = site.run("audit list -o json").well().json();
    assert_eq!(audit[0]["actor"], "carol (through night)", "{audit}");
}

#[tokio::test]
async fn a_server_that_has_too_many_requests_is_waited_for() {
    let testbed = Testbed::connect("cli-orders").await;
    let site = filled(Site::on(&testbed).by(Way::Server)).await;
    site.write("redrive.toml", "[web]\nrequests_per_second = 3\n");
    let ids = ["WAIT-1", "ALONE-1", "OUT-1"].join(" ");
    for deed in ["hold", "release", "hold"] {
        let done = site.run(&format!("orders {deed} {ids} -o json")).well();
        assert_eq!(done.json().as_array().unwrap().len(), 3, "{done:?}");
    }
}
