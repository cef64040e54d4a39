//! Every finding, from facts that differ from a healthy site in one thing.
use std::time::Duration;

use jiff::SignedDuration;
use redrive_core::ids::Home;
use redrive_core::report::BatchStatus;
use redrive_engine::gateway::GatewayError;
use redrive_engine::{Checkup, Pollers, ScheduleStatus, Ticked};
use redrive_ledger::{Halt, LedgerError};

use super::super::facts::LedgerContents;
use super::super::finding::Level;
use super::*;
use crate::problem::Problem;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + minutes * 60).unwrap()
}

/// The time of every check.
fn now() -> Timestamp {
    at(600)
}

fn home() -> Home {
    Home {
        cluster_id: "c-1".into(),
        namespace: "orders".into(),
    }
}

fn batch(status: BatchStatus, ended: i64) -> redrive_ledger::BatchRow {
    let mut row = crate::audit::samples::batch("b", [0, 0, 0], [0, 0]);
    row.status = status;
    row.result.processed_at = at(ended);
    row
}

/// One whose workers all died in the middle of it: the ledger has no end of it.
fn lost_batch() -> redrive_ledger::BatchRow {
    let mut row = batch(BatchStatus::Running, 515);
    row.started_at = at(515);
    row
}

fn schedule() -> ScheduleStatus {
    ScheduleStatus {
        interval: Some(Duration::from_secs(900)),
        last_ticks: vec![Ticked {
            at: at(595),
            workflow_id: "reprocessing-batch-1".into(),
            batch_id: "b".into(),
            status: Some("completed"),
        }],
        created_at: Some(at(0)),
        ..ScheduleStatus::default()
    }
}

fn healthy() -> (Checkup, LedgerContents) {
    let checkup = Checkup {
        cluster: Ok((home(), "1.32.0".into())),
        retention: Ok(Some(Duration::from_secs(72 * 3600))),
        server_ahead: Ok(SignedDuration::ZERO),
        pollers: Ok(Pollers {
            workflow: 2,
            activity: 2,
        }),
        foreign_types: Ok(Vec::new()),
        unseen_types: Ok(Vec::new()),
        schedule: Ok(Some(schedule())),
    };
    let contents = LedgerContents {
        home: Ok(Some(home())),
        halted: Ok(None),
        batches: Ok(vec![batch(BatchStatus::Completed, 596)]),
        waiting: Ok(vec![("shipping_failed".into(), 3)]),
        unsaved: Ok(Some(0)),
    };
    (checkup, contents)
}

fn locked() -> LedgerError {
    LedgerError::Sql {
        doing: "count",
        source: sqlx::Error::WorkerCrashed,
    }
}

fn facts(checkup: Checkup, contents: LedgerContents) -> Facts {
    Facts {
        address: Ok(("127.0.0.1:7233".into(), "orders".into())),
        temporal: Ok(checkup),
        ledger: LedgerFacts::Open(Box::new(contents)),
    }
}

fn told(facts: &Facts) -> Vec<Finding> {
    judge(facts, &Config::default(), now())
}

/// The only finding that is not well, after `change`.
fn wrong(change: impl FnOnce(&mut Checkup, &mut LedgerContents)) -> (&'static str, Level, String) {
    let (mut checkup, mut contents) = healthy();
    change(&mut checkup, &mut contents);
    let mut found = told(&facts(checkup, contents));
    found.retain(|finding| !matches!(finding.level, Level::Ok | Level::NotChecked));
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = found.remove(0);
    let remedy = finding.remedy.unwrap();
    assert!(remedy.ends_with('.') && finding.what.len() > 10, "{remedy}");
    (finding.check, finding.level, finding.what)
}

#[test]
fn a_healthy_site_is_well_in_every_check() {
    let (checkup, contents) = healthy();
    let found = told(&facts(checkup, contents));
    assert_eq!(found.len(), 14);
    for finding in found {
        assert_eq!(finding.level, Level::Ok, "{finding:?}");
    }
}

#[test]
fn each_thing_that_is_wrong_is_one_finding() {
    use Level::{Problem, Warning};
    type Change = fn(&mut Checkup, &mut LedgerContents);
    let cases: [(Change, &str, Level, &str); 26] = [
        (
            |c, _| c.retention = Ok(Some(Duration::from_secs(3600))),
            "namespace",
            Warning,
            "Closed runs are deleted after 1h.",
        ),
        (
            |c, _| c.retention = Err(GatewayError::System("namespace orders not found".into())),
            "namespace",
            Problem,
            "It cannot be looked at: Temporal refuses: namespace orders not found.",
        ),
        (
            |c, _| c.server_ahead = Ok(SignedDuration::from_secs(42)),
            "clock",
            Warning,
            "This machine's clock is 42 s behind the server's.",
        ),
        (
            |c, _| c.server_ahead = Ok(SignedDuration::from_mins(-10)),
            "clock",
            Warning,
            "This machine's clock is 10 min ahead of the server's.",
        ),
        (
            |c, _| c.pollers.as_mut().unwrap().activity = 0,
            "workers",
            Problem,
            "No worker polls the task queue \"orchestrator\": batches start and wait.",
        ),
        (
            |c, _| c.foreign_types = Ok(vec!["Picking".into(), "Refund".into()]),
            "task queue",
            Problem,
            "Workflows of other types run on the task queue \"orchestrator\": Picking, Refund.",
        ),
        (
            |c, _| c.unseen_types = Ok(vec!["OrderFulfilment".into()]),
            "watched types",
            Warning,
            "No run of a watched workflow type was ever seen: OrderFulfilment.",
        ),
        (
            |c, _| c.schedule = Ok(None),
            "schedule",
            Problem,
            "There is no schedule \"reprocessing-batch-schedule\": no batch starts by itself.",
        ),
        (
            |c, _| {
                let schedule = c.schedule.as_mut().unwrap().as_mut().unwrap();
                (schedule.paused, schedule.note) = (true, "ann: stocktaking".into());
            },
            "schedule",
            Problem,
            "The schedule is paused (ann: stocktaking): no batch starts by itself.",
        ),
        (
            |c, _| {
                c.schedule.as_mut().unwrap().as_mut().unwrap().differences =
                    vec!["interval 15m, not 5m".into()]
            },
            "schedule",
            Warning,
            "The schedule differs from the configuration: interval 15m, not 5m.",
        ),
        (
            |c, _| c.schedule.as_mut().unwrap().as_mut().unwrap().missed = 3,
            "schedule ticks",
            Warning,
            "The schedule has lost ticks for good since it was made: 3.",
        ),
        (
            |c, _| c.schedule.as_mut().unwrap().as_mut().unwrap().last_ticks[0].at = at(500),
            "schedule ticks",
            Problem,
            "The schedule's last tick was 1 h ago.",
        ),
        (
            |c, _| {
                let schedule = c.schedule.as_mut().unwrap().as_mut().unwrap();
                (schedule.missed, schedule.next_ticks) = (3, vec![at(590)]);
            },
            "schedule ticks",
            Problem,
            "A tick is overdue for 10 min.",
        ),
        (
            |c, _| {
                let schedule = c.schedule.as_mut().unwrap().as_mut().unwrap();
                (schedule.last_ticks, schedule.next_ticks) = (Vec::new(), vec![at(601)]);
            },
            "schedule ticks",
            Problem,
            "The schedule's last tick was 10 h ago.",
        ),
        (
            |c, _| {
                let schedule = c.schedule.as_mut().unwrap().as_mut().unwrap();
                schedule.paused = true;
                schedule.differences = vec!["interval 15m, not 5m".into()];
            },
            "schedule",
            Problem,
            "The schedule is paused: no batch starts by itself. It differs from the configuration, too: interval 15m, not 5m.",
        ),
        (
            |_, l| l.home.as_mut().unwrap().as_mut().unwrap().cluster_id = "c-2".into(),
            "ledger's home",
            Problem,
            "It belongs to namespace \"orders\" of cluster c-2, but Temporal is namespace \"orders\" of cluster c-1.",
        ),
        (
            |_, l| {
                l.halted = Ok(Some(Halt {
                    by: "ann".into(),
                    reason: "carrier down".into(),
                    at: at(540),
                }));
            },
            "halt",
            Problem,
            "Every start is halted for 1 h, by ann: carrier down.",
        ),
        (
            |_, l| {
                l.batches.as_mut().unwrap()[0].status = BatchStatus::Failed;
                l.batches.as_mut().unwrap()[0].error = Some("the ledger is full".into());
            },
            "batches",
            Problem,
            "The last batch failed 4 min ago: the ledger is full",
        ),
        (
            |_, l| l.batches.as_mut().unwrap()[0].result.processed_at = at(500),
            "batches",
            Problem,
            "No batch has ended for 1 h.",
        ),
        (
            |_, l| {
                let rows = l.batches.as_mut().unwrap();
                rows[0].result.processed_at = at(500);
                rows.push(lost_batch());
            },
            "batches",
            Problem,
            "No batch has ended for 1 h.",
        ),
        (
            |_, l| l.batches = Ok(vec![lost_batch()]),
            "batches",
            Problem,
            "No batch has ended: the last one started 1 h ago.",
        ),
        (
            |_, l| {
                l.waiting
                    .as_mut()
                    .unwrap()
                    .push(("fraud_suspected".into(), 1))
            },
            "policy",
            Warning,
            "The policy names no such status, and leaves these failures alone: fraud_suspected (1 order).",
        ),
        (
            |_, l| l.unsaved = Ok(Some(2)),
            "start requests",
            Problem,
            "2 orders cannot be started again once Temporal has deleted the history: the start request is not kept, and \
             retention is about to end.",
        ),
        (
            |_, l| l.waiting = Err(locked()),
            "policy",
            Warning,
            "It could not be read this time: the ledger failed while trying to count: attempted to communicate with a crashed \
             background worker.",
        ),
        (
            |c, _| c.unseen_types = Err(GatewayError::Throttle("slow down".into())),
            "watched types",
            Warning,
            "It cannot be looked at: the server limits the rate: slow down.",
        ),
        (
            |c, _| c.cluster = Err(GatewayError::System("permission denied".into())),
            "server",
            Problem,
            "It cannot be looked at: Temporal refuses: permission denied.",
        ),
    ];
    for (change, check, level, what) in cases {
        assert_eq!(wrong(change), (check, level, what.to_owned()));
    }
}

#[test]
fn a_schedule_that_is_nobodys_to_keep_and_one_whose_batch_runs_long_are_no_problem() {
    let (mut checkup, contents) = healthy();
    checkup.schedule = Ok(None);
    let mut config = Config::default();
    config.schedule.manage = false;
    let found = judge(&facts(checkup, contents), &config, now());
    let missing = found.iter().find(|finding| finding.check == "schedule");
    assert_eq!(missing.unwrap().level, Level::Warning);

    let (mut checkup, mut contents) = healthy();
    let schedule = checkup.schedule.as_mut().unwrap().as_mut().unwrap();
    schedule.last_ticks[0].at = at(500);
    schedule.running = vec!["reprocessing-batch-1".into()];
    let rows = contents.batches.as_mut().unwrap();
    rows[0].result.processed_at = at(500);
    rows.push(batch(BatchStatus::Running, 590));
    rows[1].started_at = at(590);
    for finding in told(&facts(checkup, contents)) {
        assert_eq!(finding.level, Level::Ok, "{finding:?}");
    }
}

#[test]
fn without_a_server_the_ledger_is_looked_at_all_the_same() {
    let (_, contents) = healthy();
    let mut facts = facts(healthy().0, contents);
    facts.temporal = Err(Problem::user("no server answers.", "start it."));
    let found = told(&facts);
    assert_eq!(found.len(), 14, "every check is told of");
    assert_eq!(
        (found[0].level, found[0].what.as_str()),
        (Level::Problem, "No server answers.")
    );
    let halt = found
        .iter()
        .find(|finding| finding.check == "halt")
        .unwrap();
    assert_eq!(halt.level, Level::Ok);
    assert_eq!(
        found
            .iter()
            .filter(|finding| finding.level == Level::NotChecked)
            .count(),
        8
    );
}

#[test]
fn a_ledger_that_cannot_be_read_is_one_finding() {
    for (ledger, level, what) in [
        (
            LedgerFacts::Missing("redrive.db".to_owned()),
            Level::Problem,
            "There is no ledger redrive.db.",
        ),
        (
            LedgerFacts::Behind(2),
            Level::Warning,
            "Its schema lacks 2 migrations.",
        ),
        (
            LedgerFacts::Broken(LedgerError::Newer { found: 9, known: 1 }),
            Level::Problem,
            "It cannot be used: ",
        ),
        (
            LedgerFacts::Broken(LedgerError::UnknownKind { url: "x:y".into() }),
            Level::Problem,
            "It cannot be read: ",
        ),
        (
            LedgerFacts::Broken(locked()),
            Level::Warning,
            "It could not be read this time: ",
        ),
    ] {
        let mut facts = facts(healthy().0, healthy().1);
        facts.ledger = ledger;
        let found = told(&facts);
        let finding = found
            .iter()
            .find(|finding| finding.check == "ledger")
            .unwrap();
        assert_eq!(finding.level, level);
        assert!(finding.what.starts_with(what), "{finding:?}");
        assert_eq!(found.len(), 14);
    }
}
