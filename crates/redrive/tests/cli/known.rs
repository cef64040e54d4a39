//! A ledger in a known state, and what every command that reads says of it, as text and as JSON.
//!
//! Times are relative to now, so that ages are always the same; absolute ones are replaced (`tape`).

use jiff::{SignedDuration, Timestamp};
use redrive_core::classify::{Classification, Matched};
use redrive_core::decide::{BatchRules, DeadLetterReason, Latest, RunStatus};
use redrive_core::ids::Home;
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::testbed::Testbed;
use redrive_ledger::{
    Act, BatchEnd, BatchOpening, Check, Checked, ClaimRequest, Commit, Failure, Ledger,
    NewAuditEvent, Outcome, Plan, SqlLedger,
};

use super::site::{Site, Way};
use super::tape::Tape;

/// Builds the ledger.
struct Known {
    ledger: SqlLedger,
    policy: Policy,
    home: Home,
    now: Timestamp,
}

/// A site without a server, whose ledger is known: `WAIT-1` waits, `ALONE-1` is left alone, `HELD-1` is held, `FLY-1` is
/// in flight, `BACK-1` recovered, `DEAD-1` and `DEAD-2` are dead letters, `GONE-1` was cancelled, `OUT-1` cannot start.
pub async fn site() -> Site {
    filled(Site::without_server()).await
}

/// The same ledger, in that site's folder.
pub async fn filled(site: Site) -> Site {
    let now = Timestamp::from_second(SystemClock.now().as_second()).unwrap();
    let known = Known {
        ledger: SqlLedger::open(&site.path("redrive.db")).await.unwrap(),
        policy: Policy::default(),
        home: Home {
            cluster_id: "c".into(),
            namespace: "default".into(),
        },
        now,
    };
    known.fill().await;
    known.ledger.close().await;
    site.write(
        "redrive.toml",
        "[links]\ntemporal_ui = \"https://temporal.example/ui/\"\n",
    );
    site
}

impl Known {
    fn ago(&self, minutes: i64) -> Moment {
        Moment {
            now: self.now - SignedDuration::from_mins(minutes),
            seed: 7,
        }
    }

    fn failure(&self, order: &str, status: &str, group: char, minutes: i64) -> Failure {
        let run = format!("run-0-of-{order}");
        Failure {
            workflow_id: format!("order-fulfillment-{order}").into(),
            order_id: order.into(),
            customer_id: Some(format!("CUST-{}", order.len())),
            workflow_type: "OrderFulfillmentWorkflow".into(),
            run_id: run.as_str().into(),
            first_run_id: run.as_str().into(),
            timed_out: status == "workflow_timed_out",
            closed_at: self.ago(minutes).now,
            classification: Classification {
                status: status.into(),
                matched: Matched::FailureType,
                fingerprint: group.to_string().repeat(16),
                message: format!("no carrier takes {order} today"),
            },
            from_run: None,
            has_parent: false,
            start_request: order.as_bytes().to_vec(),
        }
    }

    async fn fill(&self) {
        let failures = [
            self.failure("DEAD-1", "shipping_failed", 'a', 4_400),
            self.failure("DEAD-2", "slam_failed", 'b', 4_390),
            self.failure("GONE-1", "shipping_failed", 'a', 4_380),
            self.failure("WAIT-1", "shipping_failed", 'a', 40),
            self.failure("FLY-1", "shipping_failed", 'a', 39),
            self.failure("BACK-1", "workflow_timed_out", 'c', 38),
            self.failure("OUT-1", "picking_failed_oddly", 'd', 37),
            self.failure("ALONE-1", "fraud_suspected", 'e', 36),
            self.failure("HELD-1", "planning_failed", 'f', 35),
        ];
        for failure in &failures {
            let (batch, seen) = ("scan".into(), self.ago(34));
            self.ledger
                .observe(&self.policy, &batch, std::slice::from_ref(failure), seen)
                .await
                .unwrap();
        }
        self.act("HELD-1", Act::Hold, "its address is being checked")
            .await;
        self.batch(
            "batch-1",
            &["DEAD-1", "DEAD-2", "GONE-1"],
            4_321,
            |order| match order {
                "GONE-1" => Outcome::DeadLettered(DeadLetterReason::Parked),
                _ => Outcome::DeadLettered(DeadLetterReason::BudgetSpent),
            },
        )
        .await;
        self.cancel("GONE-1").await;
        self.batch(
            "batch-2",
            &["FLY-1", "BACK-1", "WAIT-1"],
            30,
            |order| match order {
                "WAIT-1" => Outcome::ItemError {
                    message: "the server refuses it: search attribute CustomerTier is not defined"
                        .into(),
                },
                order => Outcome::Restarted(format!("run-1-of-{order}").as_str().into()),
            },
        )
        .await;
        self.recovered("BACK-1").await;
        self.finish("batch-1", BatchEnd::default()).await;
        self.finish(
            "batch-2",
            BatchEnd {
                truncated: true,
                ..BatchEnd::default()
            },
        )
        .await;
    }

    fn by(reason: &str) -> NewAuditEvent {
        NewAuditEvent {
            actor: "ann".into(),
            reason: reason.into(),
        }
    }

    async fn act(&self, order: &str, act: Act, reason: &str) {
        let id = format!("order-fulfillment-{order}");
        let (by, now) = (Self::by(reason), self.ago(33).now);
        let acted = self
            .ledger
            .act(&self.policy, &id.as_str().into(), act, &by, now)
            .await;
        assert!(matches!(acted.unwrap(), redrive_ledger::Acted::Done(_)));
    }

    async fn cancel(&self, order: &str) {
        let resolve = redrive_ledger::Resolve {
            workflow_id: format!("order-fulfillment-{order}").as_str().into(),
            resolution: redrive_ledger::Resolution::Cancelled,
            by: Self::by("refunded"),
        };
        self.ledger
            .resolve(&self.policy, &resolve, self.ago(32).now)
            .await
            .unwrap();
    }

    /// A batch that claims those orders and makes of each what `outcome` says.
    async fn batch(&self, id: &str, orders: &[&str], minutes: i64, outcome: fn(&str) -> Outcome) {
        let opening = BatchOpening {
            batch: id.into(),
            workflow_id: format!("reprocessing-{id}"),
            started_at: self.ago(minutes).now,
            one_order: false,
        };
        self.ledger.open_batch(&opening).await.unwrap();
        for order in orders {
            let request = ClaimRequest {
                batch: id.into(),
                chunk: 0,
                limit: 100,
                due_by: self.now,
                rules: BatchRules::default(),
                only: Some(format!("order-fulfillment-{order}").as_str().into()),
                operation: None,
            };
            let moment = self.ago(minutes);
            let claimed = self
                .ledger
                .claim(&self.policy, &self.home, &request, moment);
            let claimed = claimed.await.unwrap().fresh.pop().unwrap();
            assert!(matches!(claimed.plan, Plan::Restart { .. }), "{order}");
            let commit = Commit {
                pk: claimed.pk,
                fence: claimed.fence,
                outcome: outcome(order),
            };
            self.ledger
                .commit(&self.policy, &id.into(), 0, &[commit], moment)
                .await
                .unwrap();
        }
    }

    /// It is learnt an hour from now, so that it is learnt today whenever the test runs.
    async fn recovered(&self, order: &str) {
        let run: redrive_core::ids::RunId = format!("run-1-of-{order}").as_str().into();
        let story = self
            .ledger
            .story(&format!("order-fulfillment-{order}").as_str().into())
            .await
            .unwrap()
            .unwrap();
        let latest = Latest {
            run_id: run.clone(),
            first_run_id: run.clone(),
            status: RunStatus::Completed,
            started_at: self.ago(29).now,
            closed_at: Some(self.ago(28).now),
            ours: false,
        };
        let check = Check {
            pk: story.order.pk,
            workflow_id: story.order.workflow_id,
            state: story.order.state,
            failed_run: story.order.failed_run,
            failed_at: story.order.failed_at,
            given_up: None,
            followed_run: Some(run),
            has_attempt: true,
        };
        let checked = Checked {
            check,
            latest: Some(latest),
            attempt: None,
            ours: None,
            failure: None,
        };
        let ended = self
            .ledger
            .settle(&self.policy, &"batch-2".into(), &[checked], self.ago(-60))
            .await;
        assert_eq!(ended.unwrap(), 1);
    }

    async fn finish(&self, id: &str, end: BatchEnd) {
        self.ledger
            .finish_batch(&id.into(), &end, self.ago(2).now)
            .await
            .unwrap();
    }
}

/// Every command that reads.
const READS: [&str; 27] = [
    "status",
    "failures list --limit 4",
    "failures list --status slam_failed",
    "failures show run-0-of-DEAD-2",
    "failures groups",
    "failures groups --since 50h",
    "orders list",
    "orders list --state in-flight --state held",
    "orders list --group bbbb",
    "orders list --customer CUST-5 --state open",
    "orders list --state recovered --older-than 24h",
    "orders show WAIT-1",
    "orders show GONE-1",
    "batches list",
    "batches show",
    "batches show reprocessing-batch-1 --verdict dlq --limit 2",
    "dlq list",
    "dlq list --resolved --status shipping_failed",
    "dlq list --customer CUST-6 --status slam_failed",
    "dlq list --older-than 30d",
    "dlq show DEAD-1",
    "dlq stats",
    "report",
    "report --csv",
    "audit list",
    "audit list --by bob",
    "limits show",
];

/// What they say on stdout and stderr.
#[tokio::test]
async fn what_every_reading_command_says() {
    let site = site().await;
    let mut tape = Tape::at(&[&site], &[]);
    for command in READS {
        tape.reads(&site, command);
        let lines = site.run(&format!("{command} -o jsonl")).well();
        if !command.contains("--csv") {
            for line in lines.stdout.lines() {
                serde_json::from_str::<serde_json::Value>(line).unwrap();
            }
        }
    }
    insta::assert_snapshot!(tape.told());
}

/// Every command that decides something without Temporal, one after the other.
const ACTS: [&str; 23] = [
    "orders hold WAIT-1 --reason look",
    "orders hold WAIT-1 DEAD-1 FLY-1 BACK-1 nobody --by bob",
    "orders release WAIT-1 OUT-1",
    "orders reset DEAD-2 --reason mended",
    "orders dead-letter HELD-1 --reason odd",
    "dlq cancel DEAD-1 --reason refunded",
    "dlq cancel DEAD-1 --reason again",
    "dlq escalate WAIT-1 --reason never-there",
    "dlq escalate --status planning_failed --reason to-carol --yes",
    "dlq escalate --status planning_failed --reason to-carol --yes",
    "dlq cancel HELD-1 DEAD-1 --reason two-at-once",
    "dlq cancel HELD-1 DEAD-1 --reason two-at-once --yes",
    "limits set starts 50 --reason the-backlog",
    "limits reset starts",
    "token list",
    "token create --role viewer --name board --by ann --reason for-the-wall",
    "token create --role admin --name board --by ann",
    "token list",
    "token revoke board --reason off-the-wall",
    "token revoke board",
    "halt --reason stocktaking",
    "status",
    "unhalt --reason done",
];

/// What they say, with their exit codes.
#[tokio::test]
async fn what_every_act_says() {
    let sites = [site().await, site().await];
    let sites = sites.each_ref();
    let mut tape = Tape::at(&sites, &[]);
    for command in ACTS {
        tape.acts(&sites, command);
    }
    insta::assert_snapshot!(tape.told());
}

/// What is said where the command reads or acts itself, and through a server.
#[tokio::test]
async fn a_server_says_the_same() {
    let testbed = Testbed::connect("known").await;
    let site = filled(Site::on(&testbed)).await;
    for command in READS {
        for form in ["text", "json", "jsonl"] {
            let command = format!("{command} -o {form}");
            let tape = Tape::at(&[&site], &[&testbed]);
            let [here, there] = [Way::Ledger, Way::Server]
                .map(|way| tape.of(&command, &site.run_by(way, &command)));
            assert_eq!(here, there);
        }
    }
}

/// The same of what decides something: on two ledgers that are alike.
#[tokio::test]
async fn a_server_decides_the_same() {
    for form in ["text", "json"] {
        let mut told = Vec::new();
        for way in [Way::Ledger, Way::Server] {
            let testbed = Testbed::connect("known").await;
            let site = filled(Site::on(&testbed)).await;
            let tape = Tape::at(&[&site], &[&testbed]);
            let pages = ACTS.map(|command| {
                let command = format!("{command} -o {form}");
                tape.of(&command, &site.run_by(way, &command))
            });
            told.push(pages.join("\n"));
        }
        assert_eq!(told[0], told[1]);
    }
}
