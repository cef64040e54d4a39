//! Who may come in.

use redrive_ledger::{Role, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewToken {
    /// Whose it is to be: 1 to 64 letters, digits, spaces, and `-_.@`.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9_.@-]([A-Za-z0-9_.@ -]*[A-Za-z0-9_.@-])?$",
        example = "night shift"
    )]
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub reason: String,
    /// Who makes it.
    #[serde(default)]
    #[schema(max_length = 200, example = "ann")]
    pub by: Option<String>,
}

/// A token as it is told once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// What its bearer shows. It is told here and never again.
    pub secret: String,
}

impl std::fmt::Debug for MadeToken {
    /// Without the secret: it belongs into no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("MadeToken").field(&self.token).finish()
    }
}
