//! What holds after every step of the model, and what holds when everybody has come to rest.

use std::collections::BTreeSet;

use redrive_core::decide::RunStatus;
use redrive_core::states::State;
use redrive_ledger::{AttemptOutcome, OrderRow, Overview, Story};

use super::server::{ORDER, Run, run_id};
use super::{Model, Step};
use crate::conformance::world::at;

/// What holds after every step.
pub async fn rules(model: &Model, steps: &[Step]) {
    let story = model.world.story(ORDER).await;
    let told = || {
        format!(
            "after {steps:#?}\nthe story is {story:#?}\nand the server has {:#?}",
            model.server.runs
        )
    };
    for (rule, holds) in [
        (
            "an order has an open attempt while it is claimed or in flight only",
            open_attempts(&story),
        ),
        (
            "the retry count is the attempts of the generation that were started",
            retry_count(&story),
        ),
        (
            "every run of an attempt is a run of ours from its failed run",
            runs_are_ours(model, &story),
        ),
        ("one run answers one attempt", runs_are_distinct(&story)),
        (
            "an order is in the queue exactly while it has an open entry",
            dead_letters(&story),
        ),
        (
            "two first runs never come from one failed run",
            started_once(model),
        ),
        (
            "a later run is started by us only after a failure, or a stop that an operator retries",
            after_failures(model),
        ),
    ] {
        assert!(holds, "{rule}\n{}", told());
    }
    counters(model, &told).await;
}

/// The counters that looking reads say what the rows say.
async fn counters(model: &Model, told: &impl Fn() -> String) {
    let stories = model.world.ledger.stories_after(None, 100).await.unwrap();
    let ever = at(-1_000_000);
    let counted = model.world.reader.overview(ever).await.unwrap();
    let orders = |holds: fn(&OrderRow) -> bool| {
        let orders = stories.iter().map(|story| &story.order);
        orders.filter(|order| holds(order)).count() as u64
    };
    let attempts = |outcome| {
        let attempts = stories.iter().flat_map(|story| &story.attempts);
        let ended = attempts.filter(|attempt| attempt.outcome == Some(outcome));
        ended.count() as u64
    };
    let said = Overview {
        backlog: orders(|order| order.state == State::Failed && (order.eligible || order.manual)),
        left_alone: orders(|order| {
            order.state == State::Failed && !order.eligible && !order.manual
        }),
        in_flight: orders(|order| order.state == State::InFlight),
        claimed: orders(|order| order.state == State::Claimed),
        held: orders(|order| order.state == State::Held),
        dead_lettered: orders(|order| order.state == State::DeadLettered),
        recovered: attempts(AttemptOutcome::Recovered),
        failed_again: attempts(AttemptOutcome::FailedAgain),
        oldest_dead_letter_at: counted.oldest_dead_letter_at,
        older_failures: counted.older_failures,
    };
    assert_eq!(counted, said, "{}", told());
}

/// What holds at rest.
pub async fn audit(model: &Model, steps: &[Step]) {
    let story = model.world.story(ORDER).await;
    let told = || {
        format!(
            "after {steps:#?}\nthe story is {story:#?}\nand the server has {:#?}",
            model.server.runs
        )
    };
    let started = story
        .attempts
        .iter()
        .filter(|attempt| attempt.run.is_some())
        .count();
    let ours = first_runs(model)
        .filter(|(_, run)| run.from.is_some())
        .count();
    assert_eq!(
        started,
        ours,
        "a run of ours that no attempt names: {}",
        told()
    );
    let counted = story
        .verdicts
        .iter()
        .filter(|(_, verdict, ..)| verdict == "restarted")
        .count();
    assert_eq!(
        counted,
        started,
        "a restart that is not counted once: {}",
        told()
    );
    let order = &story.order;
    let latest = run_id(model.server.runs.len() - 1);
    match model.server.last().status {
        RunStatus::Completed => assert!(!order.state.is_open(), "open for ever: {}", told()),
        // What an operator wanted retried and then parked waits for an operator.
        RunStatus::Terminated => {
            let parked = order.state == State::DeadLettered
                && order.failed_run == latest
                && story.audit.iter().any(|event| event.action == "park");
            assert!(
                !order.state.is_open() || parked,
                "open for ever: {}",
                told()
            );
        }
        // What an operator gave up may fail; everything else is open.
        RunStatus::Failed => {
            let given_up = matches!(order.resolution.as_deref(), Some("cancelled" | "escalated"));
            assert!(order.state.is_open() || given_up, "lost: {}", told());
        }
        status => panic!("{status} is no end: {}", told()),
    }
    let ends = [
        AttemptOutcome::FailedAgain,
        AttemptOutcome::Recovered,
        AttemptOutcome::Stopped,
        AttemptOutcome::Unknown,
    ];
    let ended =
        |outcome: Option<AttemptOutcome>| outcome.is_some_and(|outcome| ends.contains(&outcome));
    let all_ended = story
        .attempts
        .iter()
        .filter(|a| a.run.is_some())
        .all(|a| ended(a.outcome));
    assert!(all_ended, "an attempt without an end: {}", told());
    rows(model).await;
}

/// Finished rows say what the verdicts say, and add up.
async fn rows(model: &Model) {
    let stories = model.world.ledger.stories_after(None, 100).await.unwrap();
    for row in model.world.ledger.batches(10_000).await.unwrap() {
        let result = &row.result;
        let said = |kind: &str| {
            let verdicts = stories.iter().flat_map(|story| &story.verdicts);
            verdicts
                .filter(|(batch, verdict, ..)| batch.as_str() == result.batch_id && verdict == kind)
                .count() as u64
        };
        let counts = [
            result.restarted_count,
            result.dlq_count,
            result.error_count,
            result.skipped_count,
        ];
        assert_eq!(
            counts,
            ["restarted", "dlq", "error", "skipped"].map(said),
            "{row:#?}"
        );
        assert_eq!(result.found_count, counts.iter().sum::<u64>());
    }
}

fn open_attempts(story: &Story) -> bool {
    let open: Vec<_> = story
        .attempts
        .iter()
        .filter(|attempt| attempt.outcome.is_none())
        .collect();
    match (story.order.state, open.as_slice()) {
        (_, []) => true,
        (State::Claimed, [intent]) => {
            intent.run.is_none() && intent.from_run == story.order.failed_run
        }
        (State::InFlight, [attempt]) => attempt.run == story.order.followed_run,
        _ => false,
    }
}

fn retry_count(story: &Story) -> bool {
    let current = story
        .attempts
        .iter()
        .filter(|attempt| attempt.generation == story.order.generation);
    current.filter(|attempt| attempt.run.is_some()).count() == story.order.retry_count as usize
}

fn runs_are_ours(model: &Model, story: &Story) -> bool {
    story
        .attempts
        .iter()
        .filter(|attempt| attempt.run.is_some())
        .all(|attempt| {
            first_runs(model).any(|(n, run)| {
                Some(run_id(n)) == attempt.run && run.from.as_ref() == Some(&attempt.from_run)
            })
        })
}

fn runs_are_distinct(story: &Story) -> bool {
    let runs: Vec<_> = story
        .attempts
        .iter()
        .filter_map(|attempt| attempt.run.as_ref())
        .collect();
    runs.iter().collect::<BTreeSet<_>>().len() == runs.len()
}

fn dead_letters(story: &Story) -> bool {
    let open = story
        .dead_letters
        .iter()
        .filter(|entry| entry.resolved_at.is_none())
        .count();
    open == usize::from(story.order.state == State::DeadLettered)
}

fn started_once(model: &Model) -> bool {
    let from: Vec<_> = first_runs(model)
        .filter_map(|(_, run)| run.from.as_ref())
        .collect();
    from.iter().collect::<BTreeSet<_>>().len() == from.len()
}

fn after_failures(model: &Model) -> bool {
    first_runs(model)
        .filter(|(_, run)| run.from.is_some())
        .all(|(n, run)| {
            let before = &model.server.runs[n - 1];
            run.from == Some(run_id(n - 1))
                && matches!(before.status, RunStatus::Failed | RunStatus::Terminated)
        })
}

fn first_runs(model: &Model) -> impl Iterator<Item = (usize, &Run)> {
    model
        .server
        .runs
        .iter()
        .enumerate()
        .filter(|(n, run)| run.first == *n)
}
