//! Carrying out what operators decide about an order, each in one transaction with its audit event.

use std::collections::HashMap;

use jiff::Timestamp;
use redrive_core::ids::{OperationId, WorkflowId};
use redrive_core::policy::Policy;

use crate::contract::Result;
use crate::db::Conn;
use crate::error::Doing;
use crate::folio::Folio;
use crate::sql::dead_letter::{latest, latest_of};
use crate::sql::load::{self, Attempts};
use crate::sql::{SqlLedger, write};
use crate::transition::act::act as act_on;
use crate::transition::resolve::{Decided, park as park_order, resolve as resolve_order};
use crate::{
    Act, Acted, DeadLetter, LedgerError, NewAuditEvent, OrderPk, Park, Resolution, Resolve,
    Resolved,
};

/// What an operator decides, and as part of what.
pub(super) struct Decision<'a> {
    pub policy: &'a Policy,
    pub resolution: Resolution,
    pub by: &'a NewAuditEvent,
    /// The operation that carries it out.
    pub operation: Option<&'a OperationId>,
    /// The closed orders that a retry takes up again, with their generations; `None`: every one.
    pub reopens: Option<&'a HashMap<WorkflowId, u32>>,
    pub now: Timestamp,
}

/// What became of it for one order.
#[derive(Debug, Clone)]
pub(super) struct OneResolved {
    pub pk: OrderPk,
    /// The order's generation, after it.
    pub generation: u32,
    pub resolved: Resolved,
}

pub(super) async fn resolve(
    ledger: &SqlLedger,
    policy: &Policy,
    resolve: &Resolve,
    now: Timestamp,
) -> Result<Resolved> {
    let decision = Decision {
        policy,
        resolution: resolve.resolution,
        by: &resolve.by,
        operation: None,
        reopens: None,
        now,
    };
    let orders = std::slice::from_ref(&resolve.workflow_id);
    let resolved = resolve_many(ledger, &decision, orders).await?;
    Ok(resolved.into_iter().next().unwrap_or(Resolved::NoSuchOrder))
}

pub(super) async fn resolve_many(
    ledger: &SqlLedger,
    decision: &Decision<'_>,
    orders: &[WorkflowId],
) -> Result<Vec<Resolved>> {
    let mut tx = ledger.begin().await?;
    let mut resolved = carry_out(&mut tx, decision, orders).await?;
    tx.commit().await.doing("commit an operator's decision")?;
    let became = |order: &WorkflowId| match resolved.remove(order) {
        Some(one) => one.resolved,
        None => Resolved::NoSuchOrder,
    };
    Ok(orders.iter().map(became).collect())
}

/// Carries out the decision about each order that is known, whatever their number, with one statement a table.
pub(super) async fn carry_out(
    conn: &mut Conn,
    decision: &Decision<'_>,
    orders: &[WorkflowId],
) -> Result<HashMap<WorkflowId, OneResolved>> {
    let ids: Vec<&WorkflowId> = orders.iter().collect();
    let mut folios = load::by_workflow(conn, &ids, Attempts::Open).await?;
    let pks: Vec<OrderPk> = folios.iter().map(|folio| folio.order.row.pk).collect();
    let mut before = latest_of(conn, &pks).await?;
    let mut decided = Vec::with_capacity(folios.len());
    for folio in &mut folios {
        let entry = before.get(&folio.order.row.pk);
        decided.push(resolve_folio(folio, entry, decision)?);
    }
    let done = |decided: Decided| decided == Decided::Done;
    let changed = pks.iter().zip(&decided).filter(|(_, one)| done(**one));
    let changed: Vec<OrderPk> = changed.map(|(pk, _)| *pk).collect();
    write::folios(conn, &folios, decision.now).await?;
    write::audit_many(conn, decision, &changed).await?;
    let mut after = latest_of(conn, &changed).await?;
    let mut resolved = HashMap::with_capacity(folios.len());
    for (folio, decided) in folios.iter().zip(decided) {
        let row = &folio.order.row;
        let became = match decided {
            Decided::Done => Resolved::Done(after.remove(&row.pk).ok_or_else(|| gone(folio))?),
            Decided::Already => before
                .remove(&row.pk)
                .map_or(Resolved::NotDeadLettered, Resolved::Already),
            Decided::Never => Resolved::NotDeadLettered,
        };
        let one = OneResolved {
            pk: row.pk,
            generation: row.generation,
            resolved: became,
        };
        resolved.insert(row.workflow_id.clone(), one);
    }
    Ok(resolved)
}

fn resolve_folio(
    folio: &mut Folio,
    entry: Option<&DeadLetter>,
    decision: &Decision<'_>,
) -> Result<Decided> {
    let resolve = Resolve {
        workflow_id: folio.order.row.workflow_id.clone(),
        resolution: decision.resolution,
        by: decision.by.clone(),
    };
    let generation = folio.order.row.generation;
    let reopens = decision
        .reopens
        .is_none_or(|of| of.get(&resolve.workflow_id) == Some(&generation));
    let (policy, now) = (decision.policy, decision.now);
    resolve_order(folio, entry, &resolve, reopens, policy, now)
}

fn gone(folio: &Folio) -> LedgerError {
    LedgerError::Impossible {
        workflow_id: folio.order.row.workflow_id.clone(),
        what: "a dead letter that is gone",
    }
}

pub(super) async fn park(
    ledger: &SqlLedger,
    workflow_id: &WorkflowId,
    park: &Park,
    now: Timestamp,
) -> Result<Option<DeadLetter>> {
    let mut tx = ledger.begin().await?;
    let mut folios = load::by_workflow(&mut tx, &[workflow_id], Attempts::Open).await?;
    let Some(folio) = folios.first_mut() else {
        return Ok(None);
    };
    if !park_order(folio, park, now)? {
        tx.end().await.doing("leave an order")?;
        return Ok(None);
    }
    let pk = folio.order.row.pk;
    write::folios(&mut tx, &folios, now).await?;
    write::audit(&mut tx, &park.by, "park", Some(pk), now).await?;
    let entry = latest(&mut tx, pk).await?;
    tx.commit().await.doing("park an order")?;
    Ok(entry)
}

pub(super) async fn act(
    ledger: &SqlLedger,
    policy: &Policy,
    workflow_id: &WorkflowId,
    act: Act,
    by: &NewAuditEvent,
    now: Timestamp,
) -> Result<Acted> {
    let mut tx = ledger.begin().await?;
    let mut folios = load::by_workflow(&mut tx, &[workflow_id], Attempts::Open).await?;
    let Some(folio) = folios.first_mut() else {
        return Ok(Acted::NoSuchOrder);
    };
    if !act_on(folio, act, by, policy, now)? {
        tx.end().await.doing("leave an order")?;
        return Ok(Acted::NotNow(folio.state()));
    }
    let row = folio.order.row.clone();
    write::folios(&mut tx, &folios, now).await?;
    write::audit(&mut tx, by, act.as_str(), Some(row.pk), now).await?;
    tx.commit().await.doing("commit an operator's act")?;
    Ok(Acted::Done(Box::new(row)))
}
