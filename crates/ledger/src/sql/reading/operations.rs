//! Operations, and the orders that they did not start.

use redrive_core::ids::OperationId;

use crate::contract::Result;
use crate::db::args;
use crate::error::Doing;
use crate::sql::SqlLedger;
use crate::{NotStarted, Operation, rows};

pub(super) async fn newest(ledger: &SqlLedger, limit: u32) -> Result<Vec<Operation>> {
    let statement = "SELECT * FROM operations ORDER BY created_at DESC, id LIMIT $1";
    let mut conn = ledger.read().await?;
    let found = conn.all(statement, args![limit]).await;
    found
        .doing("list operations")?
        .iter()
        .map(rows::operation)
        .collect()
}

const NOT_STARTED: &str = "\
SELECT i.*, o.workflow_id, o.order_id FROM operation_items AS i JOIN orders AS o ON o.id = i.order_pk
WHERE i.operation_id = $1 AND i.state IN ('failed', 'skipped') ORDER BY i.state, i.order_pk LIMIT $2";

pub(super) async fn not_started(
    ledger: &SqlLedger,
    id: &OperationId,
    limit: u32,
) -> Result<Vec<NotStarted>> {
    let mut conn = ledger.read().await?;
    let found = conn.all(NOT_STARTED, args![id.as_str(), limit]).await;
    let found = found.doing("list what an operation did not start")?;
    found.iter().map(rows::not_started).collect()
}
