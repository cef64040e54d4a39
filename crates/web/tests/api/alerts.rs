//! Real batches drive each of the three alerts true and false, and Redrive's own word agrees each time with what Prometheus
//! makes of a scrape by the rules.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

use axum::http::StatusCode;
use redrive_core::moment::Moment;
use redrive_engine::{Clock, SystemClock, WorkerThread};
use redrive_fulfillment::puppet::{Move, Puppet};
use redrive_fulfillment::testbed::eventually;
use redrive_ledger::{Failure, Limited};
use serde_json::{Value, json};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use crate::metrics::scraped;
use crate::promtool::{is_content, promtool};
use crate::rules::{BACKLOG, DEAD_LETTERS, ERRORS, file};
use crate::world::{On, TYPE, World, ann, failure};

const QUEUE: &str = "orders";

#[tokio::test]
async fn redrive_and_its_rules_agree_on_real_batches_sqlite() {
    agree(World::alive_on("alerts-s", On::Sqlite).await).await;
}

#[tokio::test]
async fn redrive_and_its_rules_agree_on_real_batches_postgres() {
    agree(World::alive_on("alerts-p", On::Postgres).await).await;
}

/// What a batch does comes from what there is: an order that Temporal does not know any more is dead-lettered, and one whose
/// start request is unreadable is an error of each batch, until the sixth gives it up.
async fn agree(world: World) {
    // No order waits for its turn.
    let by = ann("a test");
    let fast = &world.app.ops.records;
    let fast = fast.set_limit(Limited::Starts, Some(1_000.0), &by);
    fast.await.unwrap();
    let thread = WorkerThread::start()
        .unwrap()
        .metered(world.app.sdk.clone());
    let (engine, client) = (world.app.ops.engine.clone(), world.bed.client.clone());
    let worker = thread.work(engine, client).await.unwrap();
    let mut site = Site {
        world,
        forgotten: 0,
    };

    site.agrees(&[]).await;
    site.forgotten(10).await;
    site.batch(
        json!({ "foundCount": 10, "dlqCount": 10, "errorCount": 0 }),
        &[],
    )
    .await;
    site.unreadable().await;
    site.forgotten(11).await;
    let found = json!({ "foundCount": 12, "dlqCount": 11, "errorCount": 1 });
    site.batch(found, &[DEAD_LETTERS, ERRORS]).await;
    // One of twenty is a twentieth, and no more.
    site.forgotten(19).await;
    let found = json!({ "foundCount": 20, "dlqCount": 19, "errorCount": 1 });
    site.batch(found, &[DEAD_LETTERS]).await;
    for alerts in [
        &[DEAD_LETTERS][..],
        &[DEAD_LETTERS],
        &[DEAD_LETTERS, BACKLOG],
    ] {
        site.forgotten(100).await;
        let found = json!({ "foundCount": 101, "dlqCount": 100, "errorCount": 1 });
        site.batch(found, alerts).await;
    }
    site.forgotten(99).await;
    let found = json!({ "foundCount": 100, "dlqCount": 100, "errorCount": 0 });
    site.batch(found, &[DEAD_LETTERS]).await;
    site.batch(json!({ "foundCount": 0 }), &[]).await;

    let lines = scraped(&site.world).await;
    for begin in [
        "temporal_workflow_completed_total{",
        "temporal_activity_execution_latency_seconds_count{",
        "temporal_num_pollers{",
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with(begin)),
            "{begin} in {lines:#?}"
        );
    }
    worker.stop().await.unwrap();
}

/// A world, and how many of its orders Temporal has forgotten.
struct Site {
    world: World,
    forgotten: u32,
}

impl Site {
    /// Takes in failures whose workflows Temporal does not know.
    async fn forgotten(&mut self, orders: u32) {
        let known: Range<u32> = self.forgotten..self.forgotten + orders;
        self.forgotten = known.end;
        let now = SystemClock.now();
        let failures: Vec<Failure> = known
            .map(|order| failure(&format!("gone-{order}"), "shipping_failed", now))
            .collect();
        self.observe(&failures).await;
    }

    /// Takes in an order that failed, with a start request that nobody can send.
    async fn unreadable(&self) {
        let bed = &self.world.bed;
        let puppet = Puppet::spawn(&bed.client, &bed.namespace, QUEUE, |_| {
            Move::fail("slam_failed", "no label")
        });
        let run = bed.start(bed.start_request("order-bad", TYPE, QUEUE)).await;
        bed.await_status("order-bad", WorkflowExecutionStatus::Failed)
            .await;
        puppet.stop().await;
        self.observe(&[Failure {
            run_id: run.as_str().into(),
            first_run_id: run.as_str().into(),
            start_request: vec![0xff],
            ..failure("bad", "slam_failed", SystemClock.now())
        }])
        .await;
    }

    async fn observe(&self, failures: &[Failure]) {
        let moment = Moment {
            now: SystemClock.now(),
            seed: 7,
        };
        let policy = &self.world.app.ops.records.policy;
        let batch = "seeded".into();
        let seen = self.world.ledger.observe(policy, &batch, failures, moment);
        seen.await.unwrap();
    }

    /// Runs a batch, which must come to those counts, and compares.
    async fn batch(&self, counts: Value, alerts: &[&str]) {
        let world = &self.world;
        let (status, started) = world.send("POST", "/api/v1/batches", json!({})).await;
        assert_eq!(status, StatusCode::CREATED, "{started}");
        let path = format!("/api/v1/batches/{}", started["batchId"].as_str().unwrap());
        let ended = eventually("the batch to end", || async {
            let (_, batch) = world.get(&path).await;
            (batch["status"] == "completed").then_some(batch)
        })
        .await;
        for (count, expected) in counts.as_object().unwrap() {
            assert_eq!(ended["result"][count], *expected, "{count} of {ended}");
        }
        self.agrees(alerts).await;
    }

    /// What the overview tells, and what Prometheus makes of a scrape, are these alerts.
    async fn agrees(&self, alerts: &[&str]) {
        let expected: BTreeSet<&str> = alerts.iter().copied().collect();
        let (_, status) = self.world.get("/api/v1/status").await;
        let told = status["alerts"].as_array().unwrap().iter();
        let told: BTreeSet<&str> = told
            .map(|alert| match alert["alert"].as_str().unwrap() {
                "dlq_count" => DEAD_LETTERS,
                "error_share" => ERRORS,
                "backlog" => BACKLOG,
                other => panic!("there is no such alert: {other}"),
            })
            .collect();
        assert_eq!(told, expected, "{status}");

        let lines = scraped(&self.world).await;
        let folder = tempfile::tempdir().unwrap();
        let test = folder.path().join("scrape.test.yml");
        std::fs::write(&test, firing(&lines, &expected)).unwrap();
        promtool(&["test", "rules"], &test);
        // The comparison can fail: one alert more or less is seen.
        let mut other = expected.clone();
        if !other.remove(BACKLOG) {
            other.insert(BACKLOG);
        }
        std::fs::write(&test, firing(&lines, &other)).unwrap();
        assert!(!is_content(&["test", "rules"], &test), "{lines:#?}");
    }
}

/// A test of the rules: of a scrape from two processes, exactly those alerts fire.
fn firing(scrape: &[String], alerts: &BTreeSet<&str>) -> String {
    let rules = file().canonicalize().unwrap();
    let mut text = format!(
        "rule_files: ['{}']\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n",
        rules.display()
    );
    for line in scrape.iter().filter(|line| line.starts_with("redrive_")) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        for instance in ["a", "b"] {
            writeln!(
                text,
                "      - series: '{name}{{job=\"redrive\",instance=\"{instance}\",{labels}'\n        values: '{value} {value}'"
            )
            .unwrap();
        }
    }
    text.push_str(
        "    promql_expr_test:\n      - expr: count by (alertname) (ALERTS{alertstate=\"firing\"})\n        eval_time: 1m\n",
    );
    let samples: Vec<String> = alerts
        .iter()
        .map(|alert| format!("{{labels: '{{alertname=\"{alert}\"}}', value: 1}}"))
        .collect();
    writeln!(text, "        exp_samples: [{}]", samples.join(", ")).unwrap();
    text
}
