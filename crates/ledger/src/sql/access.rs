//! Tokens, and the sessions of those who signed in with one.

use jiff::Timestamp;

use crate::contract::Result;
use crate::db::{Row, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::{SqlLedger, audit};
use crate::{NewAuditEvent, Role, Token};

pub(super) async fn add_token(
    ledger: &SqlLedger,
    name: &str,
    role: Role,
    hash: &str,
    by: &NewAuditEvent,
    now: Timestamp,
) -> Result<Option<Token>> {
    let mut tx = ledger.begin().await?;
    let added = tx
        .run(
            "INSERT INTO tokens (name, role, hash, created_at, created_by) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO NOTHING",
            args![
                name,
                role.as_str(),
                hash,
                now.as_microsecond(),
                by.actor.as_str()
            ],
        )
        .await
        .doing("add a token")?;
    if added == 0 {
        return Ok(None);
    }
    let subject = format!("{name}, {}", role.as_str());
    audit::write(&mut tx, "create_token", Some(&subject), by, now).await?;
    tx.commit().await.doing("add a token")?;
    Ok(Some(Token {
        name: name.to_owned(),
        role,
        created_at: now,
        created_by: by.actor.clone(),
    }))
}

pub(super) async fn tokens(ledger: &SqlLedger) -> Result<Vec<Token>> {
    let found = ledger
        .read()
        .await?
        .all("SELECT * FROM tokens ORDER BY name", args![])
        .await
        .doing("list tokens")?;
    found.iter().map(row).collect()
}

pub(super) async fn remove_token(
    ledger: &SqlLedger,
    name: &str,
    by: &NewAuditEvent,
    now: Timestamp,
) -> Result<bool> {
    let mut tx = ledger.begin().await?;
    let removed = tx
        .run("DELETE FROM tokens WHERE name = $1", args![name])
        .await
        .doing("remove a token")?;
    if removed == 0 {
        return Ok(false);
    }
    audit::write(&mut tx, "revoke_token", Some(name), by, now).await?;
    tx.commit().await.doing("remove a token")?;
    Ok(true)
}

pub(super) async fn token(ledger: &SqlLedger, hash: &str) -> Result<Option<Token>> {
    let found = ledger
        .read()
        .await?
        .maybe("SELECT * FROM tokens WHERE hash = $1", args![hash])
        .await
        .doing("look up a token")?;
    found.as_ref().map(row).transpose()
}

pub(super) async fn begin_session(
    ledger: &SqlLedger,
    hash: &str,
    name: &str,
    ends_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let mut tx = ledger.begin().await?;
    tx.run(
        "DELETE FROM web_sessions WHERE ends_at <= $1",
        args![now.as_microsecond()],
    )
    .await
    .doing("forget old sessions")?;
    let begun = tx
        .run(
            "INSERT INTO web_sessions (hash, token, ends_at) SELECT $1, name, $3 FROM tokens WHERE name = $2",
            args![hash, name, ends_at.as_microsecond()],
        )
        .await
        .doing("begin a session")?;
    tx.commit().await.doing("begin a session")?;
    Ok(begun == 1)
}

pub(super) async fn session(
    ledger: &SqlLedger,
    hash: &str,
    now: Timestamp,
) -> Result<Option<Token>> {
    let found = ledger
        .read()
        .await?
        .maybe(
            "SELECT t.* FROM web_sessions AS s JOIN tokens AS t ON t.name = s.token WHERE s.hash = $1 AND s.ends_at > $2",
            args![hash, now.as_microsecond()],
        )
        .await
        .doing("look up a session")?;
    found.as_ref().map(row).transpose()
}

pub(super) async fn end_session(ledger: &SqlLedger, hash: &str) -> Result<()> {
    let mut tx = ledger.begin().await?;
    tx.run("DELETE FROM web_sessions WHERE hash = $1", args![hash])
        .await
        .doing("end a session")?;
    tx.commit().await.doing("end a session")
}

fn row(row: &Row) -> Result<Token> {
    Ok(Token {
        name: row.text("name")?,
        role: row.named("role")?,
        created_at: row.time("created_at")?,
        created_by: row.text("created_by")?,
    })
}
