//! Opening a ledger on a server: by several at once, without a password, where there is no database, with a newer schema.

use redrive_ledger::{LedgerError, LedgerUrl, SqlLedger};
use redrive_test_postgres::Database;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use crate::factory;

fn url(text: &str) -> LedgerUrl {
    LedgerUrl::parse(text).unwrap()
}

#[tokio::test]
async fn two_processes_may_open_a_new_ledger_at_once() {
    let database = Database::new().await;
    let at = url(&database.url());
    let (one, two) = tokio::join!(SqlLedger::open(&at), SqlLedger::open(&at));
    one.unwrap();
    two.unwrap();
}

#[tokio::test]
async fn what_a_database_lacks_is_told_and_nothing_is_changed() {
    let database = Database::new().await;
    let at = url(&database.url());
    let before = SqlLedger::schema(&at).await.unwrap();
    assert_eq!(before.found, 0);
    assert_eq!(
        before.pending.last().map(|last| last.version),
        Some(before.known)
    );
    assert_eq!(SqlLedger::schema(&at).await.unwrap(), before);
    assert_eq!(SqlLedger::migrate(&at).await.unwrap(), before);
    let after = SqlLedger::schema(&at).await.unwrap();
    assert_eq!((after.found, after.pending), (before.known, Vec::new()));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let database = Database::new().await;
    factory::open(&database).await.close().await;
    let mut conn = PgConnection::connect(&database.url()).await.unwrap();
    sqlx::raw_sql("UPDATE _sqlx_migrations SET version = 9999 WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .execute(&mut conn)
        .await
        .unwrap();
    let refused = SqlLedger::open(url(&database.url())).await.unwrap_err();
    assert!(
        matches!(refused, LedgerError::Newer { found: 9999, .. }),
        "{refused}"
    );
}

/// As if the last migration were still to come.
const FORGET_THE_LAST: &str =
    "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)";

fn is_behind(opened: Result<SqlLedger, LedgerError>) {
    let refused = opened.unwrap_err();
    let LedgerError::Behind { found, known } = refused else {
        panic!("{refused}");
    };
    assert_eq!(found, known - 1);
    assert!(
        refused.to_string().contains("run `redrive migrate`"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_older_ledger_is_left_to_redrive_migrate() {
    let database = Database::new().await;
    factory::open(&database).await.close().await;
    let mut conn = PgConnection::connect(&database.url()).await.unwrap();
    sqlx::raw_sql(FORGET_THE_LAST)
        .execute(&mut conn)
        .await
        .unwrap();
    is_behind(SqlLedger::open(url(&database.url())).await);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    SqlLedger::open(&file).await.unwrap().close().await;
    let mut conn = SqliteConnectOptions::new()
        .filename(&file)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql(FORGET_THE_LAST)
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    is_behind(SqlLedger::open(&file).await);
}

#[tokio::test]
async fn who_cannot_be_reached_is_told_what_to_do() {
    let database = Database::new().await;
    let good = database.url();
    let missing = good.replace("redrive_", "no_such_");
    let stranger = good.replace(":test@", ":wrong@");
    let nobody = good
        .replace("127.0.0.1:", "127.0.0.1:1#")
        .split('#')
        .next()
        .unwrap()
        .to_owned()
        + "/x";
    for (at, hint) in [
        (
            missing,
            "Make the database first, with createdb or CREATE DATABASE.",
        ),
        (
            stranger,
            "Check the user and the password: in ledger.url, in PGPASSWORD, or in the password file.",
        ),
        (
            nobody,
            "Check that PostgreSQL runs there, and the host and port in ledger.url.",
        ),
    ] {
        let refused = SqlLedger::open(url(&at)).await.unwrap_err();
        let said = refused.to_string();
        assert!(matches!(refused, LedgerError::Server { .. }), "{refused:?}");
        assert!(
            said.starts_with("cannot open the ledger postgres://redrive@127.0.0.1:"),
            "{said}"
        );
        assert!(said.ends_with(hint), "{said}");
        assert!(
            !said.contains(":test@") && !said.contains("wrong"),
            "{said}"
        );
    }
}
