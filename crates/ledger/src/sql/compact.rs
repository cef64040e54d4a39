//! Adding PostgreSQL's counters up: there each statement appends its change, for a row that every transaction updates would
//! make them wait for each other. SQLite has one writer, and one row a counter.

use crate::contract::Result;
use crate::db::{Conn, args};
use crate::error::Doing;

// Rows that are appended meanwhile stay; rows that another has just added up are gone for us.
const STATEMENTS: [&str; 7] = [
    "WITH gone AS (DELETE FROM order_counts RETURNING state, backlog, orders)
     INSERT INTO order_counts (state, backlog, orders) SELECT state, backlog, sum(orders) FROM gone GROUP BY state, backlog",
    "WITH gone AS (DELETE FROM dead_letter_counts RETURNING failure_status, resolution, entries, retries)
     INSERT INTO dead_letter_counts (failure_status, resolution, entries, retries)
     SELECT failure_status, resolution, sum(entries), sum(retries) FROM gone GROUP BY failure_status, resolution",
    // A row a quarter and outcome stays for ever: only what has several is touched.
    "WITH gone AS (DELETE FROM attempt_counts
         WHERE quarter IN (SELECT quarter FROM attempt_counts GROUP BY quarter, outcome HAVING count(*) > 1)
         RETURNING quarter, outcome, attempts)
     INSERT INTO attempt_counts (quarter, outcome, attempts)
     SELECT quarter, outcome, sum(attempts) FROM gone GROUP BY quarter, outcome",
    "WITH gone AS (DELETE FROM verdict_counts RETURNING verdict, failure_status, orders)
     INSERT INTO verdict_counts (verdict, failure_status, orders)
     SELECT verdict, failure_status, sum(orders) FROM gone GROUP BY verdict, failure_status",
    "WITH gone AS (DELETE FROM outcome_counts RETURNING outcome, failure_status, attempts)
     INSERT INTO outcome_counts (outcome, failure_status, attempts)
     SELECT outcome, failure_status, sum(attempts) FROM gone GROUP BY outcome, failure_status",
    "WITH gone AS (DELETE FROM recovery_counts RETURNING le, orders, micros)
     INSERT INTO recovery_counts (le, orders, micros) SELECT le, sum(orders), sum(micros) FROM gone GROUP BY le",
    // So does one a group.
    "WITH gone AS (DELETE FROM open_orders
         WHERE (fingerprint, failure_status, workflow_type) IN (SELECT fingerprint, failure_status, workflow_type
             FROM open_orders GROUP BY fingerprint, failure_status, workflow_type HAVING count(*) > 1)
         RETURNING workflow_type, failure_status, fingerprint, orders)
     INSERT INTO open_orders (workflow_type, failure_status, fingerprint, orders)
     SELECT workflow_type, failure_status, fingerprint, sum(orders) FROM gone
     GROUP BY workflow_type, failure_status, fingerprint HAVING sum(orders) <> 0",
];

/// Adds them up.
pub(super) async fn counters(conn: &mut Conn) -> Result<()> {
    if conn.is_postgres() {
        for statement in STATEMENTS {
            conn.run(statement, args![])
                .await
                .doing("add up the counters")?;
        }
    }
    Ok(())
}
