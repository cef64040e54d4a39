//! The emergency brake.

use redrive_engine::ops::{OpsError, Records};
use redrive_ledger::{Halt, NewAuditEvent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether every start is halted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Halted {
    /// Whether it is.
    pub halted: bool,
    /// Whether this request has changed that; only where it was to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    /// Since when, by whom and why; only while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt: Option<Halt>,
}

impl Halted {
    /// Looks.
    pub async fn look(records: &Records) -> Result<Self, OpsError> {
        let halt = records.halted().await?;
        Ok(Self {
            halted: halt.is_some(),
            changed: None,
            halt,
        })
    }

    /// Halts every start; where that was done before, the first who did it stays named.
    pub async fn halt(records: &Records, by: &NewAuditEvent) -> Result<Self, OpsError> {
        let changed = records.halt(by).await?;
        Ok(Self {
            changed: Some(changed),
            ..Self::look(records).await?
        })
    }

    /// Lets starts happen again.
    pub async fn unhalt(records: &Records, by: &NewAuditEvent) -> Result<Self, OpsError> {
        let changed = records.unhalt(by).await?;
        Ok(Self {
            changed: Some(changed),
            ..Self::look(records).await?
        })
    }
}

/// Who halts every start, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewHalt {
    /// Why.
    #[schema(max_length = 4000, example = "the carrier is down")]
    pub reason: String,
    /// Who.
    #[serde(default)]
    #[schema(max_length = 200, example = "ann")]
    pub by: Option<String>,
}
