//! Operations' own rows: opened, begun, told of, ended.

use jiff::Timestamp;
use redrive_core::ids::{BatchId, OperationId};

use crate::contract::Result;
use crate::db::{Conn, Statement, args};
use crate::error::Doing;
use crate::limits::{at_another_rate, take};
use crate::record::micros;
use crate::rows::Fields;
use crate::sql::reading::dead_letters;
use crate::sql::{SqlLedger, audit, operation_items};
use crate::{
    Chosen, DeadLetterFilter, DeadLetterOrder, LedgerError, NewAuditEvent, Operation, OperationEnd,
    OperationOpening, OperationStatus, Turns, rows, wire,
};

/// The name of the opening in the audit trail.
const OPENED: &str = "retry_many";
/// The name of another rate.
const PACED: &str = "operation_rate";
/// Why an operation has failed whose batch was found dead.
const ABANDONED: &str = "its workflow has ended before its time";
/// Whoever reads an operation to change it has it alone until the transaction ends.
pub(super) const TO_CHANGE: &str = "FOR NO KEY UPDATE";

/// The operation of that id.
pub(super) async fn find(
    conn: &mut Conn,
    id: &OperationId,
    lock: &'static str,
) -> Result<Option<Operation>> {
    let statement = Statement::both("SELECT * FROM operations WHERE id = $1").locked(lock);
    let found = conn
        .maybe(statement, args![id.as_str()])
        .await
        .doing("read an operation")?;
    found.as_ref().map(rows::operation).transpose()
}

/// The operation of that id, which must be there, to be changed.
pub(super) async fn read(conn: &mut Conn, id: &OperationId) -> Result<Operation> {
    let missing = || LedgerError::NoSuchOperation(id.clone());
    find(conn, id, TO_CHANGE).await?.ok_or_else(missing)
}

pub(super) async fn open(
    ledger: &SqlLedger,
    opening: &OperationOpening,
    now: Timestamp,
) -> Result<Operation> {
    let mut tx = ledger.begin().await?;
    let (filter, limit) = match &opening.chosen {
        Chosen::Matching { filter, limit } => (Some(waiting_by(filter, now)), *limit),
        Chosen::Named(_) => (None, None),
    };
    let matched = match &filter {
        Some(filter) => dead_letters::count(&mut tx, filter).await?,
        None => 0,
    };
    let matched = matched.min(limit.map_or(u64::MAX, u64::from));
    let args = args![
        opening.id.as_str(),
        &opening.by.actor,
        &opening.by.reason,
        &filter.as_ref().map(wire::object),
        limit.map(i64::from),
        opening.per_second.map(per_1000_seconds),
        i64::try_from(matched).unwrap_or(i64::MAX),
        now.as_microsecond()
    ];
    let inserted = tx.run(OPEN, args).await.doing("open an operation")?;
    if inserted > 0 {
        if let Chosen::Named(orders) = &opening.chosen {
            operation_items::name(&mut tx, &opening.id, orders).await?;
        }
        let subject = Some(opening.id.as_str());
        audit::write(&mut tx, OPENED, subject, &opening.by, now).await?;
    }
    let operation = read(&mut tx, &opening.id).await?;
    tx.commit().await.doing("open an operation")?;
    Ok(operation)
}

const OPEN: &str = "\
INSERT INTO operations (id, kind, actor, reason, filter, most, per_1000_seconds, status, matched, created_at, updated_at)
VALUES ($1, 'manual_retry', $2, $3, $4, $5, $6, 'running', $7, $8, $8) ON CONFLICT (id) DO NOTHING";

/// Those of the filter that wait and came in before the operation.
fn waiting_by(filter: &DeadLetterFilter, now: Timestamp) -> DeadLetterFilter {
    let opened = micros(now);
    DeadLetterFilter {
        resolved: Some(false),
        before: Some(filter.before.map_or(opened, |before| before.min(opened))),
        order: DeadLetterOrder::Oldest,
        after: None,
        ..filter.clone()
    }
}

fn per_1000_seconds(per_second: f64) -> i64 {
    ((per_second * 1_000.0).round() as i64).max(1)
}

pub(super) async fn begin(
    ledger: &SqlLedger,
    id: &OperationId,
    batch: &BatchId,
    now: Timestamp,
) -> Result<Operation> {
    let mut tx = ledger.begin().await?;
    let args = args![id.as_str(), batch.as_str(), now.as_microsecond()];
    tx.run(BEGIN, args).await.doing("begin an operation")?;
    let operation = read(&mut tx, id).await?;
    tx.commit().await.doing("begin an operation")?;
    Ok(operation)
}

const BEGIN: &str = "\
UPDATE operations SET batch_id = $2, updated_at = $3, ended_at = NULL, error = NULL,
    status = CASE status WHEN 'failed' THEN 'running' ELSE status END
WHERE id = $1 AND status NOT IN ('stopped', 'completed') AND batch_id IS DISTINCT FROM $2";

pub(super) async fn note(
    ledger: &SqlLedger,
    id: &OperationId,
    paused: bool,
    now: Timestamp,
) -> Result<Operation> {
    let mut tx = ledger.begin().await?;
    let status = if paused {
        OperationStatus::Paused
    } else {
        OperationStatus::Running
    };
    let args = args![id.as_str(), status.as_str(), now.as_microsecond()];
    let noted = tx.run(NOTE, args).await;
    noted.doing("note what an operation was told")?;
    let operation = read(&mut tx, id).await?;
    tx.commit().await.doing("note what an operation was told")?;
    Ok(operation)
}

const NOTE: &str = "\
UPDATE operations SET status = $2, updated_at = $3 WHERE id = $1 AND status IN ('running', 'paused') AND status <> $2";

pub(super) async fn set_rate(
    ledger: &SqlLedger,
    id: &OperationId,
    per_second: Option<f64>,
    by: &NewAuditEvent,
    now: Timestamp,
) -> Result<Operation> {
    let mut tx = ledger.begin().await?;
    let rate = per_second.map(per_1000_seconds);
    let (now_micros, next) = (now.as_microsecond(), at_another_rate(now));
    let args = args![id.as_str(), rate, now_micros, next];
    let set = tx.run(SET_RATE, args).await;
    if set.doing("change an operation's rate")? > 0 {
        audit::write(&mut tx, PACED, Some(id.as_str()), by, now).await?;
    }
    let operation = read(&mut tx, id).await?;
    tx.commit().await.doing("change an operation's rate")?;
    Ok(operation)
}

const SET_RATE: &str = "\
UPDATE operations
SET per_1000_seconds = $2, updated_at = $3, next_at = CASE WHEN next_at > $4 THEN $4 ELSE next_at END
WHERE id = $1 AND status NOT IN ('stopped', 'completed') AND per_1000_seconds IS DISTINCT FROM $2";

pub(super) async fn turns(
    ledger: &SqlLedger,
    id: &OperationId,
    most: u32,
    now: Timestamp,
) -> Result<Turns> {
    let mut tx = ledger.begin().await?;
    // As for the turns that everybody shares: a few calls too many, at most.
    tx.may_be_lost().await.doing("take an operation's turns")?;
    let line = tx.maybe(LINE, args![id.as_str()]).await;
    let line = line
        .doing("read whose turn it is in an operation")?
        .ok_or_else(|| LedgerError::NoSuchOperation(id.clone()))?;
    let next = Timestamp::from_microsecond(line.int("next_at")?).unwrap_or(now);
    let rate = line.maybe_int("per_1000_seconds")?;
    let per_second = rate.map_or(f64::INFINITY, |starts| starts as f64 / 1_000.0);
    let (turns, next) = take(next, per_second, most, now);
    if turns.count > 0 {
        let taken = tx.run(TAKE, args![id.as_str(), next]).await;
        taken.doing("take an operation's turns")?;
    }
    tx.commit().await.doing("take an operation's turns")?;
    Ok(turns)
}

/// Whoever takes turns has the line to themselves until they are taken.
const LINE: Statement =
    Statement::both("SELECT next_at, per_1000_seconds FROM operations WHERE id = $1")
        .locked(TO_CHANGE);

const TAKE: &str = "UPDATE operations SET next_at = $2 WHERE id = $1";

pub(super) async fn end(
    ledger: &SqlLedger,
    id: &OperationId,
    end: &OperationEnd,
    now: Timestamp,
) -> Result<Operation> {
    let mut tx = ledger.begin().await?;
    let operation = read(&mut tx, id).await?;
    let (status, error) = match end {
        OperationEnd::Completed => (OperationStatus::Completed, None),
        OperationEnd::Stopped => (OperationStatus::Stopped, None),
        OperationEnd::Failed { error } => (OperationStatus::Failed, Some(error.as_str())),
    };
    let stands = match operation.status {
        // One that has failed may still be stopped.
        OperationStatus::Failed => status != OperationStatus::Stopped,
        known => known.has_ended(),
    };
    if stands {
        return Ok(operation);
    }
    if status.is_final() {
        operation_items::leave(&mut tx, id).await?;
    }
    let args = args![id.as_str(), status.as_str(), error, now.as_microsecond()];
    tx.run(END, args).await.doing("end an operation")?;
    let operation = read(&mut tx, id).await?;
    tx.commit().await.doing("end an operation")?;
    Ok(operation)
}

const END: &str = "\
UPDATE operations SET status = $2, error = $3, ended_at = $4, updated_at = $4 WHERE id = $1";

/// An operation ends with the batch that works for it. It can be resumed: what it has taken is known.
pub(super) async fn abandon(conn: &mut Conn, batch: &BatchId, now: Timestamp) -> Result<()> {
    let args = args![batch.as_str(), ABANDONED, now.as_microsecond()];
    conn.run(ABANDON, args)
        .await
        .doing("give up an operation")?;
    Ok(())
}

const ABANDON: &str = "\
UPDATE operations SET status = 'failed', error = $2, ended_at = $3, updated_at = $3
WHERE batch_id = $1 AND status IN ('running', 'paused')";
