//! What only SQLite can get wrong: plans, pragmas, migrations, constraints.

use std::path::PathBuf;

use sqlx::Row;

use super::connect::Place;
use super::file::File;
use super::{SqliteLedger, candidates, settle};
use crate::LedgerError;

async fn ledger() -> (tempfile::TempDir, SqliteLedger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(&folder.path().join("ledger.db"))
        .await
        .unwrap();
    (folder, ledger)
}

fn file(ledger: &SqliteLedger) -> &File {
    match &ledger.place {
        Place::File(file) => file,
        Place::Server(_) => panic!("a ledger on a server"),
    }
}

/// What SQLite will do for a statement, one line a step.
async fn plan(ledger: &SqliteLedger, statement: &'static str) -> String {
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = sqlx::query(explain)
        .fetch_all(&file(ledger).reader)
        .await
        .unwrap();
    let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    steps.join("\n")
}

#[tokio::test]
async fn whose_turn_it_is_comes_from_an_index_in_its_order() {
    let (_folder, ledger) = ledger().await;
    let checks = std::iter::once(settle::DUE_CHECKS);
    for statement in candidates::INDEXED.into_iter().chain(checks) {
        let plan = plan(&ledger, statement).await;
        assert!(plan.contains("USING INDEX orders_"), "{statement}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{statement}\n{plan}");
        // "SCAN orders USING INDEX" reads a partial index from its beginning, which is what is wanted.
        let scans = plan
            .lines()
            .filter(|line| line.starts_with("SCAN") && !line.contains("USING INDEX"));
        assert_eq!(scans.count(), 0, "{statement}\n{plan}");
    }
}

#[tokio::test]
async fn a_new_file_gets_its_folder_and_our_pragmas() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("not/yet/there/ledger.db");
    let ledger = SqliteLedger::open(&path).await.unwrap();
    assert!(path.exists());
    for (pragma, value) in [
        ("PRAGMA journal_mode", "wal"),
        ("PRAGMA foreign_keys", "1"),
        ("PRAGMA synchronous", "1"),
    ] {
        let row = sqlx::query(pragma)
            .fetch_one(&file(&ledger).writer)
            .await
            .unwrap();
        let found = row
            .try_get::<String, _>(0)
            .unwrap_or_else(|_| row.get::<i64, _>(0).to_string());
        assert_eq!(found, value, "{pragma}");
    }
}

#[tokio::test]
async fn opening_again_changes_nothing_and_a_newer_schema_is_refused() {
    let (folder, ledger) = ledger().await;
    ledger.close().await;
    let path = folder.path().join("ledger.db");
    let ledger = SqliteLedger::open(&path).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .execute(&file(&ledger).writer)
        .await
        .unwrap();
    ledger.close().await;
    let before = std::fs::read(&path).unwrap();
    let refused = SqliteLedger::open(&path).await.unwrap_err();
    assert!(
        matches!(
            refused,
            LedgerError::Newer {
                found: 9999,
                known: 1
            }
        ),
        "{refused}"
    );
    assert!(
        before == std::fs::read(&path).unwrap(),
        "the file was changed"
    );
}

#[tokio::test]
async fn what_is_no_ledger_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(
        &path,
        "this is no database, and it is long enough to be taken for one by its first page "
            .repeat(50),
    )
    .unwrap();
    let refused = SqliteLedger::open(&path).await.unwrap_err();
    assert!(matches!(refused, LedgerError::Open { .. }), "{refused:?}");
    let refused = SqliteLedger::open(folder.path())
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.starts_with("cannot open the ledger"), "{refused}");
}

#[tokio::test]
async fn one_process_may_lock_a_ledger_and_its_end_frees_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let lock = SqliteLedger::lock(&path).unwrap();
    assert!(matches!(SqliteLedger::lock(&path), Err(LedgerError::InUse(used)) if used == path));
    SqliteLedger::lock(&folder.path().join("other.db")).unwrap();
    drop(lock);
    SqliteLedger::lock(&path).unwrap();
}

#[tokio::test]
async fn two_processes_may_open_a_new_ledger_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let (one, two) = tokio::join!(SqliteLedger::open(&path), SqliteLedger::open(&path));
    one.unwrap();
    two.unwrap();
}

const ORDER: &str = "INSERT INTO orders (id, workflow_id, order_id, workflow_type, state, failed_run_id, failed_at,
    failure_status, fingerprint, failure_reason, eligible, due_at, next_check_at, created_at, updated_at)
    VALUES (1, 'w', 'w', 't', 'failed', 'r0', 0, 's', 'f', '', 1, 0, 0, 0, 0)";

const ATTEMPT: &str =
    "INSERT INTO attempts (order_pk, generation, number, from_run_id, request_id, batch_id, manual,
    intent_at, run_id, started_at, outcome, settled_at) VALUES (1, 1, 1, ";

#[tokio::test]
async fn the_schema_itself_refuses_what_must_never_be() {
    let (_folder, ledger) = ledger().await;
    let good = [
        ORDER.to_owned(),
        format!("{ATTEMPT} 'r0', 'q', 'b', 0, 0, 'r1', 0, 'failed_again', 0)"),
        format!("{ATTEMPT} 'r1', 'q', 'b', 0, 0, NULL, NULL, NULL, NULL)"),
        format!("{ATTEMPT} 'r0', 'q', 'b', 1, 0, 'r2', 0, 'failed_again', 0)"),
    ];
    for statement in good {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&file(&ledger).writer)
            .await
            .unwrap();
    }
    let bad = [
        ("a second start from one failed run", format!("{ATTEMPT} 'r0', 'q', 'b', 0, 0, 'r3', 0, 'failed_again', 0)")),
        ("one run for two attempts", format!("{ATTEMPT} 'r9', 'q', 'b', 0, 0, 'r1', 0, 'failed_again', 0)")),
        ("a second open intent", format!("{ATTEMPT} 'r8', 'q', 'b', 0, 0, NULL, NULL, NULL, NULL)")),
        ("a run without its time", format!("{ATTEMPT} 'r7', 'q', 'b', 0, 0, 'r7', NULL, 'unknown', 0)")),
        ("an unknown state", "UPDATE orders SET state = 'lost'".to_owned()),
        ("a claimed order without an owner", "UPDATE orders SET state = 'claimed', next_check_at = NULL".to_owned()),
        ("an owner of an order that waits", "UPDATE orders SET claim_batch = 'b', claim_chunk = 1".to_owned()),
        ("nothing followed in flight", "UPDATE orders SET state = 'in_flight'".to_owned()),
        ("a closed order without its end", "UPDATE orders SET state = 'resolved', next_check_at = NULL".to_owned()),
        ("an open order that nobody looks at", "UPDATE orders SET next_check_at = NULL".to_owned()),
        ("the same order twice", ORDER.replace("VALUES (1", "VALUES (2")),
        ("an attempt of no order", format!("{} 'x', 'q', 'b', 0, 0, NULL, NULL, NULL, NULL)", ATTEMPT.replace("(1, 1, 1,", "(7, 1, 1,"))),
        (
            "a batch whose numbers do not add up",
            "INSERT INTO reprocessing_results (batch_id, workflow_id, status, started_at, processed_at, found_count)
             VALUES ('b', 'w', 'running', 0, 0, 1)".to_owned(),
        ),
    ];
    for (what, statement) in bad {
        let refused = sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&file(&ledger).writer)
            .await;
        let error = refused.expect_err(what).into_database_error().expect(what);
        assert!(
            error.message().contains("constraint failed"),
            "{what}: {error}"
        );
    }
}

#[tokio::test]
async fn what_a_ledger_lacks_is_told_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let before = SqliteLedger::schema(&path).await.unwrap();
    assert_eq!(before.found, 0);
    assert_eq!(
        before.pending.last().map(|last| last.version),
        Some(before.known)
    );
    assert!(!path.exists(), "asking makes no file");

    assert_eq!(SqliteLedger::migrate(&path).await.unwrap(), before);
    let after = SqliteLedger::schema(&path).await.unwrap();
    assert_eq!((after.found, after.pending), (before.known, Vec::new()));
    let beside = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(beside, 1, "asking leaves no file beside the ledger");
    let again = SqliteLedger::migrate(&path).await.unwrap();
    assert_eq!((again.found, again.pending.len()), (before.known, 0));
}
