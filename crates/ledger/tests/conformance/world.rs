//! A ledger for one test, with orders in it that must not change.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_core::backoff::Backoff;
use redrive_core::classify::{Classification, Matched};
use redrive_core::decide::{BatchRules, RunStatus};
use redrive_core::ids::{BatchId, Home, RunId, WorkflowId};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_ledger::{
    BatchEnd, BatchOpening, BatchRow, Check, Checked, ClaimRequest, Claimed, ClaimedOrder, Commit,
    Committed, Desk, Failure, Latest, Ledger, NewAuditEvent, ObserveSummary, OrderRow, Outcome,
    Plan, Reader, Resolution, Resolve, SqlLedger, Story,
};

/// The bytes of every start request, but for the order's id after them.
pub const REQUEST: &[u8] = b"a start request, opaque to the ledger: ";

/// A ledger by its sides, and what keeps it alive.
pub type Made = (
    Arc<dyn Ledger>,
    Arc<dyn Reader>,
    Arc<dyn Desk>,
    Box<dyn Any + Send + Sync>,
);

/// An open ledger as [`World::on`] takes it; it lives as long as `keep`.
pub fn made(ledger: &SqlLedger, keep: impl Any + Send + Sync) -> Made {
    (
        Arc::new(ledger.clone()),
        Arc::new(ledger.clone()),
        Arc::new(ledger.clone()),
        Box::new(keep),
    )
}

/// A ledger and what a test does with it again and again.
pub struct World {
    pub ledger: Arc<dyn Ledger>,
    pub reader: Arc<dyn Reader>,
    pub desk: Arc<dyn Desk>,
    pub policy: Policy,
    pub home: Home,
    now: AtomicI64,
    bystanders: Vec<Story>,
    _keep: Box<dyn Any + Send + Sync>,
}

/// `seconds` after the beginning of the world.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

/// The first failure of `order`: its run `{order}-0` closed a minute before the world began.
pub fn first_failure(order: &str) -> Failure {
    failure(order, &format!("{order}-0"), -60)
}

/// A failure of `order`: `run`, the first of its chain, closed then.
pub fn failure(order: &str, run: &str, closed: i64) -> Failure {
    Failure {
        workflow_id: order.into(),
        order_id: format!("id-of-{order}"),
        customer_id: Some(format!("customer-of-{order}")),
        workflow_type: "OrderFulfillmentWorkflow".into(),
        run_id: run.into(),
        first_run_id: run.into(),
        timed_out: false,
        closed_at: at(closed),
        classification: Classification {
            status: "shipping_failed".into(),
            matched: Matched::FailureType,
            fingerprint: "0123456789abcdef".into(),
            message: format!("{run} found no carrier"),
        },
        from_run: None,
        has_parent: false,
        start_request: request(order),
    }
}

/// The same failure with another status.
pub fn with_status(status: &str, mut failure: Failure) -> Failure {
    failure.classification.status = status.into();
    failure
}

/// The start request of an order.
pub fn request(order: &str) -> Vec<u8> {
    [REQUEST, order.as_bytes()].concat()
}

/// Bytes that do not compress, others for each `seed`: every eight another number's hash.
pub fn noise(seed: u64, length: u64) -> Vec<u8> {
    let numbers = (seed << 32)..(seed << 32) + length / 8;
    let hashes = numbers.map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    hashes.flat_map(u64::to_le_bytes).collect()
}

/// The latest run, first of its chain.
pub fn latest(run: &str, status: RunStatus, started: i64, closed: i64) -> Latest {
    let open = matches!(status, RunStatus::Running);
    Latest {
        run_id: run.into(),
        first_run_id: run.into(),
        status,
        started_at: at(started),
        closed_at: (!open).then(|| at(closed)),
        ours: false,
    }
}

/// Somebody who does something.
pub fn ann(reason: &str) -> NewAuditEvent {
    NewAuditEvent {
        actor: "ann".into(),
        reason: reason.into(),
    }
}

impl World {
    /// A world with bystanders: a failed order that nobody reprocesses, a parked one, a recovered one.
    pub async fn new() -> Self {
        let policy = Policy {
            backoff: Backoff {
                initial: Duration::from_secs(600),
                ..Backoff::default()
            },
            ..Policy::default()
        };
        Self::with_policy(policy).await
    }

    /// As [`World::new`], under that policy.
    pub async fn with_policy(policy: Policy) -> Self {
        Self::on(policy, crate::factory::ledger().await).await
    }

    /// A world on a ledger that is made already.
    pub async fn on(policy: Policy, (ledger, reader, desk, keep): Made) -> Self {
        let home = Home {
            cluster_id: "c".into(),
            namespace: "default".into(),
        };
        let now = AtomicI64::new(0);
        let mut world = Self {
            ledger,
            reader,
            desk,
            policy,
            home,
            now,
            bystanders: Vec::new(),
            _keep: keep,
        };
        world.add_bystanders().await;
        world
    }

    async fn add_bystanders(&mut self) {
        let ignored = with_status("fraud_suspected", first_failure("bystander-ignored"));
        self.observe(&[
            ignored,
            first_failure("bystander-parked"),
            first_failure("bystander-recovered"),
        ])
        .await;
        let parked = self
            .ledger
            .park(
                &"bystander-parked".into(),
                &ann("look at it").into(),
                self.now(),
            )
            .await
            .unwrap();
        assert!(parked.is_some());
        self.restart("bystander-recovered", "bystander-recovered-1", "b0")
            .await;
        let completed = Some(latest(
            "bystander-recovered-1",
            RunStatus::Completed,
            -50,
            -40,
        ));
        let check = self.check("bystander-recovered").await;
        let checked = Checked {
            ours: None,
            check,
            latest: completed,
            attempt: None,
            failure: None,
        };
        let ended = self
            .ledger
            .settle(&self.policy, &"b0".into(), &[checked], self.moment())
            .await
            .unwrap();
        assert_eq!(ended, 1);
        for id in [
            "bystander-ignored",
            "bystander-parked",
            "bystander-recovered",
        ] {
            self.bystanders.push(self.story(id).await);
        }
    }

    /// The last line of every test: the bystanders are as they were.
    pub async fn bystanders_are_unchanged(&self) {
        for before in &self.bystanders {
            let after = self.story(before.order.workflow_id.as_str()).await;
            assert_eq!(*before, after);
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        at(self.now.load(Ordering::SeqCst))
    }

    /// The time and the seed of the jitter.
    pub fn moment(&self) -> Moment {
        Moment {
            now: self.now(),
            seed: 7,
        }
    }

    /// Lets time pass.
    pub fn wait(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The backoff of an order before retry number `retry`.
    pub fn backoff(&self, order: &str, retry: u32) -> Duration {
        let delay = self
            .policy
            .backoff("shipping_failed")
            .delay(retry, self.moment().jitter(order));
        Duration::from_micros(u64::try_from(delay.as_micros()).unwrap())
    }

    /// Observes failures in batch `scan`.
    pub async fn observe(&self, failures: &[Failure]) -> ObserveSummary {
        let batch = BatchId::from("scan");
        self.ledger
            .observe(&self.policy, &batch, failures, self.moment())
            .await
            .unwrap()
    }

    /// Takes up pending failures in batch `scan`.
    pub async fn observe_pending(&self) -> ObserveSummary {
        self.ledger
            .observe_pending(&self.policy, &"scan".into(), self.moment())
            .await
            .unwrap()
    }

    /// What a chunk asks for: a hundred orders that are due now.
    pub fn wanted(&self, batch: &str, chunk: u32) -> ClaimRequest {
        ClaimRequest {
            batch: batch.into(),
            chunk,
            limit: 100,
            due_by: self.now(),
            rules: BatchRules::default(),
            only: None,
            operation: None,
        }
    }

    /// Claims.
    pub async fn claim(&self, request: &ClaimRequest) -> Claimed {
        self.ledger
            .claim(&self.policy, &self.home, request, self.moment())
            .await
            .unwrap()
    }

    /// Claims one order, which must be due.
    pub async fn claim_one(&self, order: &str, batch: &str) -> ClaimedOrder {
        let request = ClaimRequest {
            only: Some(order.into()),
            ..self.wanted(batch, 1)
        };
        let claimed = self.claim(&request).await;
        claimed.fresh.into_iter().next().expect("the order is due")
    }

    /// Commits an outcome for a claimed order.
    pub async fn commit(&self, batch: &str, order: &ClaimedOrder, outcome: Outcome) -> Committed {
        let commit = Commit {
            pk: order.pk,
            fence: order.fence,
            outcome,
        };
        let committed = self
            .ledger
            .commit(&self.policy, &batch.into(), 1, &[commit], self.moment())
            .await
            .unwrap();
        committed[0]
    }

    /// Claims an order and commits its restart as `run`.
    pub async fn restart(&self, order: &str, run: &str, batch: &str) -> ClaimedOrder {
        let claimed = self.claim_one(order, batch).await;
        assert!(matches!(claimed.plan, Plan::Restart { .. }), "{claimed:?}");
        let done = self
            .commit(batch, &claimed, Outcome::Restarted(run.into()))
            .await;
        assert_eq!(done, Committed::Done);
        claimed
    }

    /// The check of an order as it stands.
    pub async fn check(&self, order: &str) -> Check {
        let story = self.story(order).await;
        let row = story.order;
        let has_attempt = story
            .attempts
            .iter()
            .any(|a| a.outcome.is_none() && a.run == row.followed_run);
        let given_up = story
            .attempts
            .iter()
            .rfind(|a| a.from_run == row.failed_run && a.run.is_none() && a.outcome.is_some());
        Check {
            pk: row.pk,
            workflow_id: row.workflow_id,
            state: row.state,
            given_up: given_up.map(|attempt| attempt.request_id),
            failed_run: row.failed_run,
            failed_at: row.failed_at,
            followed_run: row.followed_run,
            has_attempt,
        }
    }

    /// Settles an order by a description, in batch `settling`. Returns how many attempts ended.
    pub async fn settle(&self, order: &str, latest: Option<Latest>) -> u64 {
        let check = self.check(order).await;
        self.settle_as(Checked {
            ours: None,
            check,
            latest,
            attempt: None,
            failure: None,
        })
        .await
    }

    /// Settles by all that the server said.
    pub async fn settle_as(&self, checked: Checked) -> u64 {
        self.ledger
            .settle(&self.policy, &"settling".into(), &[checked], self.moment())
            .await
            .unwrap()
    }

    /// Opens a batch.
    pub async fn open(&self, batch: &str) {
        self.open_as(batch, false).await;
    }

    /// Opens the batch of one order's retry.
    pub async fn open_retry(&self, batch: &str) {
        self.open_as(batch, true).await;
    }

    async fn open_as(&self, batch: &str, one_order: bool) {
        let opening = BatchOpening {
            batch: batch.into(),
            workflow_id: format!("w-{batch}"),
            started_at: self.now(),
            one_order,
        };
        self.ledger.open_batch(&opening).await.unwrap();
    }

    /// Finishes a batch that went well.
    pub async fn finish(&self, batch: &str) -> BatchRow {
        self.ledger
            .finish_batch(&batch.into(), &BatchEnd::default(), self.now())
            .await
            .unwrap()
    }

    /// Somebody gives a dead letter up.
    pub async fn cancel(&self, order: &str) {
        let cancel = Resolve {
            workflow_id: order.into(),
            resolution: Resolution::Cancelled,
            by: ann("refunded"),
        };
        self.ledger
            .resolve(&self.policy, &cancel, self.now())
            .await
            .unwrap();
    }

    /// Everything known of an order.
    pub async fn story(&self, order: &str) -> Story {
        self.ledger
            .story(&WorkflowId::from(order))
            .await
            .unwrap()
            .expect("the order is known")
    }

    /// An order.
    pub async fn order(&self, order: &str) -> OrderRow {
        self.story(order).await.order
    }

    /// How an order is started again, as far as the ledger knows.
    pub async fn start_request(&self, order: &str) -> Option<Vec<u8>> {
        let pk = self.order(order).await.pk;
        self.ledger.start_request(pk).await.unwrap()
    }

    /// What batches said of an order: batch, verdict, reason.
    pub async fn verdicts(&self, order: &str) -> Vec<(String, String, Option<String>)> {
        let verdicts = self.story(order).await.verdicts;
        verdicts
            .into_iter()
            .map(|(batch, verdict, reason, _)| (batch.to_string(), verdict, reason))
            .collect()
    }
}

/// The workflow ids of claimed orders.
pub fn ids(orders: &[ClaimedOrder]) -> Vec<&str> {
    orders
        .iter()
        .map(|order| order.workflow_id.as_str())
        .collect()
}

/// The run, as an id.
pub fn run(run: &str) -> RunId {
    run.into()
}

/// A verdict, as [`World::verdicts`] gives it.
pub fn verdict(
    batch: &str,
    verdict: &str,
    reason: Option<&str>,
) -> (String, String, Option<String>) {
    (batch.into(), verdict.into(), reason.map(str::to_owned))
}
