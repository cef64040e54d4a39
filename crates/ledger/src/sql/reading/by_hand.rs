//! What runs by hand need beside the batch: what is due, and which statuses there are.

use jiff::Timestamp;
use redrive_core::decide::BatchRules;
use redrive_core::ids::BatchId;

use crate::contract::Result;
use crate::db::{Value, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::SqlLedger;

/// Claimed by the batch $2, or due as said: each from its index.
macro_rules! left {
    ($due:literal) => {
        concat!(
            "SELECT (SELECT count(*) FROM orders WHERE state = 'claimed' AND claim_batch = $2)
                 + (SELECT count(*) FROM orders WHERE state = 'failed' AND ",
            $due,
            ") AS count"
        )
    };
}

pub(super) async fn left_to(
    ledger: &SqlLedger,
    batch: &BatchId,
    rules: &BatchRules,
    due_by: Timestamp,
) -> Result<u64> {
    let mut args = args![due_by.as_microsecond(), batch.as_str()];
    let statement = if rules.failure_statuses.is_empty() {
        left!("(eligible = 1 OR manual = 1) AND due_at <= $1")
    } else {
        args.push(Value::texts(&rules.failure_statuses));
        left!(
            "due_at <= $1 AND (manual = 1 OR failure_status IN (SELECT value FROM json_each($3)))"
        )
    };
    ledger
        .read()
        .await?
        .one(statement, args)
        .await
        .doing("count the orders that are left")?
        .count("count")
}

pub(super) async fn failure_statuses(ledger: &SqlLedger) -> Result<Vec<String>> {
    // One look into the index a status, however many failures there are.
    let found = ledger.read().await?.all("WITH RECURSIVE seen (status) AS (
             SELECT min(failure_status) FROM failures
             UNION ALL
             SELECT (SELECT min(failure_status) FROM failures WHERE failure_status > status) FROM seen
             WHERE status IS NOT NULL
         )
         SELECT status FROM seen WHERE status IS NOT NULL ORDER BY status", args![])
    .await
    .doing("read the failure statuses")?;
    found.iter().map(|row| row.text("status")).collect()
}
