//! Operations, and the orders that they did not start.

use jiff::Timestamp;
use redrive_core::ids::OperationId;

use crate::contract::Result;
use crate::db::args;
use crate::error::Doing;
use crate::sql::SqlLedger;
use crate::{NotStarted, Operation, OrderPk, rows};

const NEWEST: &str = "\
SELECT * FROM operations WHERE created_at <= $1 AND (created_at < $1 OR id > $2) ORDER BY created_at DESC, id LIMIT $3";

pub(super) async fn newest(
    ledger: &SqlLedger,
    after: Option<(Timestamp, &OperationId)>,
    limit: u32,
) -> Result<Vec<Operation>> {
    // Before the first page there is a time that never comes.
    let (at, id) = after.map_or((i64::MAX, ""), |(at, id)| {
        (at.as_microsecond(), id.as_str())
    });
    let mut conn = ledger.read().await?;
    let found = conn.all(NEWEST, args![at, id, limit]).await;
    found
        .doing("list operations")?
        .iter()
        .map(rows::operation)
        .collect()
}

const NOT_STARTED: &str = "\
SELECT i.*, o.workflow_id, o.order_id FROM operation_items AS i JOIN orders AS o ON o.id = i.order_pk
WHERE i.operation_id = $1 AND i.state IN ('failed', 'skipped') AND (i.state, i.order_pk) > ($2, $3)
ORDER BY i.state, i.order_pk LIMIT $4";

pub(super) async fn not_started(
    ledger: &SqlLedger,
    id: &OperationId,
    after: Option<(bool, OrderPk)>,
    limit: u32,
) -> Result<Vec<NotStarted>> {
    let (state, pk) = match after {
        None => ("", 0),
        Some((true, pk)) => ("failed", pk),
        Some((false, pk)) => ("skipped", pk),
    };
    let args = args![id.as_str(), state, pk, limit];
    let mut conn = ledger.read().await?;
    let found = conn.all(NOT_STARTED, args).await;
    let found = found.doing("list what an operation did not start")?;
    found.iter().map(rows::not_started).collect()
}
