//! Adding PostgreSQL's counters up: there each statement appends its change, for a row that every transaction updates would
//! make them wait for each other. SQLite has one writer, and one row a counter.

use crate::contract::Result;
use crate::db::{Conn, args};
use crate::error::Doing;

// Rows that are appended meanwhile stay; rows that another has just added up are gone for us.
const STATEMENTS: [&str; 2] = [
    "WITH gone AS (DELETE FROM order_counts RETURNING state, orders)
     INSERT INTO order_counts (state, orders) SELECT state, sum(orders) FROM gone GROUP BY state",
    "WITH gone AS (DELETE FROM dead_letter_counts RETURNING failure_status, resolution, entries, retries)
     INSERT INTO dead_letter_counts (failure_status, resolution, entries, retries)
     SELECT failure_status, resolution, sum(entries), sum(retries) FROM gone GROUP BY failure_status, resolution",
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
