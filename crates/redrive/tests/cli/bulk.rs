//! Many dead letters at once: chosen by a filter, interrupted in the middle, and asked for again.

use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;
use prost::Message;
use redrive_core::classify::{Classification, Matched};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::testbed::{Testbed, eventually_within, json_payload};
use redrive_ledger::{Failure, Ledger, NewAuditEvent, Reader, SqlLedger};
use serde_json::Value;
use temporalio_common::protos::temporal::api::common::v1::SearchAttributes;
use temporalio_common::protos::temporal::api::workflowservice::v1::CountWorkflowExecutionsRequest;

use super::site::{Site, Way};
use super::ways::both_ways;

both_ways!(five_thousand_are_restarted_once_each_and_those_that_cannot_be_are_listed);

/// Dead letters, and how many of them cannot be started.
const ORDERS: usize = 5_000;
const REFUSED: usize = 20;
/// They are started as they are taken: that long on a busy machine, at most.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(300);

/// The workflow type of the orders.
const TYPE: &str = "OrderFulfillmentWorkflow";
/// Their task queue; here nobody works on it.
pub const QUEUE: &str = "orders";

/// A dead letter whose history Temporal has forgotten: it is started from what the ledger kept. Of the last ones the
/// start names a search attribute that is not there any more.
fn failure(testbed: &Testbed, n: usize, refused: bool, now: Timestamp) -> Failure {
    let workflow_id = format!("order-fulfillment-{n:05}");
    let mut request = testbed.start_request(&workflow_id, TYPE, QUEUE);
    if refused {
        let tier = json_payload(&serde_json::json!("gold"));
        request.search_attributes = Some(SearchAttributes {
            indexed_fields: [("CustomerTier".to_owned(), tier)].into(),
        });
    }
    let run = format!("run-of-{n:05}");
    Failure {
        workflow_id: workflow_id.as_str().into(),
        order_id: format!("{n:05}"),
        customer_id: None,
        workflow_type: TYPE.into(),
        run_id: run.as_str().into(),
        first_run_id: run.as_str().into(),
        timed_out: false,
        closed_at: now - SignedDuration::from_hours(1),
        classification: Classification {
            status: "shipping_failed".into(),
            matched: Matched::FailureType,
            fingerprint: "a".repeat(16),
            message: "no carrier".into(),
        },
        from_run: None,
        has_parent: false,
        start_request: request.encode_to_vec(),
    }
}

/// Fills the queue with so many, of which the last ones cannot be started.
pub async fn fill(testbed: &Testbed, ledger: &SqlLedger, orders: usize, refused: usize) {
    let (now, policy) = (SystemClock.now(), Policy::default());
    let failures: Vec<Failure> = (0..orders)
        .map(|n| failure(testbed, n, n >= orders - refused, now))
        .collect();
    for page in failures.chunks(1_000) {
        let moment = Moment { now, seed: 7 };
        ledger
            .observe(&policy, &"seeded".into(), page, moment)
            .await
            .unwrap();
    }
    let by = NewAuditEvent {
        actor: "ann".into(),
        reason: "the carrier is down".into(),
    };
    for failure in &failures {
        let parked = ledger
            .park(&failure.workflow_id, &by.clone().into(), now)
            .await
            .unwrap();
        assert!(parked.is_some());
    }
}

async fn unresolved(ledger: &SqlLedger) -> u64 {
    ledger.dead_letter_stats().await.unwrap().unresolved_count
}

/// Runs that Temporal knows of, once visibility shows as many as are expected.
pub async fn runs(testbed: &Testbed, expected: usize) -> i64 {
    let count = || async {
        let request = CountWorkflowExecutionsRequest {
            namespace: testbed.namespace.clone(),
            query: format!("WorkflowType = '{TYPE}'"),
        };
        let counted = testbed
            .service()
            .count_workflow_executions(tonic::Request::new(request))
            .await;
        counted.unwrap().into_inner().count
    };
    let limit = std::time::Duration::from_secs(60);
    eventually_within(limit, "visibility to show every start", || async {
        let count = count().await;
        (count >= expected as i64).then_some(count)
    })
    .await
}

async fn five_thousand_are_restarted_once_each_and_those_that_cannot_be_are_listed(way: Way) {
    let testbed = Testbed::connect("bulk").await;
    let site = Site::on(&testbed).by(way);
    site.write(
        "redrive.toml",
        "[schedule]\nmanage = false\n[policy]\nstarts_per_second = 1000.0\nbatch_size = 500\n",
    );
    let ledger = SqlLedger::open(&site.path("redrive.db")).await.unwrap();
    fill(&testbed, &ledger, ORDERS, REFUSED).await;
    let worker = site.start("worker");
    worker.hear("Ready.");

    site.run("dlq retry --yes").says(
        1,
        "error: no order is named, and no filter is given.\n\
         hint: name orders, or choose them with --status, --group, --customer or --older-than; `redrive dlq list` shows them.",
    );
    let unasked = site.run("dlq retry --status shipping_failed");
    assert_eq!(unasked.code, Some(1), "{unasked:?}");
    for part in [
        "5000 orders in the dead letter queue match:",
        "... and 4990 more",
        "error: \"Retry 5000 orders?\" cannot be asked: this is no terminal.",
        "hint: look at what is about to be done, then say --yes.",
    ] {
        assert!(unasked.stderr.contains(part), "{part} in {unasked:?}");
    }
    assert_eq!(
        unresolved(&ledger).await,
        ORDERS as u64,
        "nothing is done unasked"
    );

    let command = "dlq retry --status shipping_failed --yes --reason back -o json";
    let first = site.start(command);
    eventually_within(PATIENCE, "the first half", || async {
        (unresolved(&ledger).await <= ORDERS as u64 / 2).then_some(())
    })
    .await;
    first.signal(Signal::SIGKILL);
    assert_eq!(first.ended().code(), None);
    let left = unresolved(&ledger).await;
    assert!(left > 0, "it was interrupted in the middle");

    // It goes on; a second one takes what the first has not taken yet, and tells what it has.
    let again = site.run(command);
    assert_eq!(again.code, Some(1), "{again:?}");
    let second = again.json();
    let first = ledger.operations(None, 10).await.unwrap().pop().unwrap().id;
    let first = site.run(&format!(
        "dlq operations show {first} --wait --limit 10000 -o json"
    ));
    assert_eq!(first.code, Some(1), "{first:?}");
    let first = first.json();
    let count = |of: &Value, key: &str| of[key].as_u64().unwrap();
    assert_eq!(count(&first, "matched"), ORDERS as u64);
    assert!(count(&second, "matched") <= left, "{second}");
    let both = |key| count(&first, key) + count(&second, key);
    assert_eq!(both("started"), (ORDERS - REFUSED) as u64);
    assert_eq!(both("failed"), REFUSED as u64);
    for one in [&first, &second] {
        let told = count(one, "started") + count(one, "failed") + count(one, "skipped");
        assert_eq!(told, count(one, "matched"), "{one}");
    }
    let not_started = |of: &Value| of["notStarted"].as_array().unwrap().clone();
    let all = [not_started(&first), not_started(&second)].concat();
    let (failed, skipped): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|one| one["failed"] == true);
    assert_eq!(failed.len(), REFUSED);
    for one in failed {
        let reason = one["reason"].as_str().unwrap();
        assert!(reason.contains("CustomerTier"), "{reason}");
        assert!(one["orderId"].as_str().unwrap() >= "04980", "{one}");
    }
    for one in skipped {
        assert_eq!(
            one["reason"], "it was decided before: manual retry by ann",
            "{one}"
        );
    }
    assert_eq!(
        runs(&testbed, ORDERS - REFUSED).await,
        (ORDERS - REFUSED) as i64
    );
    let overview = ledger.overview(SystemClock.now()).await.unwrap();
    assert_eq!(
        (overview.in_flight, overview.dead_lettered),
        ((ORDERS - REFUSED) as u64, 0)
    );
}
