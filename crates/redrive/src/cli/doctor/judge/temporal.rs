//! What Temporal says.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_core::policy::duration;
use redrive_engine::gateway::GatewayError;
use redrive_engine::{Answer, Checkup, Pollers, ScheduleStatus};

use super::super::facts::Facts;
use super::super::finding::Finding;
use super::NO_SERVER;
use crate::cli::when;
use crate::config::Config;

/// A clock that is off by more disturbs backoff and deadlines.
const SKEW: SignedDuration = SignedDuration::from_secs(5);
/// Below this a history may be gone before an order's last retry.
const SHORT_RETENTION: Duration = Duration::from_secs(24 * 3600);
/// The schedule is late when a tick is overdue by so many intervals.
const LATE: u32 = 2;
/// A tick may be a little late: the server is busy, or clocks differ.
const OVERDUE: SignedDuration = SignedDuration::from_mins(1);

/// The checks that need the server.
const CHECKS: [&str; 7] = [
    "namespace",
    "clock",
    "workers",
    "task queue",
    "watched types",
    "schedule",
    "schedule ticks",
];

/// Whether it answers.
pub fn server(facts: &Facts) -> Finding {
    const CHECK: &str = "server";
    match (&facts.address, &facts.temporal) {
        (Err(problem), _) | (_, Err(problem)) => Finding::problem(
            CHECK,
            sentence(&problem.what),
            sentence(problem.hint.as_deref().unwrap_or_default()),
        ),
        (Ok((address, namespace)), Ok(checkup)) => match &checkup.cluster {
            Ok((_, version)) => Finding::ok(
                CHECK,
                format!("Temporal {version} answers at {address}, namespace {namespace}."),
            ),
            Err(error) => unanswered(CHECK, error),
        },
    }
}

/// The others.
pub fn rest(facts: &Facts, config: &Config, now: Timestamp) -> Vec<Finding> {
    let Ok(checkup) = &facts.temporal else {
        return CHECKS
            .map(|check| Finding::not_checked(check, NO_SERVER))
            .to_vec();
    };
    let queue = &config.worker.task_queue;
    // The schedule ticks by the server's clock.
    let server_now = now
        + *checkup
            .server_ahead
            .as_ref()
            .unwrap_or(&SignedDuration::ZERO);
    vec![
        answered(CHECKS[0], &checkup.retention, |retention| {
            namespace(*retention)
        }),
        clock(&checkup.server_ahead),
        answered(CHECKS[2], &checkup.pollers, |pollers| {
            workers(pollers, queue)
        }),
        answered(CHECKS[3], &checkup.foreign_types, |types| {
            task_queue(types, queue)
        }),
        answered(CHECKS[4], &checkup.unseen_types, |types| watched(types)),
        answered(CHECKS[5], &checkup.schedule, |schedule| {
            self::schedule(schedule.as_ref(), config)
        }),
        ticks(checkup, config, server_now),
    ]
}

fn namespace(retention: Option<Duration>) -> Finding {
    match retention {
        Some(short) if short < SHORT_RETENTION => Finding::warning(
            CHECKS[0],
            format!("Closed runs are deleted after {}.", duration::format(short)),
            "Set a retention of a day or more, or see to it that every failure is scanned before: `temporal operator \
             namespace update --retention 72h`.",
        ),
        Some(retention) => Finding::ok(
            CHECKS[0],
            format!("Closed runs are kept for {}.", duration::format(retention)),
        ),
        None => Finding::ok(
            CHECKS[0],
            "It is there; it does not tell how long closed runs are kept.",
        ),
    }
}

fn clock(server_ahead: &Answer<SignedDuration>) -> Finding {
    const CHECK: &str = CHECKS[1];
    let ahead = match server_ahead {
        Ok(ahead) => *ahead,
        Err(error) => {
            return Finding::not_checked(
                CHECK,
                format!("Not checked: the server does not tell its time: {error}."),
            );
        }
    };
    if ahead.abs() <= SKEW {
        return Finding::ok(CHECK, "This machine's clock agrees with the server's.");
    }
    let side = match ahead.is_positive() {
        true => "behind",
        false => "ahead of",
    };
    Finding::warning(
        CHECK,
        format!(
            "This machine's clock is {} {side} the server's.",
            when::length(ahead.abs())
        ),
        "Let the machine keep its time by NTP: backoff and deadlines count by it.",
    )
}

fn workers(pollers: &Pollers, queue: &str) -> Finding {
    if pollers.workflow == 0 || pollers.activity == 0 {
        return Finding::problem(
            CHECKS[2],
            format!("No worker polls the task queue {queue:?}: batches start and wait."),
            "Start one with `redrive worker`.",
        );
    }
    Finding::ok(
        CHECKS[2],
        format!(
            "Workers poll the task queue {queue:?}: {}.",
            pollers.workflow
        ),
    )
}

fn task_queue(types: &[String], queue: &str) -> Finding {
    if types.is_empty() {
        return Finding::ok(
            CHECKS[3],
            format!("Only Redrive's workflows run on {queue:?}."),
        );
    }
    Finding::problem(
        CHECKS[3],
        format!(
            "Workflows of other types run on the task queue {queue:?}: {}.",
            types.join(", ")
        ),
        "All workers of a queue must know all its types: give Redrive a queue of its own (worker.task_queue).",
    )
}

fn watched(unseen: &[String]) -> Finding {
    if unseen.is_empty() {
        return Finding::ok(
            CHECKS[4],
            "The namespace has runs of every watched workflow type.",
        );
    }
    Finding::warning(
        CHECKS[4],
        format!(
            "No run of a watched workflow type was ever seen: {}.",
            unseen.join(", ")
        ),
        "Check policy.watch: a type is matched by its exact name.",
    )
}

fn schedule(schedule: Option<&ScheduleStatus>, config: &Config) -> Finding {
    let id = &config.schedule.id;
    let Some(schedule) = schedule else {
        let what = format!("There is no schedule {id:?}: no batch starts by itself.");
        return match config.schedule.manage {
            true => Finding::problem(CHECKS[5], what, "`redrive schedule apply` creates it."),
            false => Finding::warning(
                CHECKS[5],
                what,
                "`redrive schedule apply` creates it; schedule.manage is false, so workers leave it to you.",
            ),
        };
    };
    if schedule.paused {
        let note = match schedule.note.as_str() {
            "" => String::new(),
            note => format!(" ({note})"),
        };
        let differs = match schedule.differences.as_slice() {
            [] => String::new(),
            some => format!(
                " It differs from the configuration, too: {}.",
                some.join("; ")
            ),
        };
        return Finding::problem(
            CHECKS[5],
            format!("The schedule is paused{note}: no batch starts by itself.{differs}"),
            "`redrive schedule resume` lets it tick again.",
        );
    }
    if !schedule.differences.is_empty() {
        return Finding::warning(
            CHECKS[5],
            format!(
                "The schedule differs from the configuration: {}.",
                schedule.differences.join("; ")
            ),
            "`redrive schedule apply` makes it what the configuration says.",
        );
    }
    Finding::ok(CHECKS[5], format!("{id} ticks as the configuration says."))
}

fn ticks(checkup: &Checkup, config: &Config, now: Timestamp) -> Finding {
    const CHECK: &str = CHECKS[6];
    let schedule = match &checkup.schedule {
        Err(error) => return unanswered(CHECK, error),
        Ok(None) => return Finding::not_checked(CHECK, "Not checked: there is no schedule."),
        Ok(Some(schedule)) if schedule.paused => {
            return Finding::not_checked(CHECK, "Not checked: the schedule is paused.");
        }
        Ok(Some(schedule)) => schedule,
    };
    overdue(schedule, config, now)
        .or_else(|| missed(schedule))
        .unwrap_or_else(|| Finding::ok(CHECK, "The schedule ticks in time."))
}

/// Whether it ticks too late. A batch of it that runs keeps it from ticking; a pause that has just ended looks like it.
fn overdue(schedule: &ScheduleStatus, config: &Config, now: Timestamp) -> Option<Finding> {
    const CHECK: &str = CHECKS[6];
    if let Some(next) = schedule.next_ticks.first()
        && now.duration_since(*next) > OVERDUE
    {
        return Some(Finding::problem(
            CHECK,
            format!("A tick is overdue for {}.", when::age(*next, now)),
            "Look at the server's own health: it does not do its schedules; `redrive run` runs a batch meanwhile.",
        ));
    }
    let interval = schedule.interval.unwrap_or(config.schedule.interval);
    let late = SignedDuration::try_from(interval * LATE).unwrap_or(SignedDuration::MAX);
    let last = schedule.last_ticks.first().map(|tick| tick.at);
    let last = last.or(schedule.created_at)?;
    (schedule.running.is_empty() && now.duration_since(last) > late).then(|| {
        Finding::problem(
            CHECK,
            format!("The schedule's last tick was {} ago.", when::age(last, now)),
            "Where it was not resumed just now, look at the server's own health: its schedules are late (`redrive schedule \
             show`).",
        )
    })
}

/// Whether ticks were lost. The server counts them for ever, so this comes after what is wrong now.
fn missed(schedule: &ScheduleStatus) -> Option<Finding> {
    (schedule.missed > 0).then(|| {
        Finding::warning(
            CHECKS[6],
            format!(
                "The schedule has lost ticks for good since it was made: {}.",
                schedule.missed
            ),
            "The server was down, or busy, for longer than an interval; the next batch took up what they left.",
        )
    })
}

fn answered<T>(
    check: &'static str,
    answer: &Answer<T>,
    judge: impl FnOnce(&T) -> Finding,
) -> Finding {
    match answer {
        Ok(answer) => judge(answer),
        Err(error) => unanswered(check, error),
    }
}

/// The server refuses to say.
fn unanswered(check: &'static str, error: &GatewayError) -> Finding {
    let told = error.to_string();
    let what = format!("It cannot be looked at: {}.", told.trim_end_matches('.'));
    match error {
        GatewayError::System(_) => Finding::problem(
            check,
            what,
            "Check TEMPORAL_NAMESPACE (is there such a one?), and what the API key or certificate may do.",
        ),
        _ => Finding::warning(
            check,
            what,
            "Ask again; if it stays, look at the server's own health.",
        ),
    }
}

/// With a capital letter: errors are written without.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
