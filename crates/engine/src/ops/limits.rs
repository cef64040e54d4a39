//! The limits that all workers share, seen and changed while they work.

use redrive_ledger::{Limited, NewAuditEvent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Records, Result};

/// How a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// Of what.
    pub limit: Limited,
    /// Calls a second, over everything that works on this ledger.
    pub per_second: f64,
    /// What the configuration says.
    pub configured: f64,
    /// Whether an operator set another one than the configuration's.
    pub is_set: bool,
}

impl Records {
    /// All limits.
    pub async fn limits(&self) -> Result<Vec<Limit>> {
        let set = self.reader.limits().await?;
        let limit = |limit| {
            let configured = match limit {
                Limited::Starts => self.policy.starts_per_second,
                Limited::Visibility => self.policy.visibility_calls_per_second,
            };
            let set = set.iter().find(|(of, _)| *of == limit);
            Limit {
                limit,
                per_second: set.map_or(configured, |(_, rate)| *rate),
                configured,
                is_set: set.is_some(),
            }
        };
        Ok(Limited::ALL.map(limit).to_vec())
    }

    /// Sets a limit for all workers, within a few seconds; `None`: the configuration's again.
    pub async fn set_limit(
        &self,
        limit: Limited,
        per_second: Option<f64>,
        by: &NewAuditEvent,
    ) -> Result<()> {
        let now = self.clock.now();
        Ok(self.ledger.set_limit(limit, per_second, by, now).await?)
    }
}
