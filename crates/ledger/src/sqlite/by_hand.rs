//! What runs by hand need beside the batch: a copy to rehearse on, verdicts to show, and what is due.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use redrive_core::decide::BatchRules;
use redrive_core::ids::BatchId;
use sqlx::sqlite::SqliteRow;

use crate::contract::Result;
use crate::error::Doing;
use crate::rows::Fields;
use crate::sqlite::SqliteLedger;
use crate::{Ledger, LedgerError, OrderVerdict, wire};

/// The copy's name in its folder.
const COPY: &str = "rehearsal.db";

/// Reads one moment of the ledger and writes nothing to it; others go on beside it.
pub(super) async fn copy_to(ledger: &SqliteLedger, folder: &Path) -> Result<Arc<dyn Ledger>> {
    let path = folder.join(COPY);
    let mut conn = ledger.unrestricted().await?;
    sqlx::query("VACUUM INTO $1")
        .bind(path.to_string_lossy().into_owned())
        .execute(&mut *conn)
        .await
        .doing("copy itself for a rehearsal")?;
    drop(conn);
    Ok(Arc::new(SqliteLedger::connect(&path).await?))
}

pub(super) async fn batch_verdicts(
    ledger: &SqliteLedger,
    batch: &BatchId,
) -> Result<Vec<OrderVerdict>> {
    let found = sqlx::query(
        "SELECT o.order_id, o.workflow_id, v.verdict, v.reason, o.failure_status,
             (SELECT a.number FROM attempts AS a
              WHERE a.order_pk = v.order_pk AND a.batch_id = v.batch_id AND a.run_id IS NOT NULL
              ORDER BY a.id DESC LIMIT 1) AS attempt
         FROM verdicts AS v JOIN orders AS o ON o.id = v.order_pk
         WHERE v.batch_id = $1 ORDER BY o.order_id, o.workflow_id",
    )
    .bind(batch.as_str())
    .fetch_all(&mut *ledger.read().await?)
    .await
    .doing("read a batch's verdicts")?;
    found.iter().map(verdict).collect()
}

fn verdict(row: &SqliteRow) -> Result<OrderVerdict> {
    let attempt = row.maybe_int("attempt")?.map(u32::try_from).transpose();
    Ok(OrderVerdict {
        order_id: row.text("order_id")?,
        workflow_id: row.id("workflow_id")?,
        verdict: row.named("verdict")?,
        reason: row.maybe_text("reason")?,
        attempt: attempt.map_err(|error| LedgerError::Corrupt {
            what: "an attempt's number",
            value: error.to_string(),
        })?,
        failure_status: row.text("failure_status")?,
    })
}

pub(super) async fn due_count(
    ledger: &SqliteLedger,
    rules: &BatchRules,
    due_by: Timestamp,
) -> Result<u64> {
    let statement = if rules.failure_statuses.is_empty() {
        "SELECT count(*) AS count FROM orders INDEXED BY orders_due
         WHERE state = 'failed' AND (eligible = 1 OR manual = 1) AND due_at <= $1 AND $2 = '[]'"
    } else {
        "SELECT count(*) AS count FROM orders
         WHERE state = 'failed' AND due_at <= $1
           AND (manual = 1 OR failure_status IN (SELECT value FROM json_each($2)))"
    };
    sqlx::query(statement)
        .bind(due_by.as_microsecond())
        .bind(wire::list(&rules.failure_statuses))
        .fetch_one(&mut *ledger.read().await?)
        .await
        .doing("count the orders that are due")?
        .count("count")
}

pub(super) async fn failure_statuses(ledger: &SqliteLedger) -> Result<Vec<String>> {
    // One look into the index a status, however many failures there are.
    sqlx::query_scalar(
        "WITH RECURSIVE seen (status) AS (
             SELECT min(failure_status) FROM failures
             UNION ALL
             SELECT (SELECT min(failure_status) FROM failures WHERE failure_status > status) FROM seen
             WHERE status IS NOT NULL
         )
         SELECT status FROM seen WHERE status IS NOT NULL ORDER BY status",
    )
    .fetch_all(&mut *ledger.read().await?)
    .await
    .doing("read the failure statuses")
}
