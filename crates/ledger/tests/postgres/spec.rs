//! The spec's dashboard query, word for word: it gives what `redrive report` shows.

use redrive_core::decide::DeadLetterReason;
use redrive_ledger::{Ledger, Outcome};
use redrive_test_postgres::Database;
use sqlx::{Connection, PgConnection, Row, ValueRef};

use crate::conformance::world::{World, at, first_failure, made};
use crate::factory;

/// "Orders reprocessed per day", as the spec has it.
const ORDERS_REPROCESSED_PER_DAY: &str = "\
-- Orders reprocessed per day
SELECT date_trunc('day', processed_at),
       SUM(restarted_count) as restarted,
       SUM(dlq_count) as sent_to_dlq
FROM reprocessing_results
GROUP BY 1
ORDER BY 1 DESC;
";

/// The rows as people see them: day, restarted, sent to the queue.
async fn asked(database: &Database) -> Vec<[String; 3]> {
    let mut conn = PgConnection::connect(&database.url()).await.unwrap();
    // As a dashboard asks: a plain query, answered in texts.
    let rows = sqlx::raw_sql(ORDERS_REPROCESSED_PER_DAY)
        .fetch_all(&mut conn)
        .await
        .unwrap();
    let text = |row: &sqlx::postgres::PgRow, column: usize| {
        let value = row.try_get_raw(column).unwrap();
        assert!(!value.is_null());
        value.as_str().unwrap().to_owned()
    };
    rows.iter()
        .map(|row| [text(row, 0), text(row, 1), text(row, 2)])
        .collect()
}

#[tokio::test]
async fn the_specs_dashboard_query_gives_the_rows_of_the_report() {
    let database = Database::new().await;
    let ledger = std::sync::Arc::new(factory::open(&database).await);
    let world = World::on(Default::default(), made(&ledger, ())).await;
    assert!(asked(&database).await.is_empty());

    world
        .observe(&["a", "b", "c", "d", "e"].map(first_failure))
        .await;
    world.open("b1").await;
    world.restart("a", "a-1", "b1").await;
    world.restart("b", "b-1", "b1").await;
    world.finish("b1").await;
    world.open("b2").await;
    world.restart("c", "c-1", "b2").await;
    let claimed = world.claim_one("e", "b2").await;
    let buried = Outcome::DeadLettered(DeadLetterReason::BudgetSpent);
    world.commit("b2", &claimed, buried).await;
    world.finish("b2").await;
    world.wait(86_400);
    world.open("b3").await;
    world.restart("d", "d-1", "b3").await;
    world.finish("b3").await;
    // A day on which a batch has only begun is a row too, in both.
    world.wait(86_400);
    world.open("b4").await;

    let days = world.reader.daily(at(-86_400)).await.unwrap();
    let shown: Vec<[String; 3]> = days
        .iter()
        .map(|day| {
            [
                format!("{} 00:00:00+00", day.day),
                day.restarted.to_string(),
                day.sent_to_dlq.to_string(),
            ]
        })
        .collect();
    let restarted: Vec<u64> = days.iter().map(|day| day.restarted).collect();
    assert_eq!(restarted, [0, 1, 3]);
    let buried: Vec<u64> = days.iter().map(|day| day.sent_to_dlq).collect();
    assert_eq!(buried, [0, 0, 1]);
    assert_eq!(asked(&database).await, shown);
}

#[tokio::test]
async fn a_time_is_stored_to_the_microsecond() {
    let database = Database::new().await;
    let ledger = factory::open(&database).await;
    let opening = redrive_ledger::BatchOpening {
        batch: "b1".into(),
        workflow_id: "w".into(),
        started_at: jiff::Timestamp::from_microsecond(1_900_000_000_123_457).unwrap(),
        one_order: false,
    };
    ledger.open_batch(&opening).await.unwrap();
    let rows = ledger.batches(9).await.unwrap();
    assert_eq!(rows[0].result.processed_at, opening.started_at);
    let mut conn = PgConnection::connect(&database.url()).await.unwrap();
    let row = sqlx::raw_sql("SELECT processed_at FROM reprocessing_results")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let stored = row.try_get_raw(0).unwrap();
    assert_eq!(stored.as_str().unwrap(), "2030-03-17 17:46:40.123457+00");
}
