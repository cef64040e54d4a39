//! Failed runs, and what they have in common.

use jiff::Timestamp;
use redrive_core::policy::Policy;
use redrive_ledger::FailureEntry;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which failed runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichFailures {
    /// Of this failure status.
    pub failure_status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    pub group: Option<String>,
    /// Closed at or after then.
    pub since: Option<Timestamp>,
    /// Failed runs a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// The page after the one that gave it.
    #[param(pattern = r"^[0-9]{1,17}\.([0-9A-Za-z]|%[0-9A-F]{2})+$")]
    pub cursor: Option<String>,
}

/// Which groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichGroups {
    /// With a failure at or after then.
    pub since: Option<Timestamp>,
    /// Whose status or last message has these words in it, whatever their case.
    pub search: Option<String>,
    /// Groups a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// The page after the one that gave it.
    #[param(pattern = r"^[0-9]{1,18}\.[0-9]{1,17}(\.([0-9A-Za-z]|%[0-9A-F]{2})*){3}$")]
    pub cursor: Option<String>,
}

/// A failed run, and what the policy says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureShown {
    /// The run, and its order.
    #[serde(flatten)]
    pub entry: FailureEntry,
    /// Whether the policy reprocesses such a failure.
    pub reprocessed: bool,
}

impl FailureShown {
    /// The run under `policy`.
    pub fn of(entry: FailureEntry, policy: &Policy) -> Self {
        Self {
            reprocessed: policy.reprocess(&entry.failure.failure_status),
            entry,
        }
    }
}
