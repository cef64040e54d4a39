//! Limits that several workers share, seen and changed while a batch runs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prost::Message;
use redrive_core::classify::{Classification, Matched};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::testbed::{Testbed, eventually_within};
use redrive_ledger::{Failure, Ledger, NewAuditEvent, Resolution, Resolve, Resolved, SqlLedger};
use temporalio_common::protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;

use super::site::{Site, Way};
use super::ways::both_ways;

/// Starts a second, then and now: a raise as from 20 to 50, at a pace that any machine keeps, whatever else runs on it.
const FIRST: usize = 8;
const SECOND: usize = 20;
/// The limit is changed when so many have been started: ten seconds' worth.
const BEFORE_THE_CHANGE: usize = 10 * FIRST;
/// Orders: as many, and five seconds' worth at the second limit.
const ORDERS: usize = BEFORE_THE_CHANGE + 5 * SECOND;
/// The span that a limit is held to.
const WINDOW: SignedDuration = SignedDuration::from_secs(5);
/// The workflow type of the orders, which nobody works on.
const TYPE: &str = "OrderFulfillmentWorkflow";

/// An order that an operator wants to have restarted, from what the ledger kept.
async fn wanted(testbed: &Testbed, ledger: &SqlLedger, n: usize) {
    let (policy, now) = (Policy::default(), SystemClock.now());
    let workflow_id = format!("order-fulfillment-{n:03}");
    let request = testbed.start_request(&workflow_id, TYPE, "nobody");
    let run = format!("run-of-{n:03}");
    let failure = Failure {
        workflow_id: workflow_id.as_str().into(),
        order_id: format!("{n:03}"),
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
    };
    let by = NewAuditEvent {
        actor: "ann".into(),
        reason: String::new(),
    };
    let batch = "seeded".into();
    let failures = [failure];
    let seen = ledger.observe(&policy, &batch, &failures, Moment { now, seed: 7 });
    seen.await.unwrap();
    let id = workflow_id.as_str().into();
    assert!(
        ledger
            .park(&id, &by.clone().into(), now)
            .await
            .unwrap()
            .is_some()
    );
    let resolve = Resolve {
        workflow_id: id,
        resolution: Resolution::ManualRetry,
        by,
    };
    let resolved = ledger.resolve(&policy, &resolve, now).await.unwrap();
    assert!(matches!(resolved, Resolved::Done(_)));
}

/// When the server started each of the orders, the earliest first.
async fn starts(testbed: &Testbed) -> Vec<Timestamp> {
    let request = ListWorkflowExecutionsRequest {
        namespace: testbed.namespace.clone(),
        page_size: 1_000,
        query: format!("WorkflowType = '{TYPE}'"),
        ..Default::default()
    };
    let listed = testbed
        .service()
        .list_workflow_executions(tonic::Request::new(request))
        .await;
    let started = listed.unwrap().into_inner().executions.into_iter();
    let mut starts: Vec<Timestamp> = started
        .map(|run| {
            let at = run.start_time.unwrap();
            Timestamp::new(at.seconds, at.nanos).unwrap()
        })
        .collect();
    starts.sort();
    starts
}

async fn once_started(testbed: &Testbed, count: usize) -> Vec<Timestamp> {
    let what = format!("{count} orders to be started");
    eventually_within(Duration::from_secs(120), &what, || async {
        let starts = starts(testbed).await;
        (starts.len() >= count).then_some(starts)
    })
    .await
}

/// The most starts within any span of [`WINDOW`].
fn most_in_a_window(starts: &[Timestamp]) -> usize {
    let within = |first: usize| {
        let ends = starts[first] + WINDOW;
        starts[first..].iter().take_while(|at| **at < ends).count()
    };
    (0..starts.len()).map(within).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_workers_keep_one_limit_and_follow_its_change() {
    let testbed = Testbed::connect("limits").await;
    let site = Site::on(&testbed);
    site.write(
        "redrive.toml",
        &format!(
            "[schedule]\nmanage = false\n[policy]\nstarts_per_second = {FIRST}.0\nbatch_size = 20\n"
        ),
    );
    let ledger = SqlLedger::open(&site.path("redrive.db")).await.unwrap();
    for n in 0..ORDERS {
        wanted(&testbed, &ledger, n).await;
    }
    let workers: Vec<_> = (0..3).map(|_| site.start("worker")).collect();
    for worker in &workers {
        worker.hear("Ready.");
    }
    site.run("run --no-wait").well();
    once_started(&testbed, BEFORE_THE_CHANGE).await;
    let changed_at = SystemClock.now();
    let raise = format!("limits set starts {SECOND} --reason more");
    site.run(&raise).well();
    let starts = once_started(&testbed, ORDERS).await;
    assert_eq!(starts.len(), ORDERS, "each once");

    let before: Vec<_> = starts
        .iter()
        .copied()
        .filter(|at| *at < changed_at)
        .collect();
    let after = &starts[before.len()..];
    let (slow, fast) = (most_in_a_window(&before), most_in_a_window(after));
    println!("at most {slow} starts in 5 s at {FIRST} a second, then {fast} at {SECOND}");
    let (most, raised) = (5 * FIRST, 5 * SECOND);
    assert!((most / 2..=most).contains(&slow), "{slow} starts in 5 s");
    assert!((most + 1..=raised).contains(&fast), "{fast} starts in 5 s");
}

both_ways!(limits_are_shown_set_and_reset);
async fn limits_are_shown_set_and_reset(way: Way) {
    let testbed = Testbed::connect("limits").await;
    let site = Site::on(&testbed).by(way);
    site.run("migrate").well();
    site.write("redrive.toml", "[policy]\nstarts_per_second = 7.5\n");
    let shown = site.run("limits show").well().stdout;
    assert_eq!(
        shown,
        "limit       a second  configured  set by\n\
         starts      7.5       7.5         the configuration\n\
         visibility  5         5           the configuration\n"
    );
    let set = site.run("limits set starts 50 --reason carrier-is-back --by bob");
    assert!(
        set.stderr.contains("`redrive limits reset LIMIT`"),
        "{set:?}"
    );
    assert!(
        set.well()
            .stdout
            .contains("starts      50        7.5         an operator")
    );
    let audit = site.run("audit list").well().stdout;
    assert!(audit.contains("carrier-is-back"), "{audit}");
    let reset = site.run("limits reset starts -o json").well().json();
    assert_eq!(
        reset[0],
        serde_json::json!({"limit": "starts", "perSecond": 7.5, "configured": 7.5, "isSet": false})
    );
    let wrong = site.run("limits set starts 0");
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong
            .stderr
            .contains("write a number above 0, like 20; `redrive halt` stops every start"),
        "{wrong:?}"
    );
}
