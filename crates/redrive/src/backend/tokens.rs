//! Who may come in over HTTP.

use redrive_engine::ops::Records;
use redrive_ledger::{NewAuditEvent, Role, Token};
use redrive_web::views::{Listed, MadeToken, NewToken, Why};
use reqwest::Method;

use super::Backend;

impl Backend<Records> {
    /// All tokens.
    pub async fn tokens(&self) -> anyhow::Result<Vec<Token>> {
        Ok(match self {
            Self::Local(records) => records.tokens().await?,
            Self::Remote(remote) => remote.get::<Listed<Token>>(&["tokens"], &()).await?.data,
        })
    }

    /// Makes a token. A server keeps no secret to answer it twice: where the connection was lost, it may say that there is one of that
    /// name.
    pub async fn create_token(
        &self,
        name: String,
        role: Role,
        by: NewAuditEvent,
    ) -> anyhow::Result<MadeToken> {
        Ok(match self {
            Self::Local(records) => {
                let (token, secret) = records.create_token(&name, role, &by).await?;
                let secret = secret.tell().to_owned();
                MadeToken { token, secret }
            }
            Self::Remote(remote) => {
                let new = NewToken {
                    name,
                    role,
                    reason: by.reason,
                    by: Some(by.actor),
                };
                remote.send(Method::POST, &["tokens"], &new).await?
            }
        })
    }

    /// Takes a token away.
    pub async fn revoke_token(&self, name: &str, by: NewAuditEvent) -> anyhow::Result<()> {
        match self {
            Self::Local(records) => records.revoke_token(name, &by).await?,
            Self::Remote(remote) => remote.take(&["tokens", name], &Why::from(by)).await?,
        }
        Ok(())
    }
}
