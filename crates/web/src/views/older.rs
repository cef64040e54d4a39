//! Taking in failures that are older than the look-back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TakeIn {
    /// What failed since then.
    #[schema(example = "2026-11-01T00:00:00Z")]
    pub since: Timestamp,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 4000, example = "the carrier was down")]
    pub reason: String,
    /// Who.
    #[serde(default)]
    #[schema(max_length = 200, example = "ann")]
    pub by: Option<String>,
}
