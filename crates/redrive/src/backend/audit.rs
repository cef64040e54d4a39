//! Who did what.

use redrive_engine::ops::Records;
use redrive_ledger::{AuditFilter, AuditRow};
use redrive_web::views::WhichActs;

use super::Backend;

impl Backend<Records> {
    /// Up to `limit` things that people did, the latest first.
    pub async fn audit(&self, filter: &AuditFilter, limit: u32) -> anyhow::Result<Vec<AuditRow>> {
        match self {
            Self::Local(records) => Ok(records.audit(filter, limit).await?),
            Self::Remote(remote) => {
                let page = |limit, cursor| WhichActs {
                    actor: filter.actor.clone(),
                    action: filter.action.clone(),
                    since: filter.since,
                    limit,
                    cursor,
                };
                Ok(remote.list(&["audit"], limit, page).await?)
            }
        }
    }
}
