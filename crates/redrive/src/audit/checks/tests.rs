//! Each test breaks one thing in a world where everything is right, and sees it found, and nothing else of its kind.

use redrive_core::decide::RunStatus;
use redrive_core::report::BatchStatus;
use redrive_core::states::State;
use redrive_ledger::AttemptOutcome;

use super::check;
use super::world::world;
use crate::audit::finding::Kind;
use crate::audit::records::{Books, Records};
use crate::audit::samples::{attempt, done, memo, run, verdict};

const BACK: usize = 0;
const DEAD: usize = 1;

/// The sentences of a kind that the audit finds in a world with one thing broken.
fn found(kind: Kind, breaking: impl FnOnce(&mut Records, &mut Books)) -> Vec<String> {
    let (mut records, mut books) = world();
    breaking(&mut records, &mut books);
    let audit = check(&records, &books);
    let of_kind = audit
        .findings
        .into_iter()
        .filter(|found| found.kind == kind);
    of_kind.map(|found| found.sentence).collect()
}

fn finds(kind: Kind, says: &str, breaking: impl FnOnce(&mut Records, &mut Books)) {
    let found = found(kind, breaking);
    assert_eq!(found.len(), 1, "wanted {says:?}, found {found:#?}");
    assert!(
        found[0].contains(says),
        "wanted {says:?}, found {:?}",
        found[0]
    );
}

fn row<'a>(books: &'a mut Books, batch: &str) -> &'a mut redrive_core::report::ReprocessingResult {
    let rows = &mut books.batches;
    &mut rows
        .iter_mut()
        .find(|row| row.result.batch_id == batch)
        .unwrap()
        .result
}

#[test]
fn a_world_in_order_has_no_findings() {
    let (records, books) = world();
    let audit = check(&records, &books);
    assert_eq!(audit.findings, []);
    let compared = audit.compared;
    assert_eq!(
        (compared.orders, compared.runs, compared.restarts),
        (3, 7, 3)
    );
    assert_eq!(
        (compared.attempts, compared.batches, compared.stages),
        (3, 3, 5)
    );
}

// ---- lost

#[test]
fn a_failed_order_that_the_ledger_does_not_know_is_lost() {
    finds(
        Kind::Lost,
        "dead: its latest run dead-2 is failed, but the ledger does not know",
        |_, books| {
            books.stories.remove(DEAD);
        },
    );
}

#[test]
fn a_failed_order_that_the_ledger_has_closed_is_lost() {
    for state in [State::Recovered, State::Resolved, State::Stopped] {
        finds(
            Kind::Lost,
            &format!("but the ledger has it as {state}"),
            |_, books| {
                books.stories[DEAD].order.state = state;
            },
        );
    }
}

#[test]
fn a_failed_order_in_any_open_state_is_not_lost() {
    for state in State::ALL.iter().filter(|state| state.is_open()) {
        assert_eq!(
            found(Kind::Lost, |_, books| books.stories[DEAD].order.state =
                *state),
            [""; 0]
        );
    }
}

#[test]
fn an_order_that_a_person_gave_up_is_not_lost() {
    for resolution in ["cancelled", "escalated"] {
        let found = found(Kind::Lost, |_, books| {
            books.stories[DEAD].order.state = State::Resolved;
            books.stories[DEAD].order.resolution = Some(resolution.into());
        });
        assert_eq!(found, [""; 0]);
    }
}

#[test]
fn only_the_latest_run_decides_whether_an_order_is_lost() {
    finds(
        Kind::Lost,
        "smooth: its latest run smooth-2 is timed_out",
        |records, _| {
            records.runs.push(run(
                "smooth",
                "smooth-2",
                "smooth-2",
                RunStatus::TimedOut,
                30,
                None,
            ));
            records.latest.insert("smooth".into(), "smooth-2".into());
        },
    );
}

// ---- duplicated

#[test]
fn a_failure_restarted_twice_is_duplicated() {
    finds(
        Kind::Duplicated,
        "the failed run back-1 was restarted 2 times: back-2, back-2b",
        |records, _| {
            records.runs.push(run(
                "back",
                "back-2b",
                "back-2b",
                RunStatus::Failed,
                13,
                memo("b3", 1, "back-1"),
            ));
        },
    );
}

#[test]
fn a_restart_that_an_operator_asked_for_is_not() {
    let found = found(Kind::Duplicated, |records, books| {
        records.runs.push(run(
            "back",
            "back-2b",
            "back-2b",
            RunStatus::Failed,
            13,
            memo("b3", 1, "back-1"),
        ));
        records.performed.push(done("back", "back-2b"));
        let mut asked_for = attempt(1, "b3", "back-1", "back-2b", AttemptOutcome::FailedAgain);
        asked_for.manual = true;
        books.stories[BACK].attempts.push(asked_for);
    });
    assert_eq!(found, [""; 0]);
}

#[test]
fn an_order_restarted_twice_by_one_batch_is_duplicated() {
    finds(
        Kind::Duplicated,
        "batch b1 spent 2 attempts of it: back-2, back-3",
        |records, _| {
            let third = records
                .runs
                .iter_mut()
                .find(|run| run.run_id.as_str() == "back-3")
                .unwrap();
            third.memo = memo("b1", 2, "back-2r");
        },
    );
}

#[test]
fn a_stage_done_by_two_restarts_of_one_failure_is_duplicated() {
    let found = found(Kind::Duplicated, |records, _| {
        records.runs.push(run(
            "back",
            "back-2b",
            "back-2b",
            RunStatus::Failed,
            13,
            memo("b3", 1, "back-1"),
        ));
        records.performed.push(done("back", "back-2b"));
    });
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains(
        "planning was done by each of the restarts back-2, back-2b of one failed run, back-1"
    ));
}

#[test]
fn a_stage_done_twice_in_one_run_is_duplicated() {
    finds(
        Kind::Duplicated,
        "planning was done 2 times in run smooth-1",
        |records, _| {
            records.performed.push(done("smooth", "smooth-1"));
        },
    );
}

// ---- unaccounted: attempts

#[test]
fn a_restart_that_no_attempt_names_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "batch b2 started run back-3, but no attempt in the ledger names it",
        |_, books| {
            let attempt = &mut books.stories[BACK].attempts[1];
            (attempt.run, attempt.started_at) = (None, None);
        },
    );
}

#[test]
fn an_attempt_whose_run_is_no_restart_of_ours_is_unaccounted() {
    let found = found(Kind::Unaccounted, |_, books| {
        books.stories[BACK].attempts[0].run = Some("back-1".into());
    });
    let says = "attempt 1 of generation 1 names run back-1, but it has no memo of ours";
    assert!(
        found.iter().any(|sentence| sentence.contains(says)),
        "{found:#?}"
    );
}

#[test]
fn an_attempt_whose_run_temporal_does_not_know_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "names run gone, but Temporal does not know it",
        |_, books| {
            let gone = attempt(3, "b3", "back-3", "gone", AttemptOutcome::Unknown);
            books.stories[BACK].attempts.push(gone);
        },
    );
}

#[test]
fn an_attempt_from_another_failure_than_its_runs_memo_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "its memo says that it restarts back-2r, not back-2",
        |_, books| {
            books.stories[BACK].attempts[1].from_run = "back-2".into();
        },
    );
}

#[test]
fn an_attempt_that_ended_otherwise_is_unaccounted() {
    let found = found(Kind::Unaccounted, |_, books| {
        books.stories[BACK].attempts[0].outcome = Some(AttemptOutcome::Recovered);
    });
    let says = "attempt 1 of generation 1 ended as Recovered by the ledger, but its runs are failed, failed";
    assert!(
        found.iter().any(|sentence| sentence.contains(says)),
        "{found:#?}"
    );
}

#[test]
fn a_dead_letter_that_did_not_have_its_tries_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "its dead letter of generation 1 says 5 restarts, but Temporal has 1",
        |_, books| {
            books.stories[DEAD].dead_letters[0].retry_count = 5;
        },
    );
}

#[test]
fn a_stage_of_a_run_that_temporal_does_not_know_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "the warehouse did stages for run ghost",
        |records, _| {
            records.performed.push(done("smooth", "ghost"));
        },
    );
}

// ---- unaccounted: batches

#[test]
fn a_row_that_does_not_add_up_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "the row of batch b1 says found 7, but its verdicts add up to 2",
        |_, books| {
            row(books, "b1").found_count = 7;
        },
    );
}

#[test]
fn a_row_with_other_counts_than_verdicts_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "the row of batch b1 says restarted 3, but 2 orders have that verdict",
        |_, books| {
            (
                row(books, "b1").found_count,
                row(books, "b1").restarted_count,
            ) = (3, 3);
        },
    );
    finds(
        Kind::Unaccounted,
        "the row of batch b1 says error 1, but 0 orders have that verdict",
        |_, books| {
            (row(books, "b1").found_count, row(books, "b1").error_count) = (3, 1);
        },
    );
}

#[test]
fn a_failed_scan_is_an_error_that_no_order_has() {
    let found = found(Kind::Unaccounted, |_, books| {
        (row(books, "b1").found_count, row(books, "b1").error_count) = (3, 1);
        books.batches[0].status = BatchStatus::Partial;
    });
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_dead_letter_that_no_row_counts_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "the row of batch b3 says dlq 0, but it made 1 dead letters",
        |_, books| {
            let mut second = books.stories[DEAD].dead_letters[0].clone();
            (second.generation, second.retry_count) = (2, 0);
            second.batch = Some("b3".into());
            books.stories[DEAD].dead_letters.push(second);
        },
    );
}

#[test]
fn a_restart_that_its_completed_batch_does_not_count_is_unaccounted() {
    let found = found(Kind::Unaccounted, |_, books| {
        books.stories[BACK].verdicts[1] = verdict("b3", "restarted", 25);
        (
            row(books, "b2").found_count,
            row(books, "b2").restarted_count,
        ) = (1, 0);
        (
            row(books, "b3").found_count,
            row(books, "b3").restarted_count,
        ) = (1, 1);
    });
    assert_eq!(
        found,
        ["back: batch b2 started run back-3, but its row has no verdict on it"]
    );
}

#[test]
fn a_restart_of_a_batch_that_died_is_counted_late() {
    let found = found(Kind::Unaccounted, |_, books| {
        books.batches[1].status = BatchStatus::Abandoned;
        books.stories[BACK].verdicts[1] = verdict("b3", "restarted", 25);
        (
            row(books, "b2").found_count,
            row(books, "b2").restarted_count,
        ) = (1, 0);
        (
            row(books, "b3").found_count,
            row(books, "b3").restarted_count,
        ) = (1, 1);
    });
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_restart_whose_answer_was_lost_is_counted_late() {
    let found = found(Kind::Unaccounted, |_, books| {
        books.stories[BACK].verdicts[1] = verdict("b2", "skipped", 21);
        books.stories[BACK]
            .verdicts
            .push(verdict("b3", "restarted", 25));
        (
            row(books, "b2").skipped_count,
            row(books, "b2").restarted_count,
        ) = (1, 0);
        (
            row(books, "b3").found_count,
            row(books, "b3").restarted_count,
        ) = (1, 1);
    });
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_restart_counted_twice_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "back: 3 batches count a restart of it, but Temporal has 2 restarts",
        |_, books| {
            books.stories[BACK]
                .verdicts
                .push(verdict("b3", "restarted", 25));
            (
                row(books, "b3").found_count,
                row(books, "b3").restarted_count,
            ) = (1, 1);
        },
    );
}

#[test]
fn a_batch_without_a_row_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "batch b9 gave verdicts, but it has no row",
        |_, books| {
            books.stories[DEAD]
                .verdicts
                .push(verdict("b9", "skipped", 25));
        },
    );
}

#[test]
fn a_recovery_that_no_row_counts_is_unaccounted() {
    finds(
        Kind::Unaccounted,
        "all batches together count 0 recovered, but 1 attempts have",
        |_, books| {
            row(books, "b3").recovered_count = 0;
        },
    );
}

#[test]
fn the_row_of_a_running_batch_is_not_judged() {
    let found = found(Kind::Unaccounted, |_, books| {
        row(books, "b1").found_count = 7;
        books.batches[0].status = BatchStatus::Running;
    });
    assert_eq!(found, [""; 0]);
}
