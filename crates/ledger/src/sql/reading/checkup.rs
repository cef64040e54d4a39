//! What a check-up asks of the ledger.

use jiff::Timestamp;

use crate::contract::Result;
use crate::db::args;
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::SqlLedger;

pub(super) async fn waiting_by_status(ledger: &SqlLedger) -> Result<Vec<(String, u64)>> {
    let found = ledger
        .read()
        .await?
        .all(
            "SELECT failure_status, count(*) AS count FROM orders INDEXED BY orders_listed
         WHERE state = 'failed' GROUP BY failure_status ORDER BY failure_status",
            args![],
        )
        .await
        .doing("count waiting orders by status")?;
    found
        .iter()
        .map(|row| Ok((row.text("failure_status")?, row.count("count")?)))
        .collect()
}

pub(super) async fn without_start_request(
    ledger: &SqlLedger,
    failed_before: Timestamp,
) -> Result<u64> {
    ledger.read().await?.one("SELECT count(*) AS count FROM orders AS o WHERE o.closed_at IS NULL AND o.failed_at < $1
           AND NOT EXISTS (SELECT 1 FROM start_requests AS s WHERE s.order_pk = o.id)", args![failed_before.as_microsecond()])
    .await
    .doing("look for orders without a start request")?
    .count("count")
}
