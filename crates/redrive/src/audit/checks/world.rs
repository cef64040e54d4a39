//! A small world for the tests in which everything is right: each test breaks one thing in it.
//!
//! Three orders: `smooth` completed at once; `back` failed, was restarted by batch `b1`, failed again (its run `back-2`
//! continued by its retry policy as `back-2r`), was restarted by `b2` and completed; `dead` failed, was restarted by `b1`,
//! failed again and was dead-lettered by `b2` under a budget of one.

use redrive_core::decide::RunStatus;
use redrive_core::states::State;
use redrive_ledger::AttemptOutcome;

use crate::audit::records::{Books, Records};
use crate::audit::samples::{at, attempt, batch, dead_letter, done, memo, run, story, verdict};

pub(super) fn world() -> (Records, Books) {
    (records(), books())
}

fn records() -> Records {
    let runs = vec![
        run(
            "smooth",
            "smooth-1",
            "smooth-1",
            RunStatus::Completed,
            1,
            None,
        ),
        run("back", "back-1", "back-1", RunStatus::Failed, 1, None),
        run(
            "back",
            "back-2",
            "back-2",
            RunStatus::Failed,
            11,
            memo("b1", 1, "back-1"),
        ),
        run(
            "back",
            "back-2r",
            "back-2",
            RunStatus::Failed,
            12,
            memo("b1", 1, "back-1"),
        ),
        run(
            "back",
            "back-3",
            "back-3",
            RunStatus::Completed,
            21,
            memo("b2", 2, "back-2r"),
        ),
        run("dead", "dead-1", "dead-1", RunStatus::TimedOut, 1, None),
        run(
            "dead",
            "dead-2",
            "dead-2",
            RunStatus::Failed,
            11,
            memo("b1", 1, "dead-1"),
        ),
    ];
    let latest = [
        ("smooth", "smooth-1"),
        ("back", "back-3"),
        ("dead", "dead-2"),
    ];
    let performed = [
        ("smooth", "smooth-1"),
        ("back", "back-1"),
        ("back", "back-2"),
        ("back", "back-2r"),
        ("back", "back-3"),
    ];
    Records {
        runs,
        latest: latest.map(|(order, run)| (order.into(), run.into())).into(),
        performed: performed.map(|(order, run)| done(order, run)).into(),
    }
}

fn books() -> Books {
    let mut back = story("back", State::Recovered, "back-2r");
    back.order.closed_at = Some(at(30));
    back.order.resolution = Some("recovered".into());
    back.attempts = vec![
        attempt(1, "b1", "back-1", "back-2", AttemptOutcome::FailedAgain),
        attempt(2, "b2", "back-2r", "back-3", AttemptOutcome::Recovered),
    ];
    back.verdicts = vec![
        verdict("b1", "restarted", 11),
        verdict("b2", "restarted", 21),
    ];
    let mut dead = story("dead", State::DeadLettered, "dead-2");
    dead.attempts = vec![attempt(
        1,
        "b1",
        "dead-1",
        "dead-2",
        AttemptOutcome::FailedAgain,
    )];
    dead.verdicts = vec![verdict("b1", "restarted", 11), verdict("b2", "dlq", 21)];
    dead.dead_letters = vec![dead_letter("dead", "b2")];
    Books {
        stories: vec![back, dead],
        batches: vec![
            batch("b1", [2, 2, 0], [0, 0]),
            batch("b2", [2, 1, 1], [0, 2]),
            batch("b3", [0, 0, 0], [1, 0]),
        ],
    }
}
