//! The migrations mirror each other: the same numbers and names, and the same tables and columns at their end.

use std::collections::BTreeSet;
use std::path::Path;

use redrive_ledger::SqlLedger;
use redrive_test_postgres::Database;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Row};

use crate::factory;

fn files(driver: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(driver);
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn each_migration_has_its_twin() {
    assert!(!files("sqlite").is_empty());
    assert_eq!(files("sqlite"), files("postgres"));
}

/// Tables and columns of SQLite's schema.
async fn sqlite() -> BTreeSet<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    SqlLedger::open(&path).await.unwrap().close().await;
    let mut conn = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    let rows = sqlx::query(
        "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Tables and columns of PostgreSQL's schema.
async fn postgres() -> BTreeSet<(String, String)> {
    let database = Database::new().await;
    factory::open(&database).await;
    let mut conn = PgConnection::connect(&database.url()).await.unwrap();
    let rows = sqlx::query(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let (sqlite, postgres) = (sqlite().await, postgres().await);
    assert!(sqlite.contains(&("orders".into(), "workflow_id".into())));
    let only = |one: &BTreeSet<_>, other| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!(only(&sqlite, &postgres), []);
    assert_eq!(only(&postgres, &sqlite), []);
}
