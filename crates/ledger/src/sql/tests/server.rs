//! What only PostgreSQL can get wrong.

use redrive_test_postgres::Database;
use sqlx::Row as _;

use super::{counters_of_an_older_ledger, refuses_what_must_never_be};
use crate::db::{Row, Statement, args};
use crate::rows::Fields;
use crate::sql::{SqlLedger, candidates, settle};
use crate::url::LedgerUrl;

async fn ledger() -> (Database, SqlLedger) {
    let database = Database::new().await;
    let url = LedgerUrl::parse(&database.url()).unwrap();
    let ledger = SqlLedger::open(url).await.unwrap();
    (database, ledger)
}

#[tokio::test]
async fn the_schema_itself_refuses_what_must_never_be() {
    let (_database, ledger) = ledger().await;
    refuses_what_must_never_be(&ledger).await;
}

#[tokio::test]
async fn no_statement_is_compiled() {
    let (_database, ledger) = ledger().await;
    let mut conn = ledger.read().await.unwrap();
    let shown = conn.one("SHOW jit", args![]).await.unwrap();
    assert_eq!(shown.text("jit").unwrap(), "off");
}

/// What PostgreSQL will do for a statement where it may not read a whole table, nor sort: it finds an index in the order.
async fn plan(ledger: &SqlLedger, statement: &'static str) -> String {
    let mut tx = ledger.begin().await.unwrap();
    for setting in ["enable_seqscan", "enable_bitmapscan", "enable_sort"] {
        let off = format!("SET LOCAL {setting} = off");
        tx.run(off, args![]).await.unwrap();
    }
    let args = match statement.contains("$4") {
        true => args!["b", 0_i64, 100_i64, ""],
        false => args![0_i64, 100_i64],
    };
    let explain = Statement::from(format!("EXPLAIN {statement}"));
    let rows = tx.all(explain, args).await.unwrap();
    let line = |row: &Row| match row {
        Row::Postgres(row) => row.get::<String, _>(0),
        Row::Sqlite(_) => unreachable!("a server's row"),
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn whose_turn_it_is_comes_from_an_index_in_its_order() {
    let (_database, ledger) = ledger().await;
    for statement in candidates::INDEXED {
        let plan = plan(&ledger, statement).await;
        assert!(
            plan.contains("Index Scan using verdicts_by_order"),
            "{statement}\n{plan}"
        );
    }
    let checks = std::iter::once(settle::DUE_CHECKS);
    for statement in candidates::INDEXED.into_iter().chain(checks) {
        let plan = plan(&ledger, statement).await;
        assert!(
            plan.contains("Index Scan using orders_"),
            "{statement}\n{plan}"
        );
        assert!(!plan.contains("Sort"), "{statement}\n{plan}");
        assert!(!plan.contains("Seq Scan on orders"), "{statement}\n{plan}");
        // What is looked up of each order is never read of all orders, or of all of a batch.
        assert!(!plan.contains("Join"), "{statement}\n{plan}");
        assert!(!plan.contains("hashed"), "{statement}\n{plan}");
    }
}

#[tokio::test]
async fn counters_are_few_rows_again_when_a_batch_ends() {
    let (_database, ledger) = ledger().await;
    let rows = async || {
        let mut conn = ledger.read().await.unwrap();
        let count = conn
            .one("SELECT count(*) AS count, CAST(coalesce(sum(orders), 0) AS BIGINT) AS sum FROM order_counts", args![])
            .await
            .unwrap();
        (count.count("count").unwrap(), count.count("sum").unwrap())
    };
    for n in 0..5 {
        let order = super::ORDER.replace("VALUES (1, 'w'", &format!("VALUES ({}, 'w{n}'", n + 1));
        super::run(&ledger, order, args![]).await.unwrap();
    }
    assert_eq!(rows().await, (5, 5));
    let mut tx = ledger.begin().await.unwrap();
    crate::sql::compact::counters(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(rows().await, (1, 5));
}

#[tokio::test]
async fn days_are_those_of_utc() {
    let (_database, ledger) = ledger().await;
    let row = ledger
        .read()
        .await
        .unwrap()
        .one("SELECT current_setting('TimeZone') AS zone", args![])
        .await
        .unwrap();
    assert_eq!(row.text("zone").unwrap(), "UTC");
}

#[tokio::test]
async fn a_migrated_ledger_counts_what_it_had() {
    let database = Database::new().await;
    let url = LedgerUrl::parse(&database.url()).unwrap();
    counters_of_an_older_ledger(&SqlLedger::connect(&url).await.unwrap()).await;
}
