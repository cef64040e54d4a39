//! What only SQLite can get wrong: plans, pragmas, migrations, constraints.

use std::path::PathBuf;

use sqlx::Row;

use super::{counters_of_an_older_ledger, refuses_what_must_never_be};
use crate::LedgerError;
use crate::sql::connect::Place;
use crate::sql::file::File;
use crate::sql::reading::numbers;
use crate::sql::{SqlLedger, candidates, settle};
use crate::url::LedgerUrl;

async fn ledger() -> (tempfile::TempDir, SqlLedger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = SqlLedger::open(&folder.path().join("ledger.db"))
        .await
        .unwrap();
    (folder, ledger)
}

fn file(ledger: &SqlLedger) -> &File {
    match &ledger.place {
        Place::File(file) => file,
        Place::Server(_) => panic!("a ledger on a server"),
    }
}

/// What SQLite will do for a statement, one line a step.
async fn plan(ledger: &SqlLedger, statement: &'static str) -> String {
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
async fn an_intent_that_was_given_up_is_looked_for_among_its_orders_attempts() {
    let (_folder, ledger) = ledger().await;
    let plan = plan(&ledger, settle::DUE_CHECKS).await;
    let by_order = "USING INDEX attempts_by_order (order_pk=?)";
    assert!(plan.contains(by_order), "{plan}");
}

#[tokio::test]
async fn what_is_oldest_stands_at_the_beginning_of_an_index() {
    let (_folder, ledger) = ledger().await;
    let plan = plan(&ledger, numbers::MOMENTS).await;
    let due = plan.matches("INDEX orders_due (manual=?)").count();
    assert_eq!(due, 2, "an operator's retries, and the others\n{plan}");
    assert!(plan.contains("USING INDEX results_by_time"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}

#[tokio::test]
async fn a_new_file_gets_its_folder_and_our_pragmas() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("not/yet/there/ledger.db");
    let ledger = SqlLedger::open(&path).await.unwrap();
    assert!(path.exists());
    for (pragma, value) in [
        ("PRAGMA journal_mode", "wal"),
        ("PRAGMA foreign_keys", "1"),
        ("PRAGMA synchronous", "1"),
        ("PRAGMA wal_autocheckpoint", "4000"),
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
    let ledger = SqlLedger::open(&path).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .execute(&file(&ledger).writer)
        .await
        .unwrap();
    ledger.close().await;
    let before = std::fs::read(&path).unwrap();
    let refused = SqlLedger::open(&path).await.unwrap_err();
    assert!(
        matches!(refused, LedgerError::Newer { found: 9999, .. }),
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
    let refused = SqlLedger::open(&path).await.unwrap_err();
    assert!(matches!(refused, LedgerError::Open { .. }), "{refused:?}");
    let refused = SqlLedger::open(folder.path())
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.starts_with("cannot open the ledger"), "{refused}");
}

#[tokio::test]
async fn one_process_may_lock_a_ledger_and_its_end_frees_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let lock = SqlLedger::lock(&path).unwrap();
    assert!(matches!(SqlLedger::lock(&path), Err(LedgerError::InUse(used)) if used == path));
    SqlLedger::lock(&folder.path().join("other.db")).unwrap();
    drop(lock);
    SqlLedger::lock(&path).unwrap();
}

#[tokio::test]
async fn two_processes_may_open_a_new_ledger_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let (one, two) = tokio::join!(SqlLedger::open(&path), SqlLedger::open(&path));
    one.unwrap();
    two.unwrap();
}

#[tokio::test]
async fn the_schema_itself_refuses_what_must_never_be() {
    let (_folder, ledger) = ledger().await;
    refuses_what_must_never_be(&ledger).await;
}

#[tokio::test]
async fn what_a_ledger_lacks_is_told_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let before = SqlLedger::schema(&path).await.unwrap();
    assert_eq!(before.found, 0);
    assert_eq!(
        before.pending.last().map(|last| last.version),
        Some(before.known)
    );
    assert!(!path.exists(), "asking makes no file");

    assert_eq!(SqlLedger::migrate(&path).await.unwrap(), before);
    let after = SqlLedger::schema(&path).await.unwrap();
    assert_eq!((after.found, after.pending), (before.known, Vec::new()));
    let beside = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(beside, 1, "asking leaves no file beside the ledger");
    let again = SqlLedger::migrate(&path).await.unwrap();
    assert_eq!((again.found, again.pending.len()), (before.known, 0));
}

#[tokio::test]
async fn a_migrated_ledger_counts_what_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let url = LedgerUrl::File(folder.path().join("ledger.db"));
    counters_of_an_older_ledger(&SqlLedger::connect(&url).await.unwrap()).await;
}
