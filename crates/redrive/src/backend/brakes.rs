//! The emergency brake, and the limits.

use redrive_engine::ops::{Limit, Records};
use redrive_ledger::{Limited, NewAuditEvent};
use redrive_web::views::{Halted, Listed, NewHalt, NewLimit, Why};
use reqwest::Method;

use super::Backend;

impl Backend<Records> {
    /// Whether every start is halted.
    pub async fn halted(&self) -> anyhow::Result<Halted> {
        Ok(match self {
            Self::Local(records) => Halted::look(records).await?,
            Self::Remote(remote) => remote.get(&["halt"], &()).await?,
        })
    }

    /// Halts every start.
    pub async fn halt(&self, by: NewAuditEvent) -> anyhow::Result<Halted> {
        Ok(match self {
            Self::Local(records) => Halted::halt(records, &by).await?,
            Self::Remote(remote) => {
                let new = NewHalt {
                    reason: by.reason,
                    by: Some(by.actor),
                };
                remote.send(Method::PUT, &["halt"], &new).await?
            }
        })
    }

    /// Lets starts happen again.
    pub async fn unhalt(&self, by: NewAuditEvent) -> anyhow::Result<Halted> {
        Ok(match self {
            Self::Local(records) => Halted::unhalt(records, &by).await?,
            Self::Remote(remote) => remote.take(&["halt"], &Why::from(by)).await?,
        })
    }

    /// All limits.
    pub async fn limits(&self) -> anyhow::Result<Vec<Limit>> {
        Ok(match self {
            Self::Local(records) => records.limits().await?,
            Self::Remote(remote) => remote.get::<Listed<Limit>>(&["limits"], &()).await?.data,
        })
    }

    /// Sets a limit, or lets the configuration's hold again; returns all of them.
    pub async fn set_limit(
        &self,
        limit: Limited,
        per_second: Option<f64>,
        by: NewAuditEvent,
    ) -> anyhow::Result<Vec<Limit>> {
        let remote = match self {
            Self::Local(records) => {
                records.set_limit(limit, per_second, &by).await?;
                return self.limits().await;
            }
            Self::Remote(remote) => remote,
        };
        let path = ["limits", limit.as_str()];
        let listed: Listed<Limit> = match per_second {
            Some(per_second) => {
                let new = NewLimit {
                    per_second,
                    reason: by.reason,
                    by: Some(by.actor),
                };
                remote.send(Method::PUT, &path, &new).await?
            }
            None => remote.take(&path, &Why::from(by)).await?,
        };
        Ok(listed.data)
    }
}
