//! Carrying out what operators decide about an order, each in one transaction with its audit event.

use jiff::Timestamp;
use redrive_core::ids::WorkflowId;
use redrive_core::policy::Policy;

use crate::contract::Result;
use crate::error::Doing;
use crate::sql::dead_letter::latest;
use crate::sql::load::{self, Attempts};
use crate::sql::{SqlLedger, write};
use crate::transition::act::act as act_on;
use crate::transition::resolve::{Decided, park as park_order, resolve as resolve_order};
use crate::{Act, Acted, DeadLetter, LedgerError, NewAuditEvent, Resolve, Resolved};

pub(super) async fn resolve(
    ledger: &SqlLedger,
    policy: &Policy,
    decision: &Resolve,
    now: Timestamp,
) -> Result<Resolved> {
    let mut tx = ledger.begin().await?;
    let mut folios = load::by_workflow(&mut tx, &[&decision.workflow_id], Attempts::Open).await?;
    let Some(folio) = folios.first_mut() else {
        return Ok(Resolved::NoSuchOrder);
    };
    let pk = folio.order.row.pk;
    let entry = latest(&mut tx, pk).await?;
    match (
        resolve_order(folio, entry.as_ref(), decision, policy, now)?,
        entry,
    ) {
        (Decided::Already, Some(entry)) => return Ok(Resolved::Already(entry)),
        (Decided::Never | Decided::Already, _) => return Ok(Resolved::NotDeadLettered),
        (Decided::Done, _) => {}
    }
    write::folios(&mut tx, &folios, now).await?;
    write::audit(
        &mut tx,
        &decision.by,
        decision.resolution.as_str(),
        Some(pk),
        now,
    )
    .await?;
    let entry = latest(&mut tx, pk).await?;
    tx.commit().await.doing("commit an operator's decision")?;
    let gone = || LedgerError::Impossible {
        workflow_id: decision.workflow_id.clone(),
        what: "a dead letter that is gone",
    };
    entry.map(Resolved::Done).ok_or_else(gone)
}

pub(super) async fn park(
    ledger: &SqlLedger,
    workflow_id: &WorkflowId,
    by: &NewAuditEvent,
    now: Timestamp,
) -> Result<Option<DeadLetter>> {
    let mut tx = ledger.begin().await?;
    let mut folios = load::by_workflow(&mut tx, &[workflow_id], Attempts::Open).await?;
    let Some(folio) = folios.first_mut() else {
        return Ok(None);
    };
    if !park_order(folio, now)? {
        return Ok(None);
    }
    let pk = folio.order.row.pk;
    write::folios(&mut tx, &folios, now).await?;
    write::audit(&mut tx, by, "park", Some(pk), now).await?;
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
        return Ok(Acted::NotNow(folio.state()));
    }
    let row = folio.order.row.clone();
    write::folios(&mut tx, &folios, now).await?;
    write::audit(&mut tx, by, act.as_str(), Some(row.pk), now).await?;
    tx.commit().await.doing("commit an operator's act")?;
    Ok(Acted::Done(Box::new(row)))
}
