//! Every error that a user can meet is provoked by a test. A new variant does not compile before it says by which.

use std::path::Path;

use redrive_engine::NoFailedRun;
use redrive_engine::gateway::GatewayError;
use redrive_engine::ops::OpsError;
use redrive_ledger::LedgerError;

use Met::{By, Mistake};

/// Where a variant is met.
enum Met {
    /// By these tests, as `FILE::TEST`, the file below `crates`.
    By(&'static [&'static str]),
    /// By nobody: it tells a mistake of ours, which these tests of the layer below keep away.
    Mistake(&'static [&'static str]),
}

/// A list with an entry for each variant; the match makes it complete.
macro_rules! variants {
    ($list:ident: $error:ty { $($variant:pat => $met:expr),+ $(,)? }) => {
        const $list: &[Met] = &[$($met),+];
        const _: fn(&$error) = |error| match error {
            $($variant => {}),+
        };
    };
}

variants!(LEDGER: LedgerError {
    LedgerError::Open { .. } => By(&["redrive/tests/cli/errors.rs::a_ledger_that_cannot_be_written"]),
    LedgerError::UnknownKind { .. } => By(&["redrive/tests/cli/errors.rs::a_ledger_of_an_unknown_kind"]),
    LedgerError::BadUrl { .. } => By(&["redrive/tests/cli/postgres.rs::who_is_not_let_in_is_told_what_to_do"]),
    LedgerError::Server { .. } => By(&["redrive/tests/cli/postgres.rs::who_is_not_let_in_is_told_what_to_do"]),
    LedgerError::OldServer { .. } => By(&["ledger/src/sql/server.rs::a_server_that_is_too_old_is_refused"]),
    LedgerError::Behind { .. } => By(&["ledger/tests/postgres/opening.rs::an_older_ledger_is_left_to_redrive_migrate"]),
    LedgerError::Newer { .. } => By(&["redrive/tests/cli/errors.rs::a_ledger_newer_than_the_binary"]),
    LedgerError::Migrate(_) => By(&["redrive/tests/cli/damaged.rs::a_migration_that_is_another"]),
    LedgerError::OtherHome { .. } => By(&["redrive/tests/cli/errors.rs::a_ledger_of_another_cluster"]),
    LedgerError::InUse(_) => By(&[
        "redrive/tests/cli/serving.rs::a_second_up_on_the_same_ledger_is_refused_and_the_first_goes_on",
    ]),
    LedgerError::Sql { .. } => By(&["redrive/tests/cli/damaged.rs::a_statement_that_fails"]),
    LedgerError::Corrupt { .. } => By(&["redrive/tests/cli/damaged.rs::a_row_that_no_redrive_writes"]),
    LedgerError::Lock { .. } => By(&["redrive/tests/cli/errors.rs::a_ledger_that_cannot_be_written"]),
    LedgerError::StartRequest(_) => By(&["redrive/tests/cli/damaged.rs::a_start_request_that_cannot_be_read_back"]),
    LedgerError::NoSuchBatch(_) => Mistake(&["ledger/tests/conformance/batches.rs::NoSuchBatch"]),
    LedgerError::BatchEnded(_) => Mistake(&["ledger/tests/conformance/batches.rs::BatchEnded"]),
    LedgerError::NoSuchOperation(_) => Mistake(&["ledger/tests/conformance/operations.rs::NoSuchOperation"]),
    LedgerError::Refused { .. } => Mistake(&["ledger/tests/conformance/model/worker.rs::Refused"]),
    LedgerError::Impossible { .. } => Mistake(&["ledger/tests/conformance/commit.rs::Impossible"]),
});

variants!(GATEWAY: GatewayError {
    GatewayError::Item(_) => By(&[
        "redrive/tests/cli/classify.rs::what_did_not_fail_or_is_not_there_is_said",
        "engine/tests/it/errors.rs::an_item_error_spends_no_attempt_and_five_running_are_a_dead_letter",
    ]),
    GatewayError::Throttle(_) => By(&[
        "engine/tests/it/errors.rs::a_throttle_is_waited_out_inside_the_batch",
        "redrive/src/problem.rs::every_refusal_says_what_to_do_however_deep_it_lies",
    ]),
    GatewayError::System(_) => By(&[
        "redrive/tests/cli/errors.rs::a_namespace_that_is_not_there",
        "engine/tests/it/errors.rs::a_system_error_gives_back_what_is_untouched_and_fails_in_a_sentence",
        "redrive/src/problem.rs::every_refusal_says_what_to_do_however_deep_it_lies",
    ]),
    GatewayError::Unknown(_) => By(&[
        "engine/tests/it/errors.rs::a_lost_answer_is_asked_for_and_the_start_counts_once",
        "redrive/src/problem.rs::every_refusal_says_what_to_do_however_deep_it_lies",
    ]),
});

variants!(VERBS: OpsError {
    OpsError::Engine(_) => By(&["redrive/tests/cli/damaged.rs::a_statement_that_fails"]),
    OpsError::NoSuchOrder { .. } => By(&["redrive/tests/cli/errors.rs::an_order_that_is_not_there"]),
    OpsError::NoSuchFailure { .. } => By(&["redrive/tests/cli/errors.rs::a_failed_run_or_a_batch_that_is_not_there"]),
    OpsError::ManyGroups { .. } => By(&["redrive/tests/cli/orders.rs::a_group_that_is_many"]),
    OpsError::NoSuchBatch { .. } => By(&["redrive/tests/cli/errors.rs::a_failed_run_or_a_batch_that_is_not_there"]),
    OpsError::NoSchedule { .. } => By(&[
        "redrive/tests/cli/schedule.rs::a_schedule_is_applied_paused_resumed_triggered_and_deleted",
    ]),
    OpsError::NoBatchRuns => By(&["redrive/tests/cli/control.rs::a_batch_that_runs_is_paused_resumed_and_stopped"]),
    OpsError::SeveralBatchesRun { .. } => By(&["redrive/tests/cli/control.rs::what_runs_is_what_the_server_says"]),
    OpsError::BatchEnded { .. } => By(&["redrive/tests/cli/control.rs::a_batch_that_runs_is_paused_resumed_and_stopped"]),
    OpsError::NotDeadLettered { .. } => By(&["redrive/tests/cli/known.rs::what_every_act_says"]),
    OpsError::NoSuchOperation { .. } => By(&["redrive/tests/cli/operations.rs::what_cannot_be_told_is_said"]),
    OpsError::OperationEnded { .. } => By(&["redrive/tests/cli/operations.rs::what_cannot_be_told_is_said"]),
    OpsError::OperationDoesNotRun { .. } => By(&["engine/tests/it/operations.rs::one_whose_workflow_was_terminated_is_resumed_and_goes_on"]),
    OpsError::IsAnOperation { .. } => By(&["redrive/tests/cli/operations.rs::what_cannot_be_told_is_said"]),
    OpsError::TokenExists { .. } => By(&["redrive/tests/cli/known.rs::what_every_act_says"]),
    OpsError::NoSuchToken { .. } => By(&["redrive/tests/cli/known.rs::what_every_act_says"]),
    OpsError::NotFailed(_) => By(&["web/tests/api/acting.rs::a_failure_is_reported_before_any_scan_finds_it"]),
    OpsError::NotStarted { .. } => By(&["web/tests/api/away.rs::what_needs_temporal_is_unavailable_while_it_is_away"]),
    OpsError::Batch { .. } => By(&["redrive/tests/cli/errors.rs::a_batch_that_somebody_terminates"]),
    OpsError::NoFolder(_) => By(&["redrive/tests/cli/damaged.rs::no_room_for_the_copy_that_a_dry_run_works_on"]),
});

variants!(CLASSIFY: NoFailedRun {
    NoFailedRun::Unknown { .. } => By(&["redrive/tests/cli/classify.rs::what_did_not_fail_or_is_not_there_is_said"]),
    NoFailedRun::NotFailed { .. } => By(&["redrive/tests/cli/classify.rs::what_did_not_fail_or_is_not_there_is_said"]),
    NoFailedRun::WentOn { .. } => By(&["redrive/tests/cli/classify.rs::a_run_whose_workflow_tried_again_by_itself_is_said"]),
    NoFailedRun::Gateway(_) => By(&["redrive/tests/cli/classify.rs::what_did_not_fail_or_is_not_there_is_said"]),
});

#[test]
fn every_error_names_a_test_that_is_there() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let is_there = |place: &str, mark: &str| {
        let (file, name) = place.split_once("::").unwrap();
        let text = std::fs::read_to_string(crates.join(file)).unwrap_or_default();
        assert!(
            text.contains(&format!("{mark}{name}")),
            "{place} is not there"
        );
    };
    for met in [LEDGER, GATEWAY, VERBS, CLASSIFY].into_iter().flatten() {
        match met {
            By(tests) => tests.iter().for_each(|test| is_there(test, "fn ")),
            Mistake(tests) => tests.iter().for_each(|test| is_there(test, "")),
        }
    }
}
