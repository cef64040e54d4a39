//! Writing changed folios: one statement a table, whatever their number.

use jiff::Timestamp;
use redrive_core::ids::OperationId;

use super::bulk::{insert, update, update_of};
use super::resolve::Decision;
use crate::contract::Result;
use crate::db::{Conn, Statement, args};
use crate::edit::Requests;
use crate::error::Doing;
use crate::folio::Folio;
use crate::{NewAuditEvent, OrderPk, wire};

/// Writes everything that has changed, but for the verdicts.
pub(super) async fn folios(conn: &mut Conn, folios: &[Folio], now: Timestamp) -> Result<()> {
    let new = wire::new_orders(folios, now);
    run(conn, INSERT_ORDERS, new, "insert orders").await?;
    if let Some((columns, lines)) = wire::changed_orders(folios, now) {
        let update = update_of("orders", "id", &columns);
        run(conn, update, Some(lines), "update orders").await?;
    }
    let taken_back = wire::deleted_attempts(folios);
    of(conn, DELETE_ATTEMPTS, taken_back, "take back intents").await?;
    let changed = wire::attempts(folios, false);
    run(conn, UPDATE_ATTEMPTS, changed, "update attempts").await?;
    let new = wire::attempts(folios, true);
    run(conn, INSERT_ATTEMPTS, new, "insert attempts").await?;
    let failures = wire::failures(folios);
    run(conn, INSERT_FAILURES, failures, "record failures").await?;
    save_requests(conn, folios, now).await?;
    let pruned = wire::requests(folios, Requests::KeepFailedRun);
    of(conn, PRUNE_REQUESTS, pruned, "prune start requests").await?;
    let dropped = wire::requests(folios, Requests::Drop);
    of(conn, DROP_REQUESTS, dropped, "drop start requests").await?;
    let opened = wire::opened_dead_letters(folios);
    run(conn, OPEN_DEAD_LETTERS, opened, "open dead letters").await?;
    let followed = wire::followed_dead_letters(folios);
    run(conn, FOLLOW_DEAD_LETTERS, followed, "update dead letters").await?;
    let closed = wire::closed_dead_letters(folios);
    run(conn, CLOSE_DEAD_LETTERS, closed, "close dead letters").await
}

/// Writes what the batch did with the orders. A verdict stands, unless it said that the answer is not known, or that
/// nothing was done where something was after all.
pub(super) async fn verdicts(conn: &mut Conn, folios: &[Folio]) -> Result<()> {
    let lines = wire::verdicts(folios);
    run(conn, INSERT_VERDICTS, lines, "record verdicts").await
}

/// Writes what somebody did.
pub(super) async fn audit(
    conn: &mut Conn,
    by: &NewAuditEvent,
    action: &str,
    order: Option<OrderPk>,
    now: Timestamp,
) -> Result<()> {
    conn.run(
        "INSERT INTO audit_events (at, actor, action, order_pk, reason) VALUES ($1, $2, $3, $4, $5)",
        args![now.as_microsecond(), &by.actor, action, order, &by.reason],
    )
    .await
    .doing("write an audit event")?;
    Ok(())
}

/// Writes the same decision about many orders.
pub(super) async fn audit_many(
    conn: &mut Conn,
    decision: &Decision<'_>,
    orders: &[OrderPk],
) -> Result<()> {
    let args = args![
        decision.now.as_microsecond(),
        &decision.by.actor,
        decision.resolution.as_str(),
        &decision.by.reason,
        decision.operation.map(OperationId::as_str),
        orders
    ];
    let written = conn.run(AUDIT_MANY, args).await;
    written.doing("write audit events")?;
    Ok(())
}

const AUDIT_MANY: &str = "\
INSERT INTO audit_events (at, actor, action, order_pk, reason, detail)
SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT), j.value, CAST($4 AS TEXT), CAST($5 AS TEXT)
FROM json_each($6) AS j";

async fn run(
    conn: &mut Conn,
    statement: Statement,
    lines: Option<String>,
    doing: &'static str,
) -> Result<()> {
    if let Some(lines) = lines {
        conn.run(statement, args![lines]).await.doing(doing)?;
    }
    Ok(())
}

async fn of(
    conn: &mut Conn,
    statement: &'static str,
    keys: Vec<i64>,
    doing: &'static str,
) -> Result<()> {
    if !keys.is_empty() {
        conn.run(statement, args![keys]).await.doing(doing)?;
    }
    Ok(())
}

/// Start requests are bytes, which JSON cannot hold: they come in one row, and the lines say where in it each stands.
async fn save_requests(conn: &mut Conn, folios: &[Folio], now: Timestamp) -> Result<()> {
    for saved in wire::saved_requests(folios) {
        let args = args![saved.lines(), saved.bytes, now.as_microsecond()];
        let written = conn.run(SAVE_REQUESTS, args).await;
        written.doing("save start requests")?;
    }
    Ok(())
}

const INSERT_ORDERS: Statement = insert!(
    orders: id, workflow_id, order_id, customer_id, workflow_type, state, failed_run_id, failed_at, failure_status,
    fingerprint, failure_reason, has_parent, eligible, due_at, next_check_at, created_at, updated_at
);

const DELETE_ATTEMPTS: &str = "DELETE FROM attempts WHERE id IN (SELECT value FROM json_each($1))";

const UPDATE_ATTEMPTS: Statement =
    update!(attempts by id: run_id, started_at, outcome, note, settled_at, settled_batch);

const INSERT_ATTEMPTS: Statement = insert!(
    attempts: order_pk, generation, number, from_run_id, request_id, batch_id, manual, intent_at
);

const INSERT_FAILURES: Statement = insert!(
    failures: run_id, order_pk, first_run_id, run_status, failure_status, fingerprint, reason, has_parent, from_run_id,
    closed_at, observed_at, pending;
    "ON CONFLICT (run_id) DO UPDATE SET pending = excluded.pending"
);

const SAVE_REQUESTS: Statement = Statement::each(
    "WITH j (value) AS MATERIALIZED (SELECT value FROM json_each($1))
     INSERT INTO start_requests (order_pk, run_id, request, saved_at)
     SELECT j.value ->> 'order_pk', j.value ->> 'run_id',
            substr($2, j.value ->> 'first_byte', j.value ->> 'length'), $3
     FROM j WHERE true
     ON CONFLICT (order_pk, run_id) DO NOTHING",
    "INSERT INTO start_requests (order_pk, run_id, request, saved_at)
     SELECT j.order_pk, j.run_id, substr($2, j.first_byte, j.length), $3
     FROM jsonb_to_recordset($1::jsonb) AS j (order_pk BIGINT, run_id TEXT, first_byte INT, length INT)
     ON CONFLICT (order_pk, run_id) DO NOTHING",
);

const PRUNE_REQUESTS: &str = "\
DELETE FROM start_requests
WHERE order_pk IN (SELECT value FROM json_each($1))
  AND run_id <> (SELECT failed_run_id FROM orders WHERE id = order_pk)
  AND NOT EXISTS (SELECT 1 FROM failures AS f WHERE f.run_id = start_requests.run_id AND f.pending = 1)";

const DROP_REQUESTS: &str = "\
DELETE FROM start_requests
WHERE order_pk IN (SELECT value FROM json_each($1))
  AND NOT EXISTS (SELECT 1 FROM failures AS f WHERE f.run_id = start_requests.run_id AND f.pending = 1)";

const OPEN_DEAD_LETTERS: Statement = insert!(
    dead_letters: order_pk, generation, reason, escalation_level, failure_status, failure_reason, retry_count, batch_id,
    created_at, updated_at;
    "ON CONFLICT (order_pk, generation) DO NOTHING"
);

const FOLLOW_DEAD_LETTERS: Statement = update!(
    dead_letters by order_pk: failure_status, failure_reason, retry_count, updated_at;
    "AND dead_letters.resolved_at IS NULL"
);

const CLOSE_DEAD_LETTERS: Statement = update!(
    dead_letters by order_pk: resolved_at, resolution, resolved_by, notes, updated_at;
    "AND dead_letters.resolved_at IS NULL"
);

const INSERT_VERDICTS: Statement = insert!(
    verdicts: batch_id, order_pk, chunk, verdict, reason, at;
    "ON CONFLICT (batch_id, order_pk) DO UPDATE SET verdict = excluded.verdict, reason = excluded.reason, at = excluded.at
     WHERE verdicts.verdict = 'skipped' AND verdicts.reason = 'answer_unknown'
        OR excluded.verdict IN ('restarted', 'dlq') AND verdicts.verdict IN ('skipped', 'error')"
);
