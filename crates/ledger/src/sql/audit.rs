//! The audit trail beside the orders' stories: what somebody did to a batch or to a scan.

use jiff::Timestamp;

use crate::NewAuditEvent;
use crate::contract::Result;
use crate::db::{Conn, args};
use crate::error::Doing;
use crate::sql::SqlLedger;

pub(super) async fn record(
    ledger: &SqlLedger,
    action: &str,
    subject: Option<&str>,
    by: &NewAuditEvent,
    now: Timestamp,
) -> Result<()> {
    let mut tx = ledger.begin().await?;
    write(&mut tx, action, subject, by, now).await?;
    tx.commit().await.doing("write an audit event")
}

/// Writes what somebody did to `subject`.
pub(super) async fn write(
    conn: &mut Conn,
    action: &str,
    subject: Option<&str>,
    by: &NewAuditEvent,
    now: Timestamp,
) -> Result<()> {
    conn.run(
        "INSERT INTO audit_events (at, actor, action, order_pk, reason, detail)
         VALUES ($1, $2, $3, (SELECT id FROM orders WHERE workflow_id = $5), $4, $5)",
        args![now.as_microsecond(), &by.actor, action, &by.reason, subject],
    )
    .await
    .doing("write an audit event")?;
    Ok(())
}
