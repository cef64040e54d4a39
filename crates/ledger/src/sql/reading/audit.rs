//! What people did.

use jiff::Timestamp;

use crate::contract::Result;
use crate::db::{Query, Row};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::SqlLedger;
use crate::{AuditFilter, AuditRow};

pub(super) async fn list(
    ledger: &SqlLedger,
    filter: &AuditFilter,
    limit: u32,
) -> Result<Vec<AuditRow>> {
    let mut query = Query::new(
        "SELECT a.*, o.order_id, o.workflow_id FROM audit_events AS a LEFT JOIN orders AS o ON o.id = a.order_pk
         WHERE a.at >= ",
    );
    query.bind(filter.since.map_or(i64::MIN, Timestamp::as_microsecond));
    if let Some(actor) = &filter.actor {
        query.push(" AND a.actor = ").bind(actor.clone());
    }
    if let Some(action) = &filter.action {
        query.push(" AND a.action = ").bind(action.clone());
    }
    if let Some((at, id)) = filter.after {
        query
            .push(" AND (a.at, a.id) < (")
            .bind(at.as_microsecond());
        query.push(", ").bind(id).push(")");
    }
    query
        .push(" ORDER BY a.at DESC, a.id DESC LIMIT ")
        .bind(limit);
    let (statement, args) = query.build();
    let found = ledger
        .read()
        .await?
        .all(statement, args)
        .await
        .doing("read the audit trail")?;
    found.iter().map(row).collect()
}

fn row(row: &Row) -> Result<AuditRow> {
    Ok(AuditRow {
        id: row.int("id")?,
        at: row.time("at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        order_id: row.maybe_text("order_id")?,
        workflow_id: row.maybe_id("workflow_id")?,
        reason: row.text("reason")?,
        detail: row.maybe_text("detail")?,
    })
}
