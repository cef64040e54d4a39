//! Reading an entry of the dead letter queue in a transaction.

use std::collections::HashMap;

use crate::contract::Result;
use crate::db::{Conn, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::{DeadLetter, OrderPk, rows};

const LATEST_OF: &str = "\
SELECT d.*, o.workflow_id, o.order_id, o.customer_id
FROM json_each($1) AS j JOIN orders AS o ON o.id = j.value JOIN dead_letters AS d ON d.order_pk = o.id
WHERE d.generation = (SELECT max(generation) FROM dead_letters WHERE order_pk = o.id)";

/// The newest entry of each order that has one.
pub(super) async fn latest_of(
    conn: &mut Conn,
    pks: &[OrderPk],
) -> Result<HashMap<OrderPk, DeadLetter>> {
    let found = conn
        .all(LATEST_OF, args![pks])
        .await
        .doing("read dead letters")?;
    let entry = |row| Ok((Fields::int(row, "order_pk")?, rows::dead_letter(row)?));
    found.iter().map(entry).collect()
}

/// The order's newest entry.
pub(super) async fn latest(conn: &mut Conn, pk: OrderPk) -> Result<Option<DeadLetter>> {
    let found = conn.maybe("SELECT d.*, o.workflow_id, o.order_id, o.customer_id FROM dead_letters AS d JOIN orders AS o ON o.id = d.order_pk
         WHERE d.order_pk = $1 ORDER BY d.generation DESC LIMIT 1", args![pk])
    .await
    .doing("read a dead letter")?;
    found.as_ref().map(rows::dead_letter).transpose()
}
