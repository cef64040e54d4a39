//! Reading an entry of the dead letter queue in a transaction.

use sqlx::SqliteConnection;

use crate::contract::Result;
use crate::error::Doing;
use crate::{DeadLetter, OrderPk, rows};

/// The order's newest entry.
pub(super) async fn latest(conn: &mut SqliteConnection, pk: OrderPk) -> Result<Option<DeadLetter>> {
    let found = sqlx::query(
        "SELECT d.*, o.workflow_id, o.order_id, o.customer_id FROM dead_letters AS d JOIN orders AS o ON o.id = d.order_pk
         WHERE d.order_pk = $1 ORDER BY d.generation DESC LIMIT 1",
    )
    .bind(pk)
    .fetch_optional(conn)
    .await
    .doing("read a dead letter")?;
    found.as_ref().map(rows::dead_letter).transpose()
}
