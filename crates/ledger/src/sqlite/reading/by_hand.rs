//! What runs by hand need beside the batch: a copy to rehearse on, what is due, and which statuses there are.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use redrive_core::decide::BatchRules;
use redrive_core::ids::BatchId;

use crate::contract::Result;
use crate::error::Doing;
use crate::rows::Fields;
use crate::sqlite::SqliteLedger;
use crate::{Copied, wire};

/// The copy's name in its folder.
const COPY: &str = "rehearsal.db";

/// Reads one moment of the ledger and writes nothing to it; others go on beside it.
pub(super) async fn copy_to(ledger: &SqliteLedger, folder: &Path) -> Result<Copied> {
    let path = folder.join(COPY);
    let mut conn = ledger.unrestricted().await?;
    sqlx::query("VACUUM INTO $1")
        .bind(path.to_string_lossy().into_owned())
        .execute(&mut *conn)
        .await
        .doing("copy itself for a rehearsal")?;
    drop(conn);
    let copy = SqliteLedger::connect(&path).await?;
    Ok(Copied {
        ledger: Arc::new(copy.clone()),
        reader: Arc::new(copy),
    })
}

/// Claimed by the batch $3, or due as said: each from its index.
macro_rules! left {
    ($due:literal) => {
        concat!(
            "SELECT (SELECT count(*) FROM orders WHERE state = 'claimed' AND claim_batch = $3)
                 + (SELECT count(*) FROM orders WHERE state = 'failed' AND ",
            $due,
            ") AS count"
        )
    };
}

pub(super) async fn left_to(
    ledger: &SqliteLedger,
    batch: &BatchId,
    rules: &BatchRules,
    due_by: Timestamp,
) -> Result<u64> {
    let statement = if rules.failure_statuses.is_empty() {
        left!("(eligible = 1 OR manual = 1) AND due_at <= $1 AND $2 = '[]'")
    } else {
        left!(
            "due_at <= $1 AND (manual = 1 OR failure_status IN (SELECT value FROM json_each($2)))"
        )
    };
    sqlx::query(statement)
        .bind(due_by.as_microsecond())
        .bind(wire::list(&rules.failure_statuses))
        .bind(batch.as_str())
        .fetch_one(&mut *ledger.read().await?)
        .await
        .doing("count the orders that are left")?
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
