//! The audit trail beside the orders' stories: what somebody did to a batch or to a scan.

use jiff::Timestamp;

use crate::NewAuditEvent;
use crate::contract::Result;
use crate::error::Doing;
use crate::sqlite::SqliteLedger;

pub(super) async fn record(
    ledger: &SqliteLedger,
    action: &str,
    subject: Option<&str>,
    by: &NewAuditEvent,
    now: Timestamp,
) -> Result<()> {
    let mut tx = ledger.begin().await?;
    sqlx::query(
        "INSERT INTO audit_events (at, actor, action, order_pk, reason, detail)
         VALUES ($1, $2, $3, (SELECT id FROM orders WHERE workflow_id = $5), $4, $5)",
    )
    .bind(now.as_microsecond())
    .bind(&by.actor)
    .bind(action)
    .bind(&by.reason)
    .bind(subject)
    .execute(&mut *tx)
    .await
    .doing("write an audit event")?;
    tx.commit().await.doing("write an audit event")
}
