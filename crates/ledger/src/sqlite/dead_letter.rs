//! Reading the dead letter queue.

use sqlx::SqliteConnection;

use crate::contract::Result;
use crate::error::Doing;
use crate::sqlite::SqliteLedger;
use crate::{DeadLetter, OrderPk, rows};

pub(super) async fn list(
    ledger: &SqliteLedger,
    resolved: bool,
    limit: u32,
) -> Result<Vec<DeadLetter>> {
    let statement = if resolved {
        "SELECT d.*, o.workflow_id, o.order_id FROM dead_letters AS d JOIN orders AS o ON o.id = d.order_pk
         ORDER BY d.created_at, d.id LIMIT $1"
    } else {
        "SELECT d.*, o.workflow_id, o.order_id FROM dead_letters AS d JOIN orders AS o ON o.id = d.order_pk
         WHERE d.resolved_at IS NULL ORDER BY d.created_at, d.id LIMIT $1"
    };
    let found = sqlx::query(statement)
        .bind(limit)
        .fetch_all(&mut *ledger.read().await?)
        .await
        .doing("list dead letters")?;
    found.iter().map(rows::dead_letter).collect()
}

/// The order's newest entry.
pub(super) async fn latest(conn: &mut SqliteConnection, pk: OrderPk) -> Result<Option<DeadLetter>> {
    let found = sqlx::query(
        "SELECT d.*, o.workflow_id, o.order_id FROM dead_letters AS d JOIN orders AS o ON o.id = d.order_pk
         WHERE d.order_pk = $1 ORDER BY d.generation DESC LIMIT 1",
    )
    .bind(pk)
    .fetch_optional(conn)
    .await
    .doing("read a dead letter")?;
    found.as_ref().map(rows::dead_letter).transpose()
}
