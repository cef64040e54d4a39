//! An operation on thousands of dead letters: paused, resumed, its worker killed, stopped, and each order started once.
//!
//! `REDRIVE_TEST_BULK=20000` runs it with so many.

use std::time::Duration;

use nix::sys::signal::Signal;
use redrive_core::ids::OperationId;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::testbed::{Testbed, eventually_within};
use redrive_ledger::{Operation, OperationStatus, Reader, SqliteLedger};

use super::bulk::{fill, runs};
use super::site::Site;

/// Dead letters, where the environment does not say how many.
const ORDERS: usize = 400;

#[expect(
    clippy::disallowed_methods,
    reason = "the size is a parameter of the test"
)]
fn wanted() -> usize {
    std::env::var("REDRIVE_TEST_BULK").map_or(ORDERS, |orders| orders.parse().unwrap())
}

async fn until(
    ledger: &SqliteLedger,
    id: &OperationId,
    what: &str,
    holds: impl Fn(&Operation) -> bool,
) -> Operation {
    let limit = Duration::from_secs(600);
    eventually_within(limit, what, || async {
        let now = ledger.operation(id).await.unwrap().unwrap();
        holds(&now).then_some(now)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_paused_resumed_killed_and_stopped_and_starts_each_exactly_once() {
    let orders = wanted();
    let testbed = Testbed::connect("operation").await;
    let site = Site::on(&testbed);
    // A page is some seconds' worth of starts: there must be several.
    let rate = orders / 80;
    site.write(
        "redrive.toml",
        &format!("[schedule]\nmanage = false\n[policy]\nstarts_per_second = {rate}.0\n"),
    );
    let ledger = SqliteLedger::open(&site.path("redrive.db")).await.unwrap();
    fill(&testbed, &ledger, orders, 0).await;
    let worker = site.start("worker");
    worker.hear("Ready.");
    let begun = site
        .run("dlq retry --status shipping_failed --yes --no-wait --reason back -o json")
        .well()
        .json();
    assert_eq!(begun["matched"], orders);
    let id = OperationId::from(begun["operationId"].as_str().unwrap());
    until(&ledger, &id, "its first page", |now| now.waiting > 0).await;

    let tell = |what: &str| {
        let told = site
            .run(&format!("dlq operations {what} {id} --reason look -o json"))
            .well()
            .json();
        assert_eq!(told["heard"], true, "{told}");
    };
    tell("pause");
    let paused = until(&ledger, &id, "the pause", |now| {
        now.status == OperationStatus::Paused
    })
    .await;
    assert!(paused.started < orders as u64 / 2, "{paused:?}");
    let stands = ledger.overview(SystemClock.now()).await.unwrap();
    assert_eq!(
        (paused.waiting, stands.claimed, stands.backlog),
        (0, 0, 0),
        "nothing is left that could be started"
    );
    assert_eq!(stands.in_flight, paused.started);
    assert_eq!(stands.dead_lettered, orders as u64 - paused.started);

    tell("resume");
    until(&ledger, &id, "it to be in the middle of a page", |now| {
        now.started > paused.started || now.waiting > 0
    })
    .await;
    let limit = Duration::from_secs(60);
    eventually_within(limit, "claimed orders", || async {
        let stands = ledger.overview(SystemClock.now()).await.unwrap();
        (stands.claimed > 0).then_some(())
    })
    .await;
    worker.signal(Signal::SIGKILL);
    assert_eq!(worker.ended().code(), None);
    let killed = ledger.operation(&id).await.unwrap().unwrap();
    assert!(killed.waiting > 0, "{killed:?}");
    let worker = site.start("worker");
    worker.hear("Ready.");
    until(&ledger, &id, "the next worker to go on", |now| {
        now.started > killed.started
    })
    .await;

    tell("stop");
    let stopped = until(&ledger, &id, "the stop", |now| now.status.has_ended()).await;
    assert_eq!(stopped.status, OperationStatus::Stopped);
    assert_eq!(
        (stopped.waiting, stopped.failed, stopped.skipped),
        (0, 0, 0)
    );
    let left = orders as u64 - stopped.started;
    assert!(left > 0, "it was stopped in the middle: {stopped:?}");
    let stands = ledger.overview(SystemClock.now()).await.unwrap();
    assert_eq!(
        (stands.in_flight, stands.dead_lettered),
        (stopped.started, left)
    );

    let rest = site.run("dlq retry --status shipping_failed --yes --reason back -o json");
    let rest = rest.well().json();
    assert_eq!(
        (rest["matched"].as_u64(), rest["started"].as_u64()),
        (Some(left), Some(left))
    );
    assert_eq!(runs(&testbed, orders).await, orders as i64);
    let stands = ledger.overview(SystemClock.now()).await.unwrap();
    assert_eq!(
        (stands.in_flight, stands.dead_lettered, stands.backlog),
        (orders as u64, 0, 0)
    );
    if orders >= 5_000 {
        let workflow = format!("dead-letters-{}", rest["id"].as_str().unwrap());
        let info = testbed.latest(&workflow).await.unwrap();
        assert!(
            info.history_length as u64 * 10 <= left,
            "{} events for {left} orders",
            info.history_length
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_said() {
    let testbed = Testbed::connect("operation").await;
    let site = Site::on(&testbed);
    site.write("redrive.toml", "[schedule]\nmanage = false\n");
    let ledger = SqliteLedger::open(&site.path("redrive.db")).await.unwrap();
    fill(&testbed, &ledger, 3, 0).await;
    site.run("dlq operations pause nobody").says(
        1,
        "error: no operation \"nobody\" is known: `redrive dlq operations list` shows those that are",
    );
    let begun = site.run("dlq retry 00000 00001 --yes --no-wait -o json");
    let begun = begun.well().json();
    let id = begun["operationId"].as_str().unwrap();
    assert_eq!(begun["matched"], 2);
    // Nobody works on it.
    let told = site.run(&format!("dlq operations pause {id}")).well();
    assert_eq!(
        told.stdout,
        format!(
            "Operation {id} is told (pause), and has not answered yet. 0 of 2 orders are done, 0 taken.\n"
        )
    );
    assert!(
        told.stderr.contains("no worker polls the task queue"),
        "{told:?}"
    );
    let worker = site.start("worker");
    worker.hear("Ready.");
    let id = OperationId::from(id);
    until(&ledger, &id, "the pause", |now| {
        now.status == OperationStatus::Paused
    })
    .await;
    site.run(&format!("batches stop dead-letters-{id}")).says(
        1,
        &format!(
            "error: that batch works for an operation on dead letters: `redrive dlq operations pause {id}`, `resume` and \
             `stop` steer it"
        ),
    );
    site.run(&format!("dlq operations resume {id}")).well();
    let shown = site.run(&format!("dlq operations show {id} --wait")).well();
    assert!(
        shown.stdout.starts_with("Restarted 2 of 2 orders.\n"),
        "{shown:?}"
    );
    site.run(&format!("dlq operations stop {id}")).says(
        1,
        &format!(
            "error: operation {id} has ended: `redrive dlq operations show {id}` tells how; what is still in the queue is \
             retried by a new one"
        ),
    );
    let listed = site.run("dlq operations list -o json").well().json();
    assert_eq!(listed[0]["started"], 2, "{listed}");
    let audit = site.run("audit list --by ann -o json").well().json();
    let acts: Vec<&str> = audit
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|act| act["action"].as_str())
        .filter(|act| act.starts_with("operation") || *act == "retry_many")
        .collect();
    assert_eq!(acts, ["operation_resume", "operation_pause", "retry_many"]);
}
