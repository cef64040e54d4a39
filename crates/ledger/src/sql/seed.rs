//! A ledger filled by SQL, for the bench: orders in mixed states, as a ledger of that size has them after months.
//!
//! Of twenty orders eight are due, two wait, three are in flight, four are dead letters of five attempts each, two have
//! recovered and one is held. Each has its failure, and each open one a start request. What the bench measures is never
//! written this way.

use jiff::Timestamp;

use super::SqlLedger;
use super::connect::Place;
use crate::contract::Result;
use crate::db::{Conn, Statement, args};
use crate::error::Doing;
use crate::rows::Fields;

/// Orders a statement.
const PAGE: usize = 50_000;
/// Orders a batch that has ended.
const BATCH: u64 = 10_000;
/// The bytes of a start request, as compressed as they are kept.
const REQUEST: [u8; 320] = [7; 320];
/// What is being done, where it fails.
const DOING: &str = "seed the ledger";

impl SqlLedger {
    /// Fills the ledger, which has no orders, with so many that failed in the day before `now`; then leaves it as a database
    /// that has been at rest for a while: its statistics are known, and nothing waits to be written out.
    pub async fn seed(&self, orders: u64, now: Timestamp) -> Result<()> {
        let mut conn = self.seeding().await?;
        // They are made again at once: in the end they are the same, and a large ledger is filled in half the time.
        let indexes = conn.all(INDEXES, args![]).await.doing(DOING)?;
        for index in &indexes {
            run(&mut conn, format!("DROP INDEX {}", index.text("name")?)).await?;
        }
        for from in (1..=orders).step_by(PAGE) {
            let to = (from + PAGE as u64 - 1).min(orders);
            page(&mut conn, from, to, now).await?;
        }
        for index in &indexes {
            run(&mut conn, index.text("definition")?).await?;
        }
        let at_rest = if conn.is_postgres() {
            ["VACUUM (ANALYZE)", "CHECKPOINT"]
        } else {
            ["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"]
        };
        for statement in at_rest {
            run(&mut conn, statement).await?;
        }
        Ok(())
    }

    /// A connection that writes, with no transaction open.
    async fn seeding(&self) -> Result<Conn> {
        match &self.place {
            Place::File(file) => file.writer.acquire().await.map(Conn::sqlite),
            Place::Server(pool) => pool.acquire().await.map(Conn::postgres),
        }
        .doing(DOING)
    }
}

async fn run(conn: &mut Conn, statement: impl Into<Statement>) -> Result<()> {
    conn.run(statement, args![]).await.doing(DOING)?;
    Ok(())
}

/// The indexes that no constraint brings with it.
const INDEXES: Statement = Statement::each(
    "SELECT name, sql AS definition FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "SELECT indexname::text AS name, indexdef AS definition FROM pg_indexes
     WHERE schemaname = current_schema() AND indexname NOT IN (SELECT conname FROM pg_constraint)",
);

/// Orders `from` to `to`, and all that belongs to them.
async fn page(conn: &mut Conn, from: u64, to: u64, now: Timestamp) -> Result<()> {
    for statement in [
        ORDERS,
        FAILURES,
        OPEN_ATTEMPTS,
        SPENT_ATTEMPTS,
        DEAD_LETTERS,
        REQUESTS,
        VERDICTS,
        BATCHES,
    ] {
        let args = args![
            from as i64,
            to as i64,
            now.as_microsecond(),
            REQUEST.to_vec(),
            BATCH as i64
        ];
        conn.run(statement, args).await.doing(DOING)?;
    }
    Ok(())
}

/// A statement over the numbers `i` from $1 to $2. $3 is the time, $4 a start request, $5 how many orders a batch had.
macro_rules! over {
    ($insert:literal, $select:literal) => {
        Statement::both(text!($insert, $select))
    };
    ($insert:literal, $sqlite:literal, $postgres:literal) => {
        Statement::each(text!($insert, $sqlite), text!($insert, $postgres))
    };
}
macro_rules! text {
    ($insert:literal, $select:literal) => {
        concat!(
            "WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < $2), \
             given AS (SELECT $3 AS now, $4 AS request, $5 AS batch) ",
            $insert,
            " ",
            $select
        )
    };
}

const ORDERS: Statement = over!(
    "INSERT INTO orders (id, workflow_id, order_id, customer_id, workflow_type, state, generation, retry_count,
        failed_run_id, failed_at, failure_status, fingerprint, failure_reason, eligible, due_at, fence, followed_run_id,
        followed_since, next_check_at, closed_at, resolution, created_at, updated_at)",
    "SELECT i, 'order-fulfillment-SEED-' || (10000000 + i), 'SEED-' || (10000000 + i), 'CUST-' || (10000 + i % 5000),
        'OrderFulfillmentWorkflow',
        CASE WHEN i % 20 < 10 THEN 'failed' WHEN i % 20 < 13 THEN 'in_flight' WHEN i % 20 < 17 THEN 'dead_lettered'
             WHEN i % 20 < 19 THEN 'recovered' ELSE 'held' END,
        1, CASE WHEN i % 20 BETWEEN 13 AND 16 THEN 5 WHEN i % 20 BETWEEN 10 AND 18 THEN 1 ELSE 0 END,
        'failed-run-' || i, now - 86400000000 + i * 1000,
        CASE i % 3 WHEN 0 THEN 'shipping_failed' WHEN 1 THEN 'slam_failed' ELSE 'planning_failed' END,
        'group-' || (i % 50), 'no truck came to dock ' || (i % 50), 1,
        CASE WHEN i % 20 < 8 THEN now - 86400000000 + i * 1000 ELSE now + 3600000000 END, 1,
        CASE WHEN i % 20 BETWEEN 10 AND 12 THEN 'run-' || i END,
        CASE WHEN i % 20 BETWEEN 10 AND 12 THEN now - 1000000 END,
        CASE WHEN i % 20 NOT BETWEEN 17 AND 18 THEN now + 86400000000 + i END,
        CASE WHEN i % 20 BETWEEN 17 AND 18 THEN now - 1000000 END,
        CASE WHEN i % 20 BETWEEN 17 AND 18 THEN 'recovered' END, now - 86400000000, now - 1000000
     FROM n, given"
);

const FAILURES: Statement = over!(
    "INSERT INTO failures (run_id, order_pk, first_run_id, run_status, failure_status, fingerprint, reason, has_parent,
        closed_at, observed_at, pending)",
    "SELECT 'failed-run-' || i, i, 'failed-run-' || i, 'failed',
        CASE i % 3 WHEN 0 THEN 'shipping_failed' WHEN 1 THEN 'slam_failed' ELSE 'planning_failed' END,
        'group-' || (i % 50), 'no truck came to dock ' || (i % 50), 0, now - 86400000000 + i * 1000, now, 0
     FROM n, given"
);

/// One attempt of an order in flight or recovered.
const OPEN_ATTEMPTS: Statement = over!(
    "INSERT INTO attempts (order_pk, generation, number, from_run_id, request_id, batch_id, manual, intent_at, run_id,
        started_at, outcome, settled_at, settled_batch)",
    "SELECT i, 1, 1, 'failed-run-' || i, '00000000-0000-4000-8000-' || (100000000000 + i * 10), 'batch-' || (i / batch), 0, now - 2000000, 'run-' || i,
        now - 1000000, CASE WHEN i % 20 > 12 THEN 'recovered' END, CASE WHEN i % 20 > 12 THEN now - 500000 END,
        CASE WHEN i % 20 > 12 THEN 'batch-' || (i / batch) END
     FROM n, given WHERE i % 20 BETWEEN 10 AND 12 OR i % 20 BETWEEN 17 AND 18"
);

/// Five attempts of a dead letter.
const SPENT_ATTEMPTS: Statement = over!(
    "INSERT INTO attempts (order_pk, generation, number, from_run_id, request_id, batch_id, manual, intent_at, run_id,
        started_at, outcome, settled_at, settled_batch)",
    "SELECT i, 1, k, 'failed-run-' || i || '-' || k, '00000000-0000-4000-8000-' || (100000000000 + i * 10 + k),
        'batch-' || (i / batch), 0, now - 2000000, 'run-' || i || '-' || k, now - 1000000, 'failed_again', now - 500000, 'batch-' || (i / batch)
     FROM n, given, (SELECT 1 AS k UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5) AS tries
     WHERE i % 20 BETWEEN 13 AND 16"
);

const DEAD_LETTERS: Statement = over!(
    "INSERT INTO dead_letters (order_pk, generation, reason, failure_status, failure_reason, retry_count, batch_id,
        created_at, updated_at)",
    "SELECT i, 1, 'budget_spent',
        CASE i % 3 WHEN 0 THEN 'shipping_failed' WHEN 1 THEN 'slam_failed' ELSE 'planning_failed' END,
        'no truck came to dock ' || (i % 50), 5, 'batch-' || (i / batch), now - 1000000 + i, now
     FROM n, given WHERE i % 20 BETWEEN 13 AND 16"
);

const REQUESTS: Statement = over!(
    "INSERT INTO start_requests (order_pk, run_id, request, saved_at)",
    "SELECT i, 'failed-run-' || i, request, now FROM n, given WHERE i % 20 NOT BETWEEN 17 AND 18"
);

const VERDICTS: Statement = over!(
    "INSERT INTO verdicts (batch_id, order_pk, chunk, verdict, reason, at)",
    "SELECT 'batch-' || (i / batch), i, i % batch / 100, 'restarted', NULL, now - 1000000
     FROM n, given WHERE i % 20 BETWEEN 10 AND 18"
);

const BATCHES: Statement = over!(
    "INSERT INTO reprocessing_results (batch_id, workflow_id, status, started_at, processed_at, one_order, found_count,
        restarted_count)",
    "SELECT 'batch-' || (i / batch), 'reprocessing-batch-' || (i / batch), 'completed', now - 2000000 - i, now - 1000000 - i,
        0, batch, batch
     FROM n, given WHERE i % batch = 0",
    "SELECT 'batch-' || (i / batch), 'reprocessing-batch-' || (i / batch), 'completed', now - 2000000 - i,
        to_timestamp((now - 1000000 - i) / 1000000.0), 0, batch, batch
     FROM n, given WHERE i % batch = 0"
);

#[cfg(test)]
mod tests {
    use redrive_test_postgres::Database;

    use super::*;
    use crate::{Ledger, LedgerUrl};

    async fn has_every_state_in_its_share(url: &str) {
        let url = LedgerUrl::parse(url).unwrap();
        let ledger = SqlLedger::open(url).await.unwrap();
        ledger.seed(20_000, Timestamp::UNIX_EPOCH).await.unwrap();
        let counts = ledger.state_counts().await.unwrap();
        let of = |state: &str| {
            counts
                .iter()
                .find(|(name, _)| name == state)
                .map(|(_, n)| *n)
        };
        assert_eq!(of("failed"), Some(10_000), "{counts:?}");
        assert_eq!(of("in_flight"), Some(3_000));
        assert_eq!(of("dead_lettered"), Some(4_000));
        assert_eq!(of("recovered"), Some(2_000));
        assert_eq!(of("held"), Some(1_000));
        let story = ledger
            .story(&"order-fulfillment-SEED-10000014".into())
            .await
            .unwrap();
        assert_eq!(story.unwrap().attempts.len(), 5);
        assert_eq!(ledger.batches(10).await.unwrap().len(), 2);
        ledger.close().await;
    }

    #[tokio::test]
    async fn a_seeded_file_has_every_state_in_its_share() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        has_every_state_in_its_share(&path.display().to_string()).await;
    }

    #[tokio::test]
    async fn a_seeded_server_has_every_state_in_its_share() {
        let database = Database::new().await;
        has_every_state_in_its_share(&database.url()).await;
    }
}
