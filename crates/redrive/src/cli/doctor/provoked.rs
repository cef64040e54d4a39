//! Findings that only time brings: seen on a real server and a real ledger, by a clock that is set otherwise.
//!
//! Neither the dev server's clock nor this machine's can be set for a test, so the *doctor's* clock is set: it is an argument
//! of all that it asks and judges. The server, its schedule and its pollers are real.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::testbed::Testbed;
use tempfile::TempDir;

use super::facts::{Facts, gather};
use super::finding::{Finding, Level};
use super::judge::judge;
use crate::config::Config;
use crate::connect::{self, Target};

/// This machine's clock, set forward or back.
struct Set(SignedDuration);

#[async_trait]
impl Clock for Set {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }

    fn seed(&self) -> u64 {
        SystemClock.seed()
    }

    async fn sleep(&self, time: Duration) {
        SystemClock.sleep(time).await;
    }
}

/// A ledger in a folder of its own, a worker, and a schedule, on a namespace of their own.
struct Installed {
    config: Config,
    target: Target,
    worker: redrive_engine::RunningWorker,
    _folder: TempDir,
}

impl Installed {
    async fn new() -> Self {
        let testbed = Testbed::connect("provoked").await;
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.ledger.url = folder.path().join("redrive.db").display().to_string();
        let target = Target::plain(&testbed.server, &testbed.namespace).unwrap();
        let ops = connect::ops(&target, testbed.client.clone(), &config)
            .await
            .unwrap();
        let settings = crate::cli::schedule::settings(&config);
        redrive_engine::apply_schedule(&testbed.client, &settings)
            .await
            .unwrap();
        let worker = redrive_engine::run_worker(ops.engine.clone(), testbed.client)
            .await
            .unwrap();
        let installed = Self {
            config,
            target,
            worker,
            _folder: folder,
        };
        redrive_fulfillment::testbed::eventually("the worker to poll", || async {
            let facts = installed.facts(SignedDuration::ZERO).await;
            (of(&judged(&installed, &facts, SystemClock.now()), "workers").level == Level::Ok)
                .then_some(())
        })
        .await;
        installed
    }

    async fn facts(&self, off: SignedDuration) -> Facts {
        gather(Ok(self.target.clone()), &self.config, &Set(off)).await
    }

    /// The findings of a doctor whose clock is off by that much.
    async fn findings(&self, off: SignedDuration) -> Vec<Finding> {
        let facts = self.facts(off).await;
        judged(self, &facts, Set(off).now())
    }
}

fn judged(installed: &Installed, facts: &Facts, now: Timestamp) -> Vec<Finding> {
    judge(facts, &installed.config, now)
}

fn of<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
    findings
        .iter()
        .find(|finding| finding.check == check)
        .unwrap()
}

/// The level, what is so, and what to do.
fn told(findings: &[Finding], check: &str) -> (Level, String, String) {
    let finding = of(findings, check);
    let remedy = finding.remedy.clone().unwrap_or_default();
    (finding.level, finding.what.clone(), remedy)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_behind_or_ahead_is_found_and_misleads_no_other_check() {
    let installed = Installed::new().await;
    let well = installed.findings(SignedDuration::ZERO).await;
    assert_eq!(
        of(&well, "clock"),
        &Finding::ok("clock", "This machine's clock agrees with the server's.")
    );
    let remedy = "Let the machine keep its time by NTP: backoff and deadlines count by it.";
    for (off, what) in [
        (
            SignedDuration::from_secs(-630),
            "This machine's clock is 10 min behind the server's.",
        ),
        (
            SignedDuration::from_mins(210),
            "This machine's clock is 3 h ahead of the server's.",
        ),
    ] {
        let findings = installed.findings(off).await;
        let expected = (Level::Warning, what.to_owned(), remedy.to_owned());
        assert_eq!(told(&findings, "clock"), expected);
        // By a clock hours ahead every poller is long gone, and the next tick long due.
        for check in ["workers", "schedule ticks"] {
            assert_eq!(of(&findings, check).level, Level::Ok, "{findings:#?}");
        }
    }
    installed.worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_that_does_not_come_is_found_by_who_looks_later() {
    let installed = Installed::new().await;
    let facts = installed.facts(SignedDuration::ZERO).await;
    // Its first tick is due within 15 minutes of its creation.
    let later = SystemClock.now() + SignedDuration::from_mins(50);
    let (level, what, remedy) = told(&judged(&installed, &facts, later), "schedule ticks");
    assert_eq!(level, Level::Problem);
    assert!(
        what.starts_with("A tick is overdue for ") && what.ends_with(" min."),
        "{what}"
    );
    assert_eq!(
        remedy,
        "Look at the server's own health: it does not do its schedules; `redrive run` runs a batch meanwhile."
    );
    installed.worker.stop().await.unwrap();
}
