//! Failed runs, and what they have in common.

use redrive_core::ids::RunId;
use redrive_engine::ops::Records;
use redrive_ledger::{FailureEntry, FailureFilter, FailureGroup, GroupFilter};
use redrive_web::views::{FailureShown, WhichFailures, WhichGroups};

use super::Backend;

impl Backend<Records> {
    /// Up to `limit` failed runs, the latest first.
    pub async fn failures(
        &self,
        filter: &FailureFilter,
        limit: u32,
    ) -> anyhow::Result<Vec<FailureEntry>> {
        match self {
            Self::Local(records) => Ok(records.failures(filter, limit).await?),
            Self::Remote(remote) => {
                let page = |limit, cursor| WhichFailures {
                    failure_status: filter.failure_status.clone(),
                    group: filter.group.clone(),
                    since: filter.since,
                    limit,
                    cursor,
                };
                Ok(remote.list(&["failures"], limit, page).await?)
            }
        }
    }

    /// Up to `limit` failure groups, those with the most failures first.
    pub async fn failure_groups(
        &self,
        filter: &GroupFilter,
        limit: u32,
    ) -> anyhow::Result<Vec<FailureGroup>> {
        match self {
            Self::Local(records) => Ok(records.failure_groups(filter, limit).await?),
            Self::Remote(remote) => {
                let page = |limit, cursor| WhichGroups {
                    since: filter.since,
                    search: filter.search.clone(),
                    limit,
                    cursor,
                };
                Ok(remote.list(&["failures", "groups"], limit, page).await?)
            }
        }
    }

    /// One failed run.
    pub async fn failure(&self, run: &str) -> anyhow::Result<FailureShown> {
        match self {
            Self::Local(records) => {
                let entry = records.failure(&RunId::from(run)).await?;
                Ok(FailureShown::of(entry, &records.policy))
            }
            Self::Remote(remote) => Ok(remote.get(&["failures", run], &()).await?),
        }
    }
}
