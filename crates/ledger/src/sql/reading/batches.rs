//! Batches one by one, and what they did a day.

use jiff::Timestamp;
use redrive_core::ids::BatchId;
use redrive_core::report::VerdictKind;

use crate::contract::Result;
use crate::db::{Row, Statement, Value, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::{SqlLedger, batch};
use crate::{BatchRow, BatchVerdict, Day, LedgerError};

pub(super) async fn one(ledger: &SqlLedger, id: &str) -> Result<Option<BatchRow>> {
    let mut conn = ledger.read().await?;
    let found = conn.all("SELECT * FROM reprocessing_results WHERE batch_id = $1
         UNION ALL
         SELECT * FROM (SELECT * FROM reprocessing_results WHERE workflow_id = $1 ORDER BY started_at DESC LIMIT 1) AS newest
         LIMIT 1", args![id])
    .await
    .doing("read a batch")?;
    Ok(batch::live(&mut conn, &found).await?.pop())
}

pub(super) async fn ended(ledger: &SqlLedger, limit: u32) -> Result<Vec<BatchRow>> {
    batch::ended(&mut ledger.read().await?, limit).await
}

pub(super) async fn verdicts(
    ledger: &SqlLedger,
    batch: &BatchId,
    wanted: Option<VerdictKind>,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<BatchVerdict>> {
    let found = ledger
        .read()
        .await?
        .all(
            "SELECT v.*, o.workflow_id, o.order_id, o.failure_status,
             (SELECT a.number FROM attempts AS a
              WHERE a.order_pk = v.order_pk AND a.batch_id = v.batch_id AND a.run_id IS NOT NULL
              ORDER BY a.id DESC LIMIT 1) AS attempt
         FROM verdicts AS v JOIN orders AS o ON o.id = v.order_pk
         WHERE v.batch_id = $1 AND v.order_pk > $2 AND ($4 = '' OR v.verdict = $4) ORDER BY v.order_pk LIMIT $3",
            args![
                batch.as_str(),
                after.unwrap_or(i64::MIN),
                limit,
                wanted.map_or("", VerdictKind::as_str)
            ],
        )
        .await
        .doing("read what a batch did")?;
    found.iter().map(verdict).collect()
}

fn verdict(row: &Row) -> Result<BatchVerdict> {
    Ok(BatchVerdict {
        pk: row.int("order_pk")?,
        workflow_id: row.id("workflow_id")?,
        order_id: row.text("order_id")?,
        failure_status: row.text("failure_status")?,
        verdict: row.named("verdict")?,
        reason: row.maybe_text("reason")?,
        attempt: match row.maybe_int("attempt")? {
            Some(_) => Some(row.number("attempt")?),
            None => None,
        },
        at: row.time("at")?,
    })
}

/// The days of UTC, in the spec's words where the database has them. A batch that runs belongs to the day it started on, as
/// the spec's query has it, and its numbers come with its end.
macro_rules! daily {
    ($day:literal) => {
        concat!(
            "SELECT ",
            $day,
            " AS day, count(*) AS batches, CAST(sum(restarted_count) AS BIGINT) AS restarted,
                CAST(sum(recovered_count) AS BIGINT) AS recovered,
                CAST(sum(failed_again_count) AS BIGINT) AS failed_again,
                CAST(sum(dlq_count) AS BIGINT) AS sent_to_dlq, CAST(sum(error_count) AS BIGINT) AS errors
             FROM reprocessing_results WHERE processed_at >= $1
             GROUP BY 1 ORDER BY 1 DESC"
        )
    };
}

const DAILY: Statement = Statement::each(
    daily!("date(processed_at / 1000000, 'unixepoch')"),
    daily!("to_char(date_trunc('day', processed_at), 'YYYY-MM-DD')"),
);

pub(super) async fn daily(ledger: &SqlLedger, since: Timestamp) -> Result<Vec<Day>> {
    let found = ledger
        .read()
        .await?
        .all(DAILY, args![Value::Instant(since)])
        .await
        .doing("sum up the days")?;
    found.iter().map(day).collect()
}

fn day(row: &Row) -> Result<Day> {
    let day = row.text("day")?;
    Ok(Day {
        day: day.parse().map_err(|_| LedgerError::Corrupt {
            what: "a day",
            value: day,
        })?,
        batches: row.count("batches")?,
        restarted: row.count("restarted")?,
        recovered: row.count("recovered")?,
        failed_again: row.count("failed_again")?,
        sent_to_dlq: row.count("sent_to_dlq")?,
        errors: row.count("errors")?,
    })
}
