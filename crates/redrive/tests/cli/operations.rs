//! An operation on many dead letters: paused, resumed, its worker killed, stopped; another one retries the rest; and each
//! order is started once.
//!
//! `REDRIVE_TEST_BULK=20000` runs it with so many.

use std::time::Duration;

use nix::sys::signal::Signal;
use redrive_core::ids::OperationId;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::puppet::{Move, Puppet, Task};
use redrive_fulfillment::testbed::{Testbed, eventually_within};
use redrive_ledger::{Operation, OperationStatus, Overview, Reader, SqlLedger};

use super::bulk::{QUEUE, fill, runs};
use super::site::{Site, Stays, Way};
use super::ways::both_ways;

both_ways!(
    an_operation_is_paused_resumed_killed_and_stopped_and_starts_each_exactly_once,
    what_cannot_be_told_is_said,
    it_goes_on_without_who_follows_it
);

/// Dead letters, where the environment does not say how many.
const ORDERS: usize = 400;
/// A page is fifteen seconds' worth of starts. So many seconds' worth in all make several pages.
const SECONDS: usize = 80;
/// From so many on, the length of a history shows whether it grows with every order.
const MANY: u64 = 5_000;
/// The time that a page may take, on a slow server too.
const PATIENCE: Duration = Duration::from_secs(600);

#[expect(
    clippy::disallowed_methods,
    reason = "the size is a parameter of the test"
)]
fn wanted() -> usize {
    std::env::var("REDRIVE_TEST_BULK").map_or(ORDERS, |orders| orders.parse().unwrap())
}

async fn until(
    ledger: &SqlLedger,
    id: &OperationId,
    what: &str,
    holds: impl Fn(&Operation) -> bool,
) -> Operation {
    eventually_within(PATIENCE, what, || async {
        let now = ledger.operation(id).await.unwrap().unwrap();
        holds(&now).then_some(now)
    })
    .await
}

/// So many dead letters, whose restarts fail at once: a second start of one would be taken.
struct Queue {
    testbed: Testbed,
    site: Site,
    ledger: SqlLedger,
    orders: u64,
    _puppet: Puppet,
}

impl Queue {
    async fn of(orders: usize, way: Way) -> Self {
        let testbed = Testbed::connect("operation").await;
        let site = Site::on(&testbed).by(way);
        let rate = orders / SECONDS;
        site.write(
            "redrive.toml",
            &format!("[schedule]\nmanage = false\n[policy]\nstarts_per_second = {rate}.0\n"),
        );
        let ledger = SqlLedger::open(&site.path("redrive.db")).await.unwrap();
        fill(&testbed, &ledger, orders, 0).await;
        let fails = |_: &Task| Move::fail("shipping_failed", "no carrier today");
        Self {
            _puppet: Puppet::spawn(&testbed.client, &testbed.namespace, QUEUE, fails),
            testbed,
            site,
            ledger,
            orders: orders as u64,
        }
    }

    fn worker(&self) -> Stays {
        let worker = self.site.start("worker");
        worker.hear("Ready.");
        worker
    }

    fn begin(&self) -> OperationId {
        let command = "dlq retry --status shipping_failed --yes --no-wait --reason back -o json";
        let begun = self.site.run(command).well().json();
        assert_eq!(begun["matched"], self.orders);
        OperationId::from(begun["operationId"].as_str().unwrap())
    }

    fn tell(&self, id: &OperationId, what: &str) {
        let command = format!("dlq operations {what} {id} --reason look -o json");
        let told = self.site.run(&command).well().json();
        assert_eq!(told["heard"], true, "{told}");
    }

    async fn stands(&self) -> Overview {
        self.ledger.overview(SystemClock.now()).await.unwrap()
    }

    async fn until(
        &self,
        id: &OperationId,
        what: &str,
        holds: impl Fn(&Operation) -> bool,
    ) -> Operation {
        until(&self.ledger, id, what, holds).await
    }

    /// A paused one has finished what it has taken, and the rest stands in the queue.
    async fn pauses(&self, id: &OperationId) {
        self.until(id, "its first page", |now| now.waiting > 0)
            .await;
        self.tell(id, "pause");
        let paused = |now: &Operation| now.status == OperationStatus::Paused;
        let paused = self.until(id, "the pause", paused).await;
        assert!(paused.started < self.orders / 2, "{paused:?}");
        let stands = self.stands().await;
        assert_eq!(
            (paused.waiting, stands.claimed, stands.backlog),
            (0, 0, 0),
            "nothing is left that could be started"
        );
        assert_eq!(
            (stands.in_flight, stands.dead_lettered),
            (paused.started, self.orders - paused.started)
        );
    }

    /// Its worker is killed while it has orders claimed; the next one goes on.
    async fn survives_a_kill(&self, id: &OperationId, worker: Stays) -> Stays {
        let before = self.stands().await.in_flight;
        eventually_within(PATIENCE, "a page that is half started", || async {
            let stands = self.stands().await;
            (stands.claimed > 0 && stands.in_flight > before).then_some(())
        })
        .await;
        worker.signal(Signal::SIGKILL);
        assert_eq!(worker.ended().code(), None);
        let killed = self.ledger.operation(id).await.unwrap().unwrap();
        assert!(killed.waiting > 0, "{killed:?}");
        assert!(self.stands().await.claimed > 0, "it has left claims");
        let next = self.worker();
        self.until(id, "the next worker to go on", |now| {
            now.started > killed.started
        })
        .await;
        next
    }

    /// A stopped one has finished what it has taken, and leaves the rest in the queue. Returns how many.
    async fn stops(&self, id: &OperationId) -> u64 {
        self.tell(id, "stop");
        let ended = |now: &Operation| now.status.has_ended();
        let stopped = self.until(id, "the stop", ended).await;
        assert_eq!(stopped.status, OperationStatus::Stopped);
        assert_eq!(
            (stopped.waiting, stopped.failed, stopped.skipped),
            (0, 0, 0)
        );
        let left = self.orders - stopped.started;
        assert!(left > 0, "it was stopped in the middle: {stopped:?}");
        let stands = self.stands().await;
        assert_eq!(
            (stands.in_flight, stands.dead_lettered),
            (stopped.started, left)
        );
        left
    }

    /// Another one retries the rest, followed to its end.
    async fn retries_the_rest(&self, left: u64) {
        self.site
            .run("limits set starts 10000 --reason hurry")
            .well();
        let command = "dlq retry --status shipping_failed --yes --reason back -o json";
        let rest = self.site.run(command).well().json();
        assert_eq!(
            (&rest["matched"], &rest["started"]),
            (&left.into(), &left.into())
        );
        let workflow = format!("dead-letters-{}", rest["id"].as_str().unwrap());
        let info = self.testbed.latest(&workflow).await.unwrap();
        let events = info.history_length as u64;
        assert!(left < MANY || events * 10 <= left, "{events} for {left}");
    }
}

async fn an_operation_is_paused_resumed_killed_and_stopped_and_starts_each_exactly_once(way: Way) {
    let queue = Queue::of(wanted(), way).await;
    let worker = queue.worker();
    let id = queue.begin();
    queue.pauses(&id).await;
    queue.tell(&id, "resume");
    let _worker = queue.survives_a_kill(&id, worker).await;
    let left = queue.stops(&id).await;
    queue.retries_the_rest(left).await;
    let orders = queue.orders as usize;
    assert_eq!(runs(&queue.testbed, orders).await, orders as i64);
    let stands = queue.stands().await;
    assert_eq!(
        (stands.in_flight, stands.dead_lettered, stands.backlog),
        (queue.orders, 0, 0)
    );
}

async fn what_cannot_be_told_is_said(way: Way) {
    let testbed = Testbed::connect("operation").await;
    let site = Site::on(&testbed).by(way);
    site.write("redrive.toml", "[schedule]\nmanage = false\n");
    let ledger = SqlLedger::open(&site.path("redrive.db")).await.unwrap();
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

async fn it_goes_on_without_who_follows_it(way: Way) {
    let testbed = Testbed::connect("operation").await;
    let site = Site::on(&testbed).by(way);
    site.write("redrive.toml", "[schedule]\nmanage = false\n");
    let ledger = SqlLedger::open(&site.path("redrive.db")).await.unwrap();
    fill(&testbed, &ledger, 3, 0).await;
    let follows = site.start("dlq retry --status shipping_failed --yes");
    follows.hear("Retrying 3 orders: operation ");
    follows.hear("hint: no worker polls task queue \"orchestrator\", so the operation waits");
    follows.signal(Signal::SIGINT);
    follows.hear("goes on without us.");
    follows.hear("--wait` follows it; `pause`, `resume` and `stop` steer it.");
    assert_eq!(follows.ended().code(), Some(130));
    let id = ledger.operations(None, 1).await.unwrap().remove(0).id;
    let _worker = site.start("worker");
    let ended = until(&ledger, &id, "its end", |now| now.status.has_ended()).await;
    assert_eq!(
        (ended.status, ended.started),
        (OperationStatus::Completed, 3)
    );
}
