//! Single facts about orders.

use jiff::Timestamp;
use redrive_core::ids::WorkflowId;

use crate::OrderPk;
use crate::contract::Result;
use crate::db::args;
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
    // Two are enough to know that an order id is not one order's.
    let found = ledger.read().await?.all("SELECT workflow_id FROM orders WHERE workflow_id = $1 OR order_id = $1 ORDER BY workflow_id <> $1 LIMIT 2", args![id])
    .await
    .doing("find an order")?;
    let found: Vec<String> = found
        .iter()
        .map(|row| row.text("workflow_id"))
        .collect::<Result<_>>()?;
    Ok(match found.as_slice() {
        [first, ..] if first == id => Some(WorkflowId::from(first.as_str())),
        [only] => Some(WorkflowId::from(only.as_str())),
        _ => None,
    })
}

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
