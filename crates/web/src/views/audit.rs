//! Who did what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// Which acts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichActs {
    /// Done by this person.
    pub actor: Option<String>,
    /// Of this kind, say `hold` or `manual_retry`.
    pub action: Option<String>,
    /// Done at or after then.
    pub since: Option<Timestamp>,
    /// Acts a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// The page after the one that gave it.
    #[param(pattern = r"^[0-9]{1,17}\.[0-9]{1,18}$")]
    pub cursor: Option<String>,
}
