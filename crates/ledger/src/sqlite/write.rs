//! Writing changed folios: one statement a table, whatever their number.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::contract::Result;
use crate::edit::Requests;
use crate::error::Doing;
use crate::folio::Folio;
use crate::{NewAuditEvent, OrderPk, wire};

/// Writes everything that has changed, but for the verdicts.
pub(super) async fn folios(
    conn: &mut SqliteConnection,
    folios: &[Folio],
    now: Timestamp,
) -> Result<()> {
    run(
        conn,
        INSERT_ORDERS,
        wire::orders(folios, true, now),
        "insert orders",
    )
    .await?;
    run(
        conn,
        UPDATE_ORDERS,
        wire::orders(folios, false, now),
        "update orders",
    )
    .await?;
    run(
        conn,
        DELETE_ATTEMPTS,
        wire::deleted_attempts(folios),
        "take back intents",
    )
    .await?;
    run(
        conn,
        UPDATE_ATTEMPTS,
        wire::attempts(folios, false),
        "update attempts",
    )
    .await?;
    run(
        conn,
        INSERT_ATTEMPTS,
        wire::attempts(folios, true),
        "insert attempts",
    )
    .await?;
    run(
        conn,
        INSERT_FAILURES,
        wire::failures(folios),
        "record failures",
    )
    .await?;
    save_requests(conn, folios, now).await?;
    run(
        conn,
        PRUNE_REQUESTS,
        wire::requests(folios, Requests::KeepFailedRun),
        "prune start requests",
    )
    .await?;
    run(
        conn,
        DROP_REQUESTS,
        wire::requests(folios, Requests::Drop),
        "drop start requests",
    )
    .await?;
    run(
        conn,
        OPEN_DEAD_LETTERS,
        wire::opened_dead_letters(folios),
        "open dead letters",
    )
    .await?;
    run(
        conn,
        FOLLOW_DEAD_LETTERS,
        wire::followed_dead_letters(folios),
        "update dead letters",
    )
    .await?;
    run(
        conn,
        CLOSE_DEAD_LETTERS,
        wire::closed_dead_letters(folios),
        "close dead letters",
    )
    .await
}

/// Writes what the batch did with the orders. A verdict stands, unless it said that the answer is not known, or that
/// nothing was done where something was after all.
pub(super) async fn verdicts(conn: &mut SqliteConnection, folios: &[Folio]) -> Result<()> {
    run(
        conn,
        INSERT_VERDICTS,
        wire::verdicts(folios),
        "record verdicts",
    )
    .await
}

/// Writes what somebody did.
pub(super) async fn audit(
    conn: &mut SqliteConnection,
    by: &NewAuditEvent,
    action: &str,
    order: Option<OrderPk>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query("INSERT INTO audit_events (at, actor, action, order_pk, reason) VALUES ($1, $2, $3, $4, $5)")
        .bind(now.as_microsecond())
        .bind(&by.actor)
        .bind(action)
        .bind(order)
        .bind(&by.reason)
        .execute(conn)
        .await
        .doing("write an audit event")?;
    Ok(())
}

async fn run(
    conn: &mut SqliteConnection,
    statement: &'static str,
    lines: Option<String>,
    doing: &'static str,
) -> Result<()> {
    if let Some(lines) = lines {
        sqlx::query(statement)
            .bind(lines)
            .execute(conn)
            .await
            .doing(doing)?;
    }
    Ok(())
}

async fn save_requests(
    conn: &mut SqliteConnection,
    folios: &[Folio],
    now: Timestamp,
) -> Result<()> {
    for folio in folios
        .iter()
        .filter(|folio| folio.requests != Requests::Drop)
    {
        for (seen, pending) in &folio.failures {
            let needed = *pending || seen.row.run_id == folio.order.row.failed_run;
            let Some(request) = seen.request.as_ref().filter(|_| needed) else {
                continue;
            };
            sqlx::query(
                "INSERT INTO start_requests (order_pk, run_id, request, saved_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (order_pk, run_id) DO NOTHING",
            )
            .bind(folio.order.row.pk)
            .bind(seen.row.run_id.as_str())
            .bind(request)
            .bind(now.as_microsecond())
            .execute(&mut *conn)
            .await
            .doing("save a start request")?;
        }
    }
    Ok(())
}

const INSERT_ORDERS: &str = "\
INSERT INTO orders (id, workflow_id, order_id, customer_id, workflow_type, state, failed_run_id, failed_at, failure_status, fingerprint,
    failure_reason, has_parent, eligible, due_at, next_check_at, created_at, updated_at)
SELECT value ->> 'id', value ->> 'workflow_id', value ->> 'order_id', value ->> 'customer_id',
    value ->> 'workflow_type', value ->> 'state',
    value ->> 'failed_run_id', value ->> 'failed_at', value ->> 'failure_status', value ->> 'fingerprint',
    value ->> 'failure_reason', value ->> 'has_parent', value ->> 'eligible', value ->> 'due_at',
    value ->> 'next_check_at', value ->> 'created_at', value ->> 'updated_at'
FROM json_each($1)";

const UPDATE_ORDERS: &str = "\
UPDATE orders SET
    state = j.value ->> 'state', generation = j.value ->> 'generation', retry_count = j.value ->> 'retry_count',
    item_errors = j.value ->> 'item_errors', failed_run_id = j.value ->> 'failed_run_id',
    failed_at = j.value ->> 'failed_at', failure_status = j.value ->> 'failure_status',
    fingerprint = j.value ->> 'fingerprint', failure_reason = j.value ->> 'failure_reason',
    has_parent = j.value ->> 'has_parent', eligible = j.value ->> 'eligible', manual = j.value ->> 'manual',
    due_at = j.value ->> 'due_at', last_batch = j.value ->> 'last_batch', claim_batch = j.value ->> 'claim_batch',
    claim_chunk = j.value ->> 'claim_chunk', fence = j.value ->> 'fence',
    followed_run_id = j.value ->> 'followed_run_id', followed_since = j.value ->> 'followed_since',
    next_check_at = j.value ->> 'next_check_at', checks = j.value ->> 'checks', closed_at = j.value ->> 'closed_at',
    resolution = j.value ->> 'resolution', updated_at = j.value ->> 'updated_at'
FROM json_each($1) AS j
WHERE orders.id = j.value ->> 'id'";

const DELETE_ATTEMPTS: &str = "DELETE FROM attempts WHERE id IN (SELECT value FROM json_each($1))";

const UPDATE_ATTEMPTS: &str = "\
UPDATE attempts SET
    run_id = j.value ->> 'run_id', started_at = j.value ->> 'started_at', outcome = j.value ->> 'outcome',
    note = j.value ->> 'note', settled_at = j.value ->> 'settled_at', settled_batch = j.value ->> 'settled_batch'
FROM json_each($1) AS j
WHERE attempts.id = j.value ->> 'id'";

const INSERT_ATTEMPTS: &str = "\
INSERT INTO attempts (order_pk, generation, number, from_run_id, request_id, batch_id, manual, intent_at)
SELECT value ->> 'order_pk', value ->> 'generation', value ->> 'number', value ->> 'from_run_id',
    value ->> 'request_id', value ->> 'batch_id', value ->> 'manual', value ->> 'intent_at'
FROM json_each($1)";

const INSERT_FAILURES: &str = "\
INSERT INTO failures (run_id, order_pk, first_run_id, run_status, failure_status, fingerprint, reason, has_parent,
    from_run_id, closed_at, observed_at, pending)
SELECT value ->> 'run_id', value ->> 'order_pk', value ->> 'first_run_id', value ->> 'run_status',
    value ->> 'failure_status', value ->> 'fingerprint', value ->> 'reason', value ->> 'has_parent',
    value ->> 'from_run_id', value ->> 'closed_at', value ->> 'observed_at', value ->> 'pending'
FROM json_each($1) WHERE true
ON CONFLICT (run_id) DO UPDATE SET pending = excluded.pending";

const PRUNE_REQUESTS: &str = "\
DELETE FROM start_requests
WHERE order_pk IN (SELECT value FROM json_each($1))
  AND run_id <> (SELECT failed_run_id FROM orders WHERE id = order_pk)
  AND NOT EXISTS (SELECT 1 FROM failures AS f WHERE f.run_id = start_requests.run_id AND f.pending = 1)";

const DROP_REQUESTS: &str = "\
DELETE FROM start_requests
WHERE order_pk IN (SELECT value FROM json_each($1))
  AND NOT EXISTS (SELECT 1 FROM failures AS f WHERE f.run_id = start_requests.run_id AND f.pending = 1)";

const OPEN_DEAD_LETTERS: &str = "\
INSERT INTO dead_letters (order_pk, generation, reason, failure_status, failure_reason, retry_count, batch_id, created_at,
    updated_at)
SELECT value ->> 'order_pk', value ->> 'generation', value ->> 'reason', value ->> 'failure_status',
    value ->> 'failure_reason', value ->> 'retry_count', value ->> 'batch_id', value ->> 'at', value ->> 'at'
FROM json_each($1) WHERE true
ON CONFLICT (order_pk, generation) DO NOTHING";

const FOLLOW_DEAD_LETTERS: &str = "\
UPDATE dead_letters SET
    failure_status = j.value ->> 'failure_status', failure_reason = j.value ->> 'failure_reason',
    retry_count = j.value ->> 'retry_count', updated_at = j.value ->> 'at'
FROM json_each($1) AS j
WHERE dead_letters.order_pk = j.value ->> 'order_pk' AND dead_letters.resolved_at IS NULL";

const CLOSE_DEAD_LETTERS: &str = "\
UPDATE dead_letters SET
    resolved_at = j.value ->> 'at', resolution = j.value ->> 'resolution', resolved_by = j.value ->> 'resolved_by',
    notes = j.value ->> 'notes', updated_at = j.value ->> 'at'
FROM json_each($1) AS j
WHERE dead_letters.order_pk = j.value ->> 'order_pk' AND dead_letters.resolved_at IS NULL";

const INSERT_VERDICTS: &str = "\
INSERT INTO verdicts (batch_id, order_pk, chunk, verdict, reason, at)
SELECT value ->> 'batch_id', value ->> 'order_pk', value ->> 'chunk', value ->> 'verdict', value ->> 'reason',
    value ->> 'at'
FROM json_each($1) WHERE true
ON CONFLICT (batch_id, order_pk) DO UPDATE SET verdict = excluded.verdict, reason = excluded.reason, at = excluded.at
WHERE verdicts.verdict = 'skipped' AND verdicts.reason = 'answer_unknown'
   OR excluded.verdict IN ('restarted', 'dlq') AND verdicts.verdict IN ('skipped', 'error')";
