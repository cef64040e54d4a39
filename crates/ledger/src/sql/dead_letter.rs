//! Reading an entry of the dead letter queue in a transaction.

use crate::contract::Result;
use crate::db::{Conn, args};
use crate::error::Doing;
use crate::{DeadLetter, OrderPk, rows};

/// The order's newest entry.
pub(super) async fn latest(conn: &mut Conn, pk: OrderPk) -> Result<Option<DeadLetter>> {
    let found = conn.maybe("SELECT d.*, o.workflow_id, o.order_id, o.customer_id FROM dead_letters AS d JOIN orders AS o ON o.id = d.order_pk
         WHERE d.order_pk = $1 ORDER BY d.generation DESC LIMIT 1", args![pk])
    .await
    .doing("read a dead letter")?;
    found.as_ref().map(rows::dead_letter).transpose()
}
