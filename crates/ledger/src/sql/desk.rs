//! The HTTP side's memory, in a table of its own.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::contract::Result;
use crate::db::args;
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::again::again;
use crate::sql::{SqlLedger, access};
use crate::{Answer, Begun, Desk, NewAuditEvent, Role, Token};

/// For so long an answer is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);
/// Longer than any request takes.
const LOST: SignedDuration = SignedDuration::from_mins(2);

#[async_trait]
impl Desk for SqlLedger {
    async fn begin_request(&self, key: &str, digest: &str, now: Timestamp) -> Result<Begun> {
        again(|| begin(self, key, digest, now)).await
    }

    async fn end_request(&self, key: &str, answer: Option<&Answer>) -> Result<()> {
        again(|| end(self, key, answer)).await
    }

    async fn add_token(
        &self,
        name: &str,
        role: Role,
        hash: &str,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<Option<Token>> {
        again(|| access::add_token(self, name, role, hash, by, now)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        access::tokens(self).await
    }

    async fn remove_token(&self, name: &str, by: &NewAuditEvent, now: Timestamp) -> Result<bool> {
        again(|| access::remove_token(self, name, by, now)).await
    }

    async fn token(&self, hash: &str) -> Result<Option<Token>> {
        access::token(self, hash).await
    }

    async fn begin_session(
        &self,
        hash: &str,
        name: &str,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        again(|| access::begin_session(self, hash, name, ends_at, now)).await
    }

    async fn session(&self, hash: &str, now: Timestamp) -> Result<Option<Token>> {
        access::session(self, hash, now).await
    }

    async fn end_session(&self, hash: &str) -> Result<()> {
        again(|| access::end_session(self, hash)).await
    }
}

async fn begin(ledger: &SqlLedger, key: &str, digest: &str, now: Timestamp) -> Result<Begun> {
    let mut tx = ledger.begin().await?;
    let before = |span: SignedDuration| (now - span).as_microsecond();
    tx.run(
        "DELETE FROM api_requests WHERE began_at < $1 OR began_at < $2 AND status IS NULL AND key = $3",
        args![before(REMEMBERED), before(LOST), key],
    )
    .await
    .doing("forget old requests")?;
    let new = tx
        .run(
            "INSERT INTO api_requests (key, digest, began_at) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING",
            args![key, digest, now.as_microsecond()],
        )
        .await
        .doing("remember a request")?;
    if new == 1 {
        tx.commit().await.doing("remember a request")?;
        return Ok(Begun::New);
    }
    let known = tx
        .one(
            "SELECT digest, status, answer FROM api_requests WHERE key = $1",
            args![key],
        )
        .await
        .doing("look up a request")?;
    if known.text("digest")? != digest {
        return Ok(Begun::Another);
    }
    let Some(body) = known.maybe_text("answer")? else {
        return Ok(Begun::UnderWay);
    };
    let status = u16::try_from(known.int("status")?).unwrap_or_default();
    Ok(Begun::Answered(Answer { status, body }))
}

async fn end(ledger: &SqlLedger, key: &str, answer: Option<&Answer>) -> Result<()> {
    let mut tx = ledger.begin().await?;
    let ended = match answer {
        Some(answer) => {
            let args = args![key, i64::from(answer.status), answer.body.as_str()];
            tx.run(
                "UPDATE api_requests SET status = $2, answer = $3 WHERE key = $1",
                args,
            )
            .await
        }
        None => {
            tx.run("DELETE FROM api_requests WHERE key = $1", args![key])
                .await
        }
    };
    ended.doing("remember an answer")?;
    tx.commit().await.doing("remember an answer")
}
