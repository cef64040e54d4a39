//! The halt: a setting that stops every start.

use jiff::Timestamp;

use crate::contract::Result;
use crate::db::args;
use crate::error::Doing;
use crate::record::micros;
use crate::sql::home::{begin, set, setting};
use crate::sql::{SqlLedger, write};
use crate::{Halt, LedgerError, NewAuditEvent};

const HALT: &str = "halt";

pub(super) async fn halt(ledger: &SqlLedger, by: &NewAuditEvent, now: Timestamp) -> Result<bool> {
    let mut tx = begin(ledger).await?;
    if setting(&mut tx, HALT).await?.is_some() {
        return Ok(false);
    }
    let halt = Halt {
        by: by.actor.clone(),
        reason: by.reason.clone(),
        at: micros(now),
    };
    let text = serde_json::to_string(&halt).expect("a halt is texts and a time");
    set(&mut tx, HALT, &text).await?;
    write::audit(&mut tx, by, "halt", None, now).await?;
    tx.commit().await.doing("halt")?;
    Ok(true)
}

pub(super) async fn unhalt(ledger: &SqlLedger, by: &NewAuditEvent, now: Timestamp) -> Result<bool> {
    let mut tx = begin(ledger).await?;
    let done = tx
        .run("DELETE FROM settings WHERE key = $1", args![HALT])
        .await
        .doing("end the halt")?;
    if done == 0 {
        return Ok(false);
    }
    write::audit(&mut tx, by, "unhalt", None, now).await?;
    tx.commit().await.doing("end the halt")?;
    Ok(true)
}

pub(super) async fn halted(ledger: &SqlLedger) -> Result<Option<Halt>> {
    let Some(text) = setting(&mut ledger.read().await?, HALT).await? else {
        return Ok(None);
    };
    let halt = serde_json::from_str(&text);
    halt.map(Some).map_err(|_| LedgerError::Corrupt {
        what: "its halt",
        value: text.clone(),
    })
}
