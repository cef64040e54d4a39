//! The orders of an operation: named, written as they are taken, learnt of, left.

use jiff::Timestamp;
use redrive_core::ids::{OperationId, WorkflowId};
use serde::Serialize;

use super::bulk::{insert, update};
use crate::contract::Result;
use crate::db::{Conn, Statement, Value, args};
use crate::error::Doing;
use crate::sql::{SqlLedger, operation};
use crate::transition::operation::{Facts, LEFT, Learnt, judge};
use crate::{Operation, OrderPk, rows, wire};

/// Orders looked at in one transaction: more than an operation ever has waiting.
const AT_A_TIME: u32 = 1_000;

/// A row to write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Item {
    pub operation_id: String,
    pub order_pk: OrderPk,
    pub state: &'static str,
    pub generation: Option<u32>,
    pub run_id: Option<String>,
    pub reason: Option<String>,
}

/// Names the orders that an operation is about.
pub(super) async fn name(conn: &mut Conn, id: &OperationId, orders: &[WorkflowId]) -> Result<()> {
    let orders = Value::texts(orders.iter().map(WorkflowId::as_str));
    let named = conn.run(NAME, args![id.as_str(), orders]).await;
    let named = named.doing("name the orders of an operation")?;
    let named = i64::try_from(named).unwrap_or(i64::MAX);
    conn.run(
        "UPDATE operations SET matched = $2 WHERE id = $1",
        args![id.as_str(), named],
    )
    .await
    .doing("count the orders of an operation")?;
    Ok(())
}

/// A pending one has a generation if its order is closed: who names it wants that reopened. One that is closed later is not.
const NAME: &str = "\
INSERT INTO operation_items (operation_id, order_pk, state, generation)
SELECT DISTINCT CAST($1 AS TEXT), o.id, 'pending', CASE WHEN o.closed_at IS NOT NULL THEN o.generation END
FROM json_each($2) AS j JOIN orders AS o ON o.workflow_id = j.value";

/// What stood of items before they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stood {
    /// Nothing.
    New,
    /// They were pending.
    Pending,
    /// They waited.
    Waiting,
}

/// Writes items, and counts them.
pub(super) async fn write(
    conn: &mut Conn,
    id: &OperationId,
    items: &[Item],
    stood: Stood,
    now: Timestamp,
) -> Result<()> {
    let lines = wire::list(items);
    let written = match stood {
        Stood::New => conn.run(INSERT, args![lines]).await,
        Stood::Pending | Stood::Waiting => conn.run(UPDATE, args![lines, id.as_str()]).await,
    };
    written.doing("write the orders of an operation")?;
    let count = |state: &str| items.iter().filter(|item| item.state == state).count() as i64;
    let waited = match stood {
        Stood::Waiting => items.len() as i64,
        Stood::New | Stood::Pending => 0,
    };
    let args = args![
        id.as_str(),
        count("resolved") - waited,
        count("started"),
        count("failed"),
        count("skipped"),
        now.as_microsecond()
    ];
    conn.run(COUNT, args)
        .await
        .doing("count the orders of an operation")?;
    Ok(())
}

const INSERT: Statement =
    insert!(operation_items: operation_id, order_pk, state, generation, run_id, reason);

const UPDATE: Statement = update!(
    operation_items by order_pk: state, generation, run_id, reason; "AND operation_items.operation_id = $2"
);

const COUNT: &str = "\
UPDATE operations SET waiting = waiting + $2, started = started + $3, failed = failed + $4, skipped = skipped + $5,
    updated_at = $6
WHERE id = $1";

pub(super) async fn learn(
    ledger: &SqlLedger,
    id: &OperationId,
    now: Timestamp,
) -> Result<Operation> {
    let mut tx = ledger.begin().await?;
    let known = operation::read(&mut tx, id).await?;
    let batch = known.batch.as_ref().map(|batch| batch.as_str());
    let args = args![id.as_str(), batch, AT_A_TIME];
    let found = tx.all(FACTS, args).await;
    let mut learnt = Vec::new();
    for row in &found.doing("look what became of an operation's orders")? {
        let facts = rows::facts(row)?;
        learnt.extend(item(id, &facts, judge(&facts)));
    }
    if learnt.is_empty() {
        return Ok(known);
    }
    write(&mut tx, id, &learnt, Stood::Waiting, now).await?;
    let operation = operation::read(&mut tx, id).await?;
    let committed = tx.commit().await;
    committed.doing("write what became of an operation's orders")?;
    Ok(operation)
}

fn item(id: &OperationId, facts: &Facts, learnt: Learnt) -> Option<Item> {
    let (state, run_id, reason) = match learnt {
        Learnt::Waits => return None,
        Learnt::Started(run) => ("started", Some(run.to_string()), None),
        Learnt::Failed(reason) => ("failed", None, Some(reason)),
        Learnt::Skipped(reason) => ("skipped", None, Some(reason)),
    };
    Some(Item {
        operation_id: id.to_string(),
        order_pk: facts.pk,
        state,
        generation: Some(facts.generation),
        run_id,
        reason,
    })
}

/// What the operation has taken and nobody has dealt with is left to the next batch.
pub(super) async fn leave(conn: &mut Conn, id: &OperationId) -> Result<()> {
    let left = conn.run(LEAVE, args![id.as_str(), LEFT]).await;
    let left = left.doing("leave the orders of an operation")?;
    let left = i64::try_from(left).unwrap_or(i64::MAX);
    conn.run(
        "UPDATE operations SET waiting = waiting - $2, failed = failed + $2 WHERE id = $1",
        args![id.as_str(), left],
    )
    .await
    .doing("count the orders of an operation")?;
    Ok(())
}

const LEAVE: &str = "\
UPDATE operation_items SET state = 'failed', reason = $2 WHERE operation_id = $1 AND state = 'resolved'";

const FACTS: &str = "\
SELECT i.order_pk, i.generation, o.state, o.item_errors, o.generation = i.generation AS is_current,
    coalesce(o.last_batch = $2, false) AS looked_at,
    (SELECT a.run_id FROM attempts AS a
     WHERE a.order_pk = i.order_pk AND a.generation = i.generation AND a.run_id IS NOT NULL ORDER BY a.id LIMIT 1) AS run_id,
    (SELECT coalesce(v.reason, v.verdict) FROM verdicts AS v WHERE v.batch_id = $2 AND v.order_pk = i.order_pk) AS said,
    (SELECT coalesce(v.reason, v.verdict) FROM verdicts AS v WHERE v.order_pk = i.order_pk ORDER BY v.at DESC LIMIT 1) AS said_last
FROM operation_items AS i INDEXED BY operation_items_waiting JOIN orders AS o ON o.id = i.order_pk
WHERE i.operation_id = $1 AND i.state = 'resolved' ORDER BY i.order_pk LIMIT $3";
