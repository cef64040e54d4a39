//! Who takes something away, and why. A `DELETE` says it in its query: what a body of one means is nowhere laid down.

use redrive_ledger::NewAuditEvent;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app;
use crate::problem::{ApiError, Result};

/// The longest reason and the longest name, in characters; as bodies have them.
const LONGEST_REASON: usize = 4000;
const LONGEST_NAME: usize = 200;

/// Who, and why.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Taking {
    /// Why.
    #[param(required = false, max_length = 4000)]
    reason: String,
    /// Who.
    #[param(max_length = 200)]
    by: Option<String>,
}

impl Taking {
    /// The audit event of it.
    pub fn by(self) -> Result<NewAuditEvent> {
        let by = self.by.as_deref().unwrap_or_default();
        for (key, text, longest) in [
            ("reason", self.reason.as_str(), LONGEST_REASON),
            ("by", by, LONGEST_NAME),
        ] {
            if text.chars().count() > longest {
                return Err(ApiError::invalid(format!(
                    "{key} is longer than {longest} characters"
                )));
            }
        }
        Ok(app::by(self.by, self.reason))
    }
}
