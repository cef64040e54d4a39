//! Batches' rows: opened, counted, finished.

use jiff::Timestamp;
use redrive_core::ids::BatchId;
use redrive_core::report::{ALERT_BACKLOG_BATCHES, BatchStatus, ReprocessingResult, alerts};

use crate::contract::Result;
use crate::db::{Conn, Row, Statement, Value, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::{SqlLedger, compact, operation};
use crate::tally::{self, Tally};
use crate::{BatchEnd, BatchOpening, BatchPlace, BatchRow, LedgerError, rows};

pub(super) async fn open(ledger: &SqlLedger, opening: &BatchOpening) -> Result<()> {
    let mut tx = ledger.begin().await?;
    tx.run("INSERT INTO reprocessing_results (batch_id, workflow_id, status, started_at, processed_at, one_order)
         VALUES ($1, $2, 'running', $3, $4, $5)
         ON CONFLICT (batch_id) DO UPDATE SET status = 'running', processed_at = excluded.processed_at, truncated = 0,
             error = NULL, alerts = '[]'
         WHERE reprocessing_results.status IN ('failed', 'abandoned')", args![opening.batch.as_str(), &opening.workflow_id, opening.started_at.as_microsecond(), Value::Instant(opening.started_at), opening.one_order])
    .await
    .doing("open a batch")?;
    tx.commit().await.doing("open a batch")
}

pub(super) async fn note_failed_phases(
    ledger: &SqlLedger,
    batch: &BatchId,
    scan: bool,
    settle: bool,
) -> Result<()> {
    let mut tx = ledger.begin().await?;
    tx.run(
        "UPDATE reprocessing_results SET
             scan_failed = CASE WHEN $2 = 1 THEN 1 ELSE scan_failed END,
             settle_failed = CASE WHEN $3 = 1 THEN 1 ELSE settle_failed END
         WHERE batch_id = $1 AND status = 'running'",
        args![batch.as_str(), scan, settle],
    )
    .await
    .doing("note what failed in a batch")?;
    tx.commit().await.doing("note what failed in a batch")
}

/// The end, with the phases that the batch's row says have failed.
async fn with_noted(conn: &mut Conn, batch: &BatchId, end: &BatchEnd) -> Result<BatchEnd> {
    let noted = conn
        .one(
            "SELECT scan_failed, settle_failed FROM reprocessing_results WHERE batch_id = $1",
            args![batch.as_str()],
        )
        .await
        .doing("read what failed in a batch")?;
    Ok(BatchEnd {
        scan_failed: end.scan_failed || noted.flag("scan_failed")?,
        settle_failed: end.settle_failed || noted.flag("settle_failed")?,
        ..end.clone()
    })
}

/// The numbers of a batch that runs, as they stand.
async fn so_far(conn: &mut Conn, batch: &BatchId, at: Timestamp) -> Result<ReprocessingResult> {
    let end = with_noted(conn, batch, &BatchEnd::default()).await?;
    Ok(tally(conn, batch).await?.result(batch, &end, at))
}

pub(super) async fn finish(
    ledger: &SqlLedger,
    batch: &BatchId,
    end: &BatchEnd,
    now: Timestamp,
) -> Result<BatchRow> {
    let mut tx = ledger.begin().await?;
    // Nothing that the batch still does slips in after the count: see `has_ended`.
    let row = read(&mut tx, batch, "FOR UPDATE").await?;
    if row.status != BatchStatus::Running {
        return Ok(row);
    }
    let end = with_noted(&mut tx, batch, end).await?;
    let result = tally(&mut tx, batch).await?.result(batch, &end, now);
    let mut newest = vec![tally::counts(&result)];
    if !row.one_order {
        let before = ended(&mut tx, LOOKED_BACK_ON).await?;
        newest.extend(before.iter().map(|row| tally::counts(&row.result)));
    }
    let row = BatchRow {
        status: tally::status(&end),
        alerts: alerts(&newest),
        error: end.error.clone(),
        result,
        ..row
    };
    write(&mut tx, &row, &end).await?;
    if end.abandoned {
        operation::abandon(&mut tx, batch, now).await?;
    }
    compact::counters(&mut tx).await?;
    tx.commit().await.doing("finish a batch")?;
    Ok(row)
}

async fn write(conn: &mut Conn, row: &BatchRow, end: &BatchEnd) -> Result<()> {
    let result = &row.result;
    let int = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    conn.run("UPDATE reprocessing_results SET status = $2, processed_at = $3, found_count = $4, restarted_count = $5,
             dlq_count = $6, error_count = $7, skipped_count = $8, recovered_count = $9, failed_again_count = $10,
             backlog_count = $11, scan_failed = $12, settle_failed = $13, truncated = $14, error = $15, alerts = $16
         WHERE batch_id = $1", args![&result.batch_id, row.status.as_str(), Value::Instant(result.processed_at), int(result.found_count), int(result.restarted_count), int(result.dlq_count), int(result.error_count), int(result.skipped_count), int(result.recovered_count), int(result.failed_again_count), int(result.backlog_count), end.scan_failed, end.settle_failed, end.truncated, &row.error, serde_json::to_string(&row.alerts).expect("alerts are names and numbers")])
    .await
    .doing("finish a batch")?;
    Ok(())
}

/// How many batches before one that ends its alerts look back on.
const LOOKED_BACK_ON: u32 = ALERT_BACKLOG_BATCHES as u32 - 1;

/// The batches that ended last. One order's retry is no sign of a backlog, and its end no sign of one less.
pub(super) async fn ended(conn: &mut Conn, limit: u32) -> Result<Vec<BatchRow>> {
    let found = conn
        .all(
            "SELECT * FROM reprocessing_results WHERE status <> 'running' AND one_order = 0
         ORDER BY processed_at DESC, started_at DESC LIMIT $1",
            args![limit],
        )
        .await
        .doing("read the last batches")?;
    found.iter().map(rows::batch).collect()
}

pub(super) async fn unfinished(ledger: &SqlLedger) -> Result<Vec<BatchRow>> {
    let mut conn = ledger.read().await?;
    let found = conn.all("SELECT * FROM reprocessing_results
         WHERE status = 'running' OR batch_id IN (SELECT claim_batch FROM orders WHERE state = 'claimed')
         ORDER BY started_at, batch_id", args![])
    .await
    .doing("read unfinished batches")?;
    live(&mut conn, &found).await
}

pub(super) async fn newest(
    ledger: &SqlLedger,
    after: Option<&BatchPlace>,
    limit: u32,
) -> Result<Vec<BatchRow>> {
    let (processed_at, started_at, batch) = match after {
        Some(place) => (place.processed_at, place.started_at, place.batch.as_str()),
        None => (Timestamp::MAX, Timestamp::MAX, ""),
    };
    let mut conn = ledger.read().await?;
    let found = conn
        .all(
            "SELECT * FROM reprocessing_results
         WHERE processed_at <= $1
             AND (processed_at < $1 OR started_at < $2 OR (started_at = $2 AND batch_id < $3))
         ORDER BY processed_at DESC, started_at DESC, batch_id DESC LIMIT $4",
            args![
                Value::Instant(processed_at),
                started_at.as_microsecond(),
                batch,
                limit
            ],
        )
        .await
        .doing("read batches")?;
    live(&mut conn, &found).await
}

/// The rows, those of running batches with their numbers as they stand now.
pub(super) async fn live(conn: &mut Conn, found: &[Row]) -> Result<Vec<BatchRow>> {
    let mut batches: Vec<BatchRow> = found.iter().map(rows::batch).collect::<Result<_>>()?;
    for row in batches
        .iter_mut()
        .filter(|row| row.status == BatchStatus::Running)
    {
        let batch = BatchId::from(row.result.batch_id.as_str());
        row.result = so_far(conn, &batch, row.result.processed_at).await?;
    }
    Ok(batches)
}

pub(super) async fn counts(
    ledger: &SqlLedger,
    batch: &BatchId,
    now: Timestamp,
) -> Result<ReprocessingResult> {
    let mut conn = ledger.read().await?;
    let row = read(&mut conn, batch, "").await?;
    if row.status != BatchStatus::Running {
        return Ok(row.result);
    }
    so_far(&mut conn, batch, now).await
}

async fn read(conn: &mut Conn, batch: &BatchId, lock: &'static str) -> Result<BatchRow> {
    let statement =
        Statement::both("SELECT * FROM reprocessing_results WHERE batch_id = $1").locked(lock);
    let found = conn
        .maybe(statement, args![batch.as_str()])
        .await
        .doing("read a batch")?;
    rows::batch(&found.ok_or_else(|| LedgerError::NoSuchBatch(batch.clone()))?)
}

/// Whether the batch's row was finished: what it still does, as a zombie, may not count any more.
pub(super) async fn has_ended(conn: &mut Conn, batch: &BatchId) -> Result<bool> {
    let statement = Statement::both("SELECT status FROM reprocessing_results WHERE batch_id = $1")
        .locked("FOR KEY SHARE");
    let found = conn
        .maybe(statement, args![batch.as_str()])
        .await
        .doing("look whether a batch has ended")?;
    Ok(match found {
        Some(row) => row.named::<BatchStatus>("status")? != BatchStatus::Running,
        None => false,
    })
}

/// Refuses what a batch that has ended wants to do.
pub(super) async fn goes_on(conn: &mut Conn, batch: &BatchId) -> Result<()> {
    if has_ended(conn, batch).await? {
        return Err(LedgerError::BatchEnded(batch.clone()));
    }
    Ok(())
}

async fn tally(conn: &mut Conn, batch: &BatchId) -> Result<Tally> {
    let found = conn.all("SELECT 'verdict' AS of, verdict AS name, count(*) AS count FROM verdicts WHERE batch_id = $1 GROUP BY verdict
         UNION ALL
         SELECT 'outcome', outcome, count(*) FROM attempts WHERE settled_batch = $1 GROUP BY outcome
         UNION ALL
         SELECT 'backlog', '', CAST(coalesce(sum(orders), 0) AS BIGINT) FROM order_counts WHERE backlog = 1", args![batch.as_str()])
    .await
    .doing("count what a batch did")?;
    let mut tally = Tally::default();
    for row in &found {
        let count = row.count("count")?;
        match row.text("of")?.as_str() {
            "verdict" => tally.add_verdicts(row.named("name")?, count),
            "outcome" => tally.add_outcomes(row.named("name")?, count),
            _ => tally.backlog = count,
        }
    }
    Ok(tally)
}
