//! A decision about many dead letters: first looked at, then done.

use redrive_engine::ops::BulkReport;
use redrive_ledger::Operation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ByHand, Entry};

/// A decision about all entries that wait and match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Action {
    /// What is decided.
    pub resolution: ByHand,
    /// About which.
    #[serde(default)]
    pub filter: ActionFilter,
    /// At most so many, the oldest first; by default all.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000000)]
    pub limit: Option<u32>,
    /// For `manual_retry`: starts a second, at most; by default as fast as everything. A thousand seconds is the longest that an order
    /// may wait for the next.
    #[serde(default)]
    #[schema(minimum = 0.001, maximum = 100000)]
    pub per_second: Option<f64>,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub notes: String,
    /// Who decides it.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "ann")]
    pub resolved_by: String,
    /// The preview's token: the same request with it is carried out. Without it nothing is done, and a preview is answered.
    #[serde(default)]
    pub token: Option<String>,
}

/// Which entries. Everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ActionFilter {
    /// Of this failure status.
    #[schema(example = "shipping_failed")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Of this customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Whose order id begins so, whose workflow id it is, or whose customer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// In the queue for more than so many hours.
    #[schema(minimum = 0, maximum = 1000000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than_hours: Option<f64>,
}

/// What an action is about, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionAnswer {
    /// Entries that match: entries that came later than the preview are not among them.
    pub matched: u64,
    /// What to present to have it done; in a preview only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The first of the entries; in a preview only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sample: Vec<Entry>,
    /// The operation that starts the orders again, and goes on by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// What was decided, where nothing is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<BulkReport>,
}
