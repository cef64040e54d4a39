//! The lines in which calls have their turns, one row a kind, and the rates that operators set.

use jiff::Timestamp;

use crate::contract::Result;
use crate::db::{Conn, Statement, args};
use crate::error::Doing;
use crate::limits::{at_another_rate, take};
use crate::rows::Fields;
use crate::sql::SqlLedger;
use crate::sql::home::{begin, set, setting};
use crate::{LedgerError, Limited, NewAuditEvent, Turns};

/// Whoever takes turns has the line to themselves until they are taken.
const LINE: Statement =
    Statement::both("SELECT next_at FROM turns WHERE name = $1").locked("FOR UPDATE");

pub(super) async fn take_turns(
    ledger: &SqlLedger,
    what: Limited,
    configured: f64,
    most: u32,
    now: Timestamp,
) -> Result<Turns> {
    let mut tx = ledger.begin().await?;
    // Turns that a crash of the database forgets are a quarter of a second's calls too many, at most.
    tx.may_be_lost().await.doing("take turns")?;
    let line = tx
        .one(LINE, args![what.as_str()])
        .await
        .doing("read whose turn it is")?;
    let next = Timestamp::from_microsecond(line.int("next_at")?).unwrap_or(now);
    let per_second = rate(&mut tx, what).await?.unwrap_or(configured);
    let (turns, next) = take(next, per_second, most, now);
    if turns.count > 0 {
        tx.run(
            "UPDATE turns SET next_at = $2 WHERE name = $1",
            args![what.as_str(), next],
        )
        .await
        .doing("take turns")?;
    }
    tx.commit().await.doing("take turns")?;
    Ok(turns)
}

pub(super) async fn set_limit(
    ledger: &SqlLedger,
    what: Limited,
    per_second: Option<f64>,
    by: &NewAuditEvent,
    now: Timestamp,
) -> Result<()> {
    let mut tx = begin(ledger).await?;
    let changes = rate(&mut tx, what).await? != per_second;
    let (action, detail) = match per_second {
        Some(rate) => {
            set(&mut tx, what.setting(), &rate.to_string()).await?;
            ("set_limit", format!("{} to {rate} a second", what.as_str()))
        }
        None => {
            tx.run("DELETE FROM settings WHERE key = $1", args![what.setting()])
                .await
                .doing("reset a limit")?;
            ("reset_limit", what.as_str().to_owned())
        }
    };
    if changes {
        tx.run(
            "UPDATE turns SET next_at = $2 WHERE name = $1 AND next_at > $2",
            args![what.as_str(), at_another_rate(now)],
        )
        .await
        .doing("let the line go on at another rate")?;
    }
    tx.run(
        "INSERT INTO audit_events (at, actor, action, reason, detail) VALUES ($1, $2, $3, $4, $5)",
        args![
            now.as_microsecond(),
            by.actor.as_str(),
            action,
            by.reason.as_str(),
            detail
        ],
    )
    .await
    .doing("write an audit event")?;
    tx.commit().await.doing("change a limit")
}

pub(super) async fn limits(ledger: &SqlLedger) -> Result<Vec<(Limited, f64)>> {
    let mut conn = ledger.read().await?;
    let mut set = Vec::new();
    for what in Limited::ALL {
        if let Some(rate) = rate(&mut conn, what).await? {
            set.push((what, rate));
        }
    }
    Ok(set)
}

/// The rate that an operator set.
async fn rate(conn: &mut Conn, what: Limited) -> Result<Option<f64>> {
    let Some(text) = setting(conn, what.setting()).await? else {
        return Ok(None);
    };
    let rate = text.parse();
    rate.map(Some).map_err(|_| LedgerError::Corrupt {
        what: "a limit",
        value: text.clone(),
    })
}
