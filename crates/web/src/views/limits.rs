//! How fast everything that works on the ledger may go.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A limit as an operator wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewLimit {
    /// The most of it a second, over all workers. To stop every start, halt them.
    #[schema(exclusive_minimum = 0, example = 20)]
    pub per_second: f64,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 4000, example = "the carrier is back")]
    pub reason: String,
    /// Who.
    #[serde(default)]
    #[schema(max_length = 200, example = "ann")]
    pub by: Option<String>,
}
