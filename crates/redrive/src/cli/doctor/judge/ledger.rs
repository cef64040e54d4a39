//! What the ledger says.

use jiff::{SignedDuration, Timestamp};
use redrive_core::ids::Home;
use redrive_core::report::BatchStatus;
use redrive_engine::ops::may_run;
use redrive_ledger::{BatchRow, Halt, LedgerError};

use super::super::facts::{Facts, LedgerContents, LedgerFacts, Read};
use super::super::finding::Finding;
use super::NO_SERVER;
use crate::cli::when;
use crate::cli::words::orders;
use crate::config::Config;

/// The checks that need the ledger open.
pub const CHECKS: [&str; 5] = [
    "ledger's home",
    "halt",
    "batches",
    "policy",
    "start requests",
];

/// No batch has ended for so many intervals.
const LATE: u32 = 2;

/// Whether it can be read.
pub fn opened(facts: &LedgerFacts) -> Finding {
    const CHECK: &str = "ledger";
    match facts {
        LedgerFacts::Missing(name) => Finding::problem(
            CHECK,
            format!("There is no ledger {name}."),
            "Name it with --ledger or REDRIVE_LEDGER_URL; `redrive worker`, `redrive up` and `redrive migrate` make a new one.",
        ),
        LedgerFacts::Behind(1) => behind(CHECK, "1 migration"),
        LedgerFacts::Behind(count) => behind(CHECK, &format!("{count} migrations")),
        LedgerFacts::Broken(error @ LedgerError::Newer { .. }) => Finding::problem(
            CHECK,
            format!("It cannot be used: {error}"),
            "Use the newer redrive.",
        ),
        LedgerFacts::Broken(error @ LedgerError::Sql { .. }) => unread(CHECK, error),
        LedgerFacts::Broken(error) => Finding::problem(
            CHECK,
            format!("It cannot be read: {error}"),
            "Mend what keeps it from being read; a backup can be put in its place.",
        ),
        LedgerFacts::Open(_) => {
            Finding::ok(CHECK, "It can be opened, and its schema is this redrive's.")
        }
    }
}

fn behind(check: &'static str, migrations: &str) -> Finding {
    Finding::warning(
        check,
        format!("Its schema lacks {migrations}."),
        "Stop the workers and run `redrive migrate`; until then no command uses it.",
    )
}

/// The others.
pub fn rest(
    contents: &LedgerContents,
    facts: &Facts,
    config: &Config,
    now: Timestamp,
) -> Vec<Finding> {
    vec![
        was_read(CHECKS[0], &contents.home, |bound| {
            home(bound.as_ref(), facts)
        }),
        was_read(CHECKS[1], &contents.halted, |halted| {
            halt(halted.as_ref(), now)
        }),
        was_read(CHECKS[2], &contents.batches, |rows| {
            batches(rows, config, now)
        }),
        was_read(CHECKS[3], &contents.waiting, |waiting| {
            policy(waiting, config)
        }),
        was_read(CHECKS[4], &contents.unsaved, |unsaved| {
            start_requests(*unsaved, config)
        }),
    ]
}

/// One read that failed is no broken ledger: another process may hold it, or one table is damaged.
fn was_read<T>(check: &'static str, read: &Read<T>, judge: impl FnOnce(&T) -> Finding) -> Finding {
    match read {
        Ok(found) => judge(found),
        Err(error) => unread(check, error),
    }
}

fn unread(check: &'static str, error: &LedgerError) -> Finding {
    Finding::warning(
        check,
        format!("It could not be read this time: {error}."),
        "Ask again; if it stays, look at the ledger's disk, and at what else holds the file.",
    )
}

fn home(bound: Option<&Home>, facts: &Facts) -> Finding {
    const CHECK: &str = CHECKS[0];
    let cluster = facts
        .temporal
        .as_ref()
        .ok()
        .and_then(|checkup| checkup.cluster.as_ref().ok());
    match (bound, cluster) {
        (_, None) => Finding::not_checked(CHECK, NO_SERVER),
        (None, _) => Finding::ok(
            CHECK,
            "It belongs to nobody yet: the first worker binds it.",
        ),
        (Some(bound), Some((home, _))) if bound == home => Finding::ok(
            CHECK,
            format!(
                "It belongs to this cluster and namespace {}.",
                home.namespace
            ),
        ),
        (Some(bound), Some((home, _))) => Finding::problem(
            CHECK,
            format!(
                "It belongs to namespace {:?} of cluster {}, but Temporal is namespace {:?} of cluster {}.",
                bound.namespace, bound.cluster_id, home.namespace, home.cluster_id
            ),
            "Point ledger.url to this cluster's ledger, or TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE to the ledger's own.",
        ),
    }
}

fn halt(halted: Option<&Halt>, now: Timestamp) -> Finding {
    match halted {
        None => Finding::ok(CHECKS[1], "Starts happen."),
        Some(halt) => Finding::problem(
            CHECKS[1],
            format!(
                "Every start is halted for {}, by {}: {}.",
                when::age(halt.at, now),
                halt.by,
                if halt.reason.is_empty() {
                    "no reason is given"
                } else {
                    &halt.reason
                }
            ),
            "`redrive unhalt` lets starts happen again.",
        ),
    }
}

fn batches(rows: &[BatchRow], config: &Config, now: Timestamp) -> Finding {
    const CHECK: &str = CHECKS[2];
    let batches = || rows.iter().filter(|batch| !batch.one_order);
    let runs = batches().any(|batch| may_run(batch, now));
    let remedy = "Look at the workers and the schedule above; `redrive run` starts one now.";
    let ended = batches().filter(|batch| batch.status != BatchStatus::Running);
    let Some(last) = ended.max_by_key(|batch| batch.result.processed_at) else {
        return match batches().max_by_key(|batch| batch.started_at) {
            Some(lost) if !runs => {
                let ago = when::age(lost.started_at, now);
                let what = format!("No batch has ended: the last one started {ago} ago.");
                Finding::problem(CHECK, what, remedy)
            }
            _ => Finding::ok(CHECK, "No batch has ended yet."),
        };
    };
    let ago = when::age(last.result.processed_at, now);
    if last.status == BatchStatus::Failed {
        let error = last.error.as_deref().unwrap_or("it is not known why");
        return Finding::problem(
            CHECK,
            format!("The last batch failed {ago} ago: {error}"),
            "Mend what it names; the next batch goes on where it stopped.",
        );
    }
    let late =
        SignedDuration::try_from(config.schedule.interval * LATE).unwrap_or(SignedDuration::MAX);
    if !runs && now.duration_since(last.result.processed_at) > late {
        return Finding::problem(CHECK, format!("No batch has ended for {ago}."), remedy);
    }
    Finding::ok(CHECK, format!("The last batch ended {ago} ago."))
}

fn policy(waiting: &[(String, u64)], config: &Config) -> Finding {
    const CHECK: &str = CHECKS[3];
    let left: Vec<String> = waiting
        .iter()
        .filter(|(status, _)| !config.policy.statuses.contains_key(status))
        .map(|(status, count)| format!("{status} ({})", orders(*count)))
        .collect();
    if left.is_empty() {
        return Finding::ok(
            CHECK,
            "Every failure that waits has a status that the policy names.",
        );
    }
    Finding::warning(
        CHECK,
        format!(
            "The policy names no such status, and leaves these failures alone: {}.",
            left.join(", ")
        ),
        "Say what is to be done about them in policy.statuses, or give them another status by a rule; `redrive classify \
         --workflow-id ID` tells how one was judged.",
    )
}

fn start_requests(unsaved: Option<u64>, config: &Config) -> Finding {
    const CHECK: &str = CHECKS[4];
    match unsaved {
        None => Finding::not_checked(
            CHECK,
            "Not checked: the namespace's retention is not known.",
        ),
        Some(0) => Finding::ok(
            CHECK,
            "Every open order can be started again, whatever Temporal deletes.",
        ),
        Some(count) => Finding::problem(
            CHECK,
            format!(
                "{} cannot be started again once Temporal has deleted the history: the start request is not kept, and \
                 retention is about to end.",
                orders(count)
            ),
            if config.policy.keep_start_requests {
                "Retry or resolve them now: `redrive orders list --state open` shows them."
            } else {
                "Retry or resolve them now, and set policy.keep_start_requests = true."
            },
        ),
    }
}
