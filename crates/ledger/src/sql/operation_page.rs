//! A page of an operation: the next entries are chosen, resolved and noted, and the cursor moves past them, in one
//! transaction.

use std::collections::HashMap;

use jiff::Timestamp;
use redrive_core::ids::{OperationId, WorkflowId};
use redrive_core::policy::Policy;

use crate::contract::Result;
use crate::db::{Conn, Row, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::operation_items::{self, Item, Stood};
use crate::sql::reading::dead_letters::{narrow, selected};
use crate::sql::resolve::{self, Decision, OneResolved};
use crate::sql::{SqlLedger, operation};
use crate::{
    DeadLetter, DeadLetterFilter, NewAuditEvent, Operation, OrderPk, Resolution, Resolved, rows,
};

/// What a page consists of.
#[derive(Debug, Default)]
struct Chosen {
    /// To be resolved.
    orders: Vec<WorkflowId>,
    /// Those of them that were closed when they were named, with their generations then.
    reopens: HashMap<WorkflowId, u32>,
    /// Decided by others.
    decided: Vec<(OrderPk, DeadLetter)>,
    /// The last entry of the page.
    cursor: Option<(Timestamp, i64)>,
    /// There is no more.
    exhausted: bool,
}

pub(super) async fn take(
    ledger: &SqlLedger,
    policy: &Policy,
    id: &OperationId,
    page: u32,
    size: u32,
    now: Timestamp,
) -> Result<Operation> {
    let mut tx = ledger.begin().await?;
    let known = operation::read(&mut tx, id).await?;
    if known.status.has_ended() || known.exhausted || known.pages != page {
        return Ok(known);
    }
    let by = NewAuditEvent {
        actor: known.actor.clone(),
        reason: known.reason.clone(),
    };
    let chosen = match &known.filter {
        Some(filter) => matching(&mut tx, &known, filter, size).await?,
        None => named(&mut tx, id, size).await?,
    };
    let decision = Decision {
        policy,
        resolution: Resolution::ManualRetry,
        by: &by,
        operation: Some(id),
        reopens: Some(&chosen.reopens),
        now,
    };
    let resolved = resolve::carry_out(&mut tx, &decision, &chosen.orders).await?;
    let stood = if known.filter.is_some() {
        Stood::New
    } else {
        Stood::Pending
    };
    operation_items::write(
        &mut tx,
        id,
        &items(id, resolved, &chosen.decided),
        stood,
        now,
    )
    .await?;
    turn(&mut tx, id, &chosen).await?;
    let operation = operation::read(&mut tx, id).await?;
    tx.commit().await.doing("commit a page of an operation")?;
    Ok(operation)
}

/// The next entries that match and wait; after the last of them, those that others have decided since the operation was
/// opened.
async fn matching(
    conn: &mut Conn,
    known: &Operation,
    filter: &DeadLetterFilter,
    size: u32,
) -> Result<Chosen> {
    let (after, most) = place(conn, &known.id).await?;
    let taken = known.waiting + known.started + known.failed + known.skipped;
    let room = most.map_or(u64::MAX, |most| most.saturating_sub(taken));
    let size = u64::from(size).min(room) as u32;
    let waiting = DeadLetterFilter {
        after: after.map(|(at, id)| (at.as_microsecond(), id)),
        ..filter.clone()
    };
    let found = entries(conn, &known.id, &waiting, None, size).await?;
    let mut chosen = Chosen {
        cursor: found
            .last()
            .map(|(_, entry)| (entry.created_at, entry.id))
            .or(after),
        orders: found
            .into_iter()
            .map(|(_, entry)| entry.workflow_id)
            .collect(),
        ..Chosen::default()
    };
    let left = size - chosen.orders.len() as u32;
    if left > 0 {
        let decided = DeadLetterFilter {
            resolved: Some(true),
            after: None,
            ..filter.clone()
        };
        let since = Some(known.created_at);
        chosen.decided = entries(conn, &known.id, &decided, since, left).await?;
    }
    let full = chosen.orders.len() + chosen.decided.len() >= size as usize;
    chosen.exhausted = !full || u64::from(size) == room;
    Ok(chosen)
}

/// Entries that match and that the operation has not taken, `decided_since` then.
async fn entries(
    conn: &mut Conn,
    id: &OperationId,
    filter: &DeadLetterFilter,
    decided_since: Option<Timestamp>,
    limit: u32,
) -> Result<Vec<(OrderPk, DeadLetter)>> {
    let mut query = selected("");
    narrow(&mut query, filter);
    if let Some(since) = decided_since {
        query
            .push(" AND d.resolved_at >= ")
            .bind(since.as_microsecond());
    }
    query
        .push(" AND coalesce((SELECT 1 FROM operation_items AS i WHERE i.order_pk = d.order_pk AND i.operation_id = ")
        .bind(id.as_str());
    query
        .push("), 0) <> 1 ORDER BY d.created_at, d.id LIMIT ")
        .bind(limit);
    let (statement, args) = query.build();
    let found = conn.all(statement, args).await;
    let entry = |row: &Row| Ok((row.int("order_pk")?, rows::dead_letter(row)?));
    found
        .doing("choose dead letters")?
        .iter()
        .map(entry)
        .collect()
}

/// The last entry that was taken, and how many may be taken in all.
async fn place(
    conn: &mut Conn,
    id: &OperationId,
) -> Result<(Option<(Timestamp, i64)>, Option<u64>)> {
    let statement = "SELECT cursor_at, cursor_id, most FROM operations WHERE id = $1";
    let row = conn.one(statement, args![id.as_str()]).await;
    let row = row.doing("read an operation's cursor")?;
    let cursor = row
        .maybe_time("cursor_at")?
        .zip(row.maybe_int("cursor_id")?);
    let most = match row.maybe_int("most")? {
        Some(_) => Some(row.count("most")?),
        None => None,
    };
    Ok((cursor, most))
}

/// The next orders that were named.
async fn named(conn: &mut Conn, id: &OperationId, size: u32) -> Result<Chosen> {
    let found = conn
        .all(PENDING, args![id.as_str(), size])
        .await
        .doing("read the orders of an operation")?;
    let mut chosen = Chosen {
        exhausted: found.len() < size as usize,
        ..Chosen::default()
    };
    for row in &found {
        let order: WorkflowId = row.id("workflow_id")?;
        if row.maybe_int("generation")?.is_some() {
            chosen
                .reopens
                .insert(order.clone(), row.number("generation")?);
        }
        chosen.orders.push(order);
    }
    Ok(chosen)
}

const PENDING: &str = "\
SELECT o.workflow_id, i.generation FROM operation_items AS i JOIN orders AS o ON o.id = i.order_pk
WHERE i.operation_id = $1 AND i.state = 'pending' ORDER BY i.order_pk LIMIT $2";

fn items(
    id: &OperationId,
    resolved: HashMap<WorkflowId, OneResolved>,
    decided: &[(OrderPk, DeadLetter)],
) -> Vec<Item> {
    let skipped = |order_pk, reason| Item {
        operation_id: id.to_string(),
        order_pk,
        state: "skipped",
        reason: Some(reason),
        ..Item::default()
    };
    let taken = resolved.into_values().map(|one| match one.resolved {
        Resolved::Done(_) => Item {
            operation_id: id.to_string(),
            order_pk: one.pk,
            state: "resolved",
            generation: Some(one.generation),
            ..Item::default()
        },
        Resolved::Already(entry) => skipped(one.pk, entry.decided_before()),
        Resolved::NotDeadLettered | Resolved::NoSuchOrder => {
            skipped(one.pk, "it is not in the dead letter queue".to_owned())
        }
    });
    let decided = decided
        .iter()
        .map(|(pk, entry)| skipped(*pk, entry.decided_before()));
    taken.chain(decided).collect()
}

/// Turns the page.
async fn turn(conn: &mut Conn, id: &OperationId, chosen: &Chosen) -> Result<()> {
    let args = args![
        id.as_str(),
        chosen.cursor.map(|(at, _)| at.as_microsecond()),
        chosen.cursor.map(|(_, entry)| entry),
        chosen.exhausted
    ];
    conn.run(TURN, args)
        .await
        .doing("turn an operation's page")?;
    Ok(())
}

const TURN: &str = "\
UPDATE operations SET pages = pages + 1, cursor_at = $2, cursor_id = $3, exhausted = $4 WHERE id = $1";
