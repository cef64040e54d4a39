//! Two weeks of a warehouse, told to a ledger as its batches would have told it: the pages have much to show then, and always
//! the same.
//!
//! *Trouble*: what goes wrong with an order, and how many of its runs fail of it. An order's number says which is its.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_core::classify::{Classification, Matched};
use redrive_core::decide::{BatchRules, Latest, RunStatus};
use redrive_core::ids::{BatchId, Home, RunId};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{
    AttemptOutcome, BatchEnd, BatchOpening, Check, Checked, ClaimRequest, ClaimedOrder, Commit,
    EscalationLevel, Failure, Ledger, NewAuditEvent, Outcome, Park, Plan, Resolution, Resolve,
    SqlLedger,
};

/// Orders that fail, a day, until yesterday: the carrier was down for two of them.
const DAYS: [u32; 13] = [9, 14, 6, 11, 52, 23, 12, 8, 10, 17, 7, 13, 11];
/// Batches a day, as many as an order needs that is given up in the end.
const BATCHES: i64 = 6;
/// Orders that fail before each batch of today; the last of them are not restarted yet.
const TODAY: [u32; 8] = [3, 5, 2, 4, 16, 9, 4, 6];
/// Minutes from a batch to the next.
const INTERVAL: i64 = 15;
/// Dead letters that nobody has decided yet.
const WAITING: usize = 7;
/// More orders than a batch here has.
const ALL: u32 = 1000;

struct Trouble {
    status: &'static str,
    message: &'static str,
    group: char,
    /// Of its order's runs so many fail.
    runs: u32,
}

const TROUBLES: [Trouble; 10] = [
    Trouble::of(
        "shipping_failed",
        "carrier NORTH answers 503 Service Unavailable",
        'a',
        1,
    ),
    Trouble::of(
        "shipping_failed",
        "carrier NORTH answers 503 Service Unavailable",
        'a',
        2,
    ),
    Trouble::of(
        "slam_failed",
        "label service: no answer within 30 s",
        'b',
        1,
    ),
    Trouble::of(
        "wes_execution_failed",
        "bin A-17-04 is empty, 2 of SKU 48213 were expected",
        'c',
        1,
    ),
    Trouble::of(
        "shipping_failed",
        "carrier NORTH answers 503 Service Unavailable",
        'a',
        1,
    ),
    Trouble::of("sortation_failed", "chute 12 is blocked", 'd', 3),
    Trouble::of(
        "validation_failed",
        "no such postal code in NL: \"1234\"",
        'e',
        u32::MAX,
    ),
    Trouble::of("workflow_timed_out", "the run took longer than 2 h", 'f', 1),
    Trouble::of(
        "slam_failed",
        "label service: no answer within 30 s",
        'b',
        2,
    ),
    Trouble::of(
        "planning_failed",
        "no route to depot 9 before Friday",
        'g',
        1,
    ),
];

impl Trouble {
    const fn of(status: &'static str, message: &'static str, group: char, runs: u32) -> Self {
        Self {
            status,
            message,
            group,
            runs,
        }
    }

    /// That of the order with that number; every thirty-first is suspicious, and left alone.
    fn at(number: u32) -> &'static Self {
        const SUSPICIOUS: Trouble =
            Trouble::of("fraud_suspected", "card and address do not match", 'h', 1);
        match number % 31 {
            30 => &SUSPICIOUS,
            _ => &TROUBLES[number as usize % TROUBLES.len()],
        }
    }
}

/// Who tells it.
struct Past {
    ledger: SqlLedger,
    policy: Policy,
    home: Home,
    /// Orders so far.
    orders: u32,
    /// Restarts of each, by its workflow id.
    restarts: HashMap<String, u32>,
    /// Those that were given up, in their order.
    dead: Vec<String>,
}

/// Writes all of it into the ledger at `path`. Returns an order with a long story.
pub async fn write(path: &Path) -> String {
    let now = SystemClock.now();
    let mut policy = Policy::default();
    // Every batch may restart what the one before has restarted.
    policy.backoff.initial = Duration::ZERO;
    policy.backoff.max = Duration::ZERO;
    policy.settle.first_check = Duration::ZERO;
    let mut past = Past {
        ledger: SqlLedger::open(path).await.unwrap(),
        policy,
        home: Home {
            cluster_id: "c".into(),
            namespace: "default".into(),
        },
        orders: 0,
        restarts: HashMap::new(),
        dead: Vec::new(),
    };
    let ago = |minutes: i64| now - SignedDuration::from_mins(minutes);
    for (days, failed) in (1..=DAYS.len() as i64).rev().zip(DAYS) {
        for batch in 0..BATCHES {
            let new = if batch == 0 { failed } else { 0 };
            past.batch(new, ago(days * 24 * 60 - batch * INTERVAL))
                .await;
        }
    }
    for (batches, failed) in (0..TODAY.len() as i64).rev().zip(TODAY) {
        past.batch(failed, ago(batches * INTERVAL + 3)).await;
    }
    past.fail(4, &"scan".into(), ago(2)).await;
    past.decide(ago(1)).await;
    let order = past.dead.last().unwrap().clone();
    past.ledger.close().await;
    order.trim_start_matches("order-fulfillment-").to_owned()
}

impl Past {
    /// A batch at that moment, before which so many orders have failed.
    async fn batch(&mut self, failed: u32, at: Timestamp) {
        let id = BatchId::from(format!("batch-{}", at.as_second()));
        let opening = BatchOpening {
            batch: id.clone(),
            workflow_id: format!("reprocessing-batch-{}", at.strftime("%Y-%m-%dT%H:%M:%SZ")),
            started_at: at,
            one_order: false,
        };
        self.ledger.open_batch(&opening).await.unwrap();
        self.settle(&id, at).await;
        self.fail(failed, &id, at).await;
        self.restart(&id, at).await;
        let ended = at + SignedDuration::from_secs(40);
        self.ledger
            .finish_batch(&id, &BatchEnd::default(), ended)
            .await
            .unwrap();
    }

    /// So many orders fail, a few seconds after each other, and a batch sees them.
    async fn fail(&mut self, orders: u32, batch: &BatchId, at: Timestamp) {
        let first = self.orders;
        self.orders += orders;
        let failures: Vec<Failure> = (first..self.orders)
            .map(|number| {
                let closed_at =
                    at - SignedDuration::from_secs(60 + 7 * i64::from(self.orders - number));
                failure(number, &format!("run-0-of-{number}"), None, closed_at)
            })
            .collect();
        self.observe(batch, &failures, at).await;
    }

    async fn observe(&self, batch: &BatchId, failures: &[Failure], at: Timestamp) {
        let seen = self
            .ledger
            .observe(&self.policy, batch, failures, moment(at));
        seen.await.unwrap();
    }

    /// Learns how the restarts of the batch before have ended.
    async fn settle(&self, batch: &BatchId, at: Timestamp) {
        let due = self.ledger.due_checks(at, ALL).await.unwrap();
        let flying = due
            .into_iter()
            .filter_map(|check| check.followed_run.clone().map(|run| (check, run)));
        let (mut failed, mut recovered) = (Vec::new(), Vec::new());
        let closed_at = at - SignedDuration::from_mins(10);
        for (check, run) in flying {
            let number = number(check.workflow_id.as_str());
            let runs = self.restarts[check.workflow_id.as_str()] + 1;
            if runs <= Trouble::at(number).runs {
                failed.push(failure(
                    number,
                    run.as_str(),
                    Some(check.failed_run),
                    closed_at,
                ));
            } else {
                recovered.push(completed(check, run, closed_at));
            }
        }
        self.observe(batch, &failed, at).await;
        let settled = self
            .ledger
            .settle(&self.policy, batch, &recovered, moment(at))
            .await;
        assert_eq!(settled.unwrap(), recovered.len() as u64);
    }

    /// Restarts what is due, and gives up what has spent its budget.
    async fn restart(&mut self, batch: &BatchId, at: Timestamp) {
        let request = ClaimRequest {
            batch: batch.clone(),
            chunk: 0,
            limit: ALL,
            due_by: at,
            rules: BatchRules::default(),
            only: None,
            operation: None,
        };
        let claimed = self
            .ledger
            .claim(&self.policy, &self.home, &request, moment(at));
        let claimed = claimed.await.unwrap().fresh;
        let commits: Vec<Commit> = claimed
            .into_iter()
            .map(|order| self.outcome(order))
            .collect();
        let done = self
            .ledger
            .commit(&self.policy, batch, 0, &commits, moment(at));
        done.await.unwrap();
    }

    fn outcome(&mut self, order: ClaimedOrder) -> Commit {
        let id = order.workflow_id.as_str();
        let outcome = match order.plan {
            Plan::Restart { attempt, .. } => {
                self.restarts.insert(id.to_owned(), attempt);
                Outcome::Restarted(format!("run-{attempt}-of-{}", number(id)).into())
            }
            Plan::DeadLetter(reason) => {
                self.dead.push(id.to_owned());
                Outcome::DeadLettered(reason)
            }
        };
        Commit {
            pk: order.pk,
            fence: order.fence,
            outcome,
        }
    }

    /// People decide about the oldest dead letters, and put the newest order into the queue, for it is urgent.
    async fn decide(&self, at: Timestamp) {
        let old = self.dead.len() - WAITING + 1;
        for (order, cancel) in self.dead[..old]
            .iter()
            .zip([true, false].into_iter().cycle())
        {
            let (resolution, by) = match cancel {
                true => (Resolution::Cancelled, by("bob", "refunded")),
                false => (
                    Resolution::Escalated,
                    by("carol", "the customer is asked for the address"),
                ),
            };
            let resolve = Resolve {
                workflow_id: order.as_str().into(),
                resolution,
                by,
            };
            self.ledger
                .resolve(&self.policy, &resolve, at)
                .await
                .unwrap();
        }
        let urgent = Park {
            by: by("carol", "the customer waits at the dock"),
            escalation_level: EscalationLevel::High,
            failure: None,
        };
        let newest = workflow_id(self.orders - 1);
        let parked = self
            .ledger
            .park(&newest.as_str().into(), &urgent, at)
            .await
            .unwrap();
        assert!(parked.is_some());
    }
}

fn moment(now: Timestamp) -> Moment {
    Moment { now, seed: 7 }
}

fn by(actor: &str, reason: &str) -> NewAuditEvent {
    NewAuditEvent {
        actor: actor.into(),
        reason: reason.into(),
    }
}

fn workflow_id(number: u32) -> String {
    format!("order-fulfillment-ORD-7-{number:05}")
}

fn number(workflow_id: &str) -> u32 {
    workflow_id.rsplit('-').next().unwrap().parse().unwrap()
}

fn failure(number: u32, run: &str, from_run: Option<RunId>, closed_at: Timestamp) -> Failure {
    let trouble = Trouble::at(number);
    Failure {
        workflow_id: workflow_id(number).as_str().into(),
        order_id: format!("ORD-7-{number:05}"),
        customer_id: Some(format!("CUST-{:03}", number * 37 % 400)),
        workflow_type: "OrderFulfillmentWorkflow".into(),
        run_id: run.into(),
        first_run_id: run.into(),
        timed_out: trouble.status == "workflow_timed_out",
        closed_at,
        classification: Classification {
            status: trouble.status.into(),
            matched: Matched::FailureType,
            fingerprint: trouble.group.to_string().repeat(16),
            message: trouble.message.into(),
        },
        from_run,
        has_parent: false,
        start_request: Vec::new(),
    }
}

/// That the run which was followed has completed.
fn completed(check: Check, run: RunId, closed_at: Timestamp) -> Checked {
    let latest = Latest {
        run_id: run.clone(),
        first_run_id: run,
        status: RunStatus::Completed,
        started_at: check.failed_at,
        closed_at: Some(closed_at),
        ours: true,
    };
    Checked {
        check,
        latest: Some(latest),
        attempt: Some(AttemptOutcome::Recovered),
        ours: None,
        failure: None,
    }
}
