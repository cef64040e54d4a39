//! What is counted for ever, and what is oldest: a few rows of counters, and the first entries of indexes.

use jiff::SignedDuration;

use crate::contract::Result;
use crate::db::{Conn, Row, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::SqlLedger;
use crate::{Numbers, Recoveries};

pub(super) async fn numbers(ledger: &SqlLedger) -> Result<Numbers> {
    let mut conn = ledger.read().await?;
    let mut numbers = Numbers::default();
    for row in counts(&mut conn, VERDICTS).await? {
        let (status, count) = (row.text("failure_status")?, row.count("count")?);
        numbers.verdicts.push((row.named("name")?, status, count));
    }
    for row in counts(&mut conn, OUTCOMES).await? {
        let (status, count) = (row.text("failure_status")?, row.count("count")?);
        numbers.outcomes.push((row.named("name")?, status, count));
    }
    for row in counts(&mut conn, RECOVERIES).await? {
        numbers.recovering += SignedDuration::from_micros(row.int("micros")?);
        numbers.recoveries.push(recoveries(&row)?);
    }
    let moments = conn.one(MOMENTS, args![]).await;
    let moments = moments.doing("look for what is oldest")?;
    numbers.oldest_due_at = moments.maybe_time("oldest_due_at")?;
    numbers.last_batch_began_at = moments.maybe_time("last_batch_began_at")?;
    Ok(numbers)
}

async fn counts(conn: &mut Conn, statement: &'static str) -> Result<Vec<Row>> {
    let found = conn.all(statement, args![]).await;
    found.doing("read what was counted")
}

fn recoveries(row: &Row) -> Result<Recoveries> {
    let le = row.int("le")?;
    Ok(Recoveries {
        within: (le < i64::MAX).then(|| SignedDuration::from_secs(le)),
        orders: row.count("orders")?,
    })
}

const VERDICTS: &str = "\
SELECT verdict AS name, failure_status, CAST(sum(orders) AS BIGINT) AS count FROM verdict_counts
GROUP BY verdict, failure_status ORDER BY verdict, failure_status";

const OUTCOMES: &str = "\
SELECT outcome AS name, failure_status, CAST(sum(attempts) AS BIGINT) AS count FROM outcome_counts
GROUP BY outcome, failure_status ORDER BY outcome, failure_status";

const RECOVERIES: &str = "\
SELECT b.le, CAST(coalesce(sum(c.orders), 0) AS BIGINT) AS orders, CAST(coalesce(sum(c.micros), 0) AS BIGINT) AS micros
FROM recovery_bounds AS b LEFT JOIN recovery_counts AS c ON c.le = b.le GROUP BY b.le ORDER BY b.le";

/// Each from the beginning of an index. A batch that runs is the newest by `processed_at`, too: that is its start until it ends.
pub(in crate::sql) const MOMENTS: &str = "\
SELECT
    (SELECT min(due_at) FROM (
        SELECT * FROM (SELECT due_at FROM orders INDEXED BY orders_due
            WHERE state = 'failed' AND (eligible = 1 OR manual = 1) AND manual = 1 ORDER BY due_at LIMIT 1) AS asked_for
        UNION ALL
        SELECT * FROM (SELECT due_at FROM orders INDEXED BY orders_due
            WHERE state = 'failed' AND (eligible = 1 OR manual = 1) AND manual = 0 ORDER BY due_at LIMIT 1) AS others
    ) AS due) AS oldest_due_at,
    (SELECT max(started_at) FROM (
        SELECT started_at FROM reprocessing_results WHERE one_order = 0 ORDER BY processed_at DESC LIMIT 2
    ) AS newest) AS last_batch_began_at";
