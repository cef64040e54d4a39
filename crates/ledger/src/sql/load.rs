//! Reading orders and their attempts into folios.

use std::collections::HashMap;

use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::report::VerdictKind;

use crate::contract::Result;
use crate::db::{Conn, Row, Statement, Value, args};
use crate::error::Doing;
use crate::folio::Folio;
use crate::record::{AttemptRecord, OrderRecord};
use crate::rows::Fields;
use crate::{OrderPk, rows};

/// Which attempts a transaction needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempts {
    /// The open one.
    Open,
    /// Those that act on the order's failed run, the open one among them.
    OfFailedRun,
    /// All, oldest first.
    All,
}

// In the order of their keys, so that two transactions never wait for each other.
const BY_PK: Statement = Statement::both(
    "SELECT * FROM orders WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
)
.locked(LOCK);
const BY_WORKFLOW: Statement = Statement::both(
    "SELECT * FROM orders WHERE workflow_id IN (SELECT value FROM json_each($1)) ORDER BY id",
)
.locked(LOCK);
/// Orders that are read to be changed are nobody else's until the transaction ends. What refers to them may still be written.
const LOCK: &str = "FOR NO KEY UPDATE";

/// The folios of the orders with these keys.
pub(super) async fn by_pk(conn: &mut Conn, pks: &[OrderPk], which: Attempts) -> Result<Vec<Folio>> {
    let found = conn.all(BY_PK, args![pks]).await.doing("read orders")?;
    with_attempts(conn, &found, which).await
}

/// The folios of the orders with these workflow ids.
pub(super) async fn by_workflow(
    conn: &mut Conn,
    ids: &[&WorkflowId],
    which: Attempts,
) -> Result<Vec<Folio>> {
    let found = conn
        .all(
            BY_WORKFLOW,
            args![Value::texts(ids.iter().map(|id| id.as_str()))],
        )
        .await
        .doing("read orders")?;
    with_attempts(conn, &found, which).await
}

/// The folios of these rows of `orders`.
pub(super) async fn with_attempts(
    conn: &mut Conn,
    found: &[Row],
    which: Attempts,
) -> Result<Vec<Folio>> {
    let records: Vec<OrderRecord> = found.iter().map(rows::order).collect::<Result<_>>()?;
    let pks: Vec<OrderPk> = records.iter().map(|record| record.row.pk).collect();
    let mut attempts = attempts(conn, &pks, which).await?;
    let folio = |record: OrderRecord| {
        let own = attempts.remove(&record.row.pk).unwrap_or_default();
        Folio::stored(record, own)
    };
    Ok(records.into_iter().map(folio).collect())
}

/// Reads what the batch has said of the orders already.
pub(super) async fn said(conn: &mut Conn, batch: &BatchId, folios: &mut [Folio]) -> Result<()> {
    let pks: Vec<OrderPk> = folios.iter().map(|folio| folio.order.row.pk).collect();
    let found = conn
        .all(
            "SELECT order_pk, verdict FROM verdicts
         WHERE batch_id = $1 AND order_pk IN (SELECT value FROM json_each($2))",
            args![batch.as_str(), pks],
        )
        .await
        .doing("read a batch's verdicts")?;
    let mut said: HashMap<OrderPk, VerdictKind> = HashMap::new();
    for row in &found {
        said.insert(row.int("order_pk")?, row.named("verdict")?);
    }
    for folio in folios {
        folio.said = said.get(&folio.order.row.pk).copied();
    }
    Ok(())
}

/// The attempts of these orders, by order.
pub(super) async fn attempts(
    conn: &mut Conn,
    pks: &[OrderPk],
    which: Attempts,
) -> Result<HashMap<OrderPk, Vec<AttemptRecord>>> {
    let mut by_order: HashMap<OrderPk, Vec<AttemptRecord>> = HashMap::new();
    if pks.is_empty() {
        return Ok(by_order);
    }
    let statement = match which {
        Attempts::Open => {
            "SELECT a.* FROM json_each($1) AS j JOIN attempts AS a ON a.order_pk = j.value AND a.outcome IS NULL"
        }
        Attempts::OfFailedRun => {
            "SELECT a.* FROM json_each($1) AS j JOIN orders AS o ON o.id = j.value
             JOIN attempts AS a ON a.order_pk = o.id AND a.from_run_id = o.failed_run_id ORDER BY a.id"
        }
        Attempts::All => {
            "SELECT a.* FROM json_each($1) AS j JOIN attempts AS a ON a.order_pk = j.value ORDER BY a.id"
        }
    };
    let found = conn
        .all(statement, args![pks])
        .await
        .doing("read attempts")?;
    for row in &found {
        by_order
            .entry(row.int("order_pk")?)
            .or_default()
            .push(rows::attempt(row)?);
    }
    Ok(by_order)
}
