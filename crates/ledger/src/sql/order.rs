//! Single facts about orders.

use std::collections::HashMap;

use jiff::Timestamp;
use redrive_core::ids::WorkflowId;

use crate::OrderPk;
use crate::contract::Result;
use crate::db::{Value, args, storable};
use crate::error::Doing;
use crate::record::decompress;
use crate::rows::Fields;
use crate::sql::SqlLedger;

pub(super) async fn start_request(ledger: &SqlLedger, pk: OrderPk) -> Result<Option<Vec<u8>>> {
    let found = ledger
        .read()
        .await?
        .maybe(
            // The failed run's own; of a restart that vanished unread, the one it was started with.
            "SELECT s.request FROM start_requests AS s JOIN orders AS o ON o.id = s.order_pk
         WHERE s.order_pk = $1 ORDER BY o.failed_run_id = s.run_id DESC, s.saved_at DESC LIMIT 1",
            args![pk],
        )
        .await
        .doing("read a start request")?;
    found
        .map(|row| decompress(&row.bytes("request")?))
        .transpose()
}

pub(super) async fn find(ledger: &SqlLedger, id: &str) -> Result<Option<WorkflowId>> {
    let found = named(ledger, &[id.to_owned()]).await?;
    let found = found.into_iter().flatten().next();
    Ok(found.map(|(workflow_id, _)| workflow_id))
}

/// The workflow id and the order id of what each of `ids` names, in their order.
pub(super) async fn named(
    ledger: &SqlLedger,
    ids: &[String],
) -> Result<Vec<Option<(WorkflowId, String)>>> {
    let found = ledger
        .read()
        .await?
        .all(NAMED, args![Value::texts(ids)])
        .await
        .doing("find orders")?;
    let mut by_name: HashMap<String, (WorkflowId, String)> = HashMap::with_capacity(found.len());
    for row in &found {
        let order = (row.text("workflow_id")?.into(), row.text("order_id")?);
        by_name.insert(row.text("asked")?, order);
    }
    let order = |id: &String| by_name.get(&storable(id)).cloned();
    Ok(ids.iter().map(order).collect())
}

/// A workflow id comes first. Two orders are enough to know that an order id is not one order's.
const NAMED: &str = "\
SELECT j.value AS asked, o.workflow_id, o.order_id FROM json_each($1) AS j JOIN orders AS o ON o.id = coalesce(
    (SELECT id FROM orders WHERE workflow_id = j.value),
    (SELECT CASE WHEN count(*) = 1 THEN min(id) END FROM (SELECT id FROM orders WHERE order_id = j.value LIMIT 2) AS same))";

pub(super) async fn state_counts(ledger: &SqlLedger) -> Result<Vec<(String, u64)>> {
    let found = ledger
        .read()
        .await?
        .all(
            "SELECT state, count(*) AS count FROM orders GROUP BY state ORDER BY state",
            args![],
        )
        .await
        .doing("count orders")?;
    found
        .iter()
        .map(|row| Ok((row.text("state")?, row.count("count")?)))
        .collect()
}

pub(super) async fn next_work_at(ledger: &SqlLedger) -> Result<Option<Timestamp>> {
    let found = ledger.read().await?.one("SELECT min(at) AS at FROM (
             SELECT min(due_at) AS at FROM orders WHERE state = 'failed' AND (eligible = 1 OR manual = 1)
             UNION ALL SELECT min(next_check_at) FROM orders WHERE state = 'in_flight'
             UNION ALL SELECT min(updated_at) FROM orders WHERE state = 'claimed'
             UNION ALL SELECT min(f.observed_at)
                 FROM failures AS f INDEXED BY failures_pending JOIN orders AS o ON o.id = f.order_pk
                 WHERE f.pending = 1 AND o.state NOT IN ('claimed', 'in_flight')
         ) AS work", args![])
    .await
    .doing("look for work that is left")?;
    found.maybe_time("at")
}
