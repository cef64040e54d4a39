//! What every handler has at hand.

use axum::extract::FromRef;
use redrive_engine::ops::{Ops, Records};
use redrive_engine::{ScheduleSettings, SdkMetrics};
use redrive_ledger::NewAuditEvent;

use crate::access::{self, Access};
use crate::links::Links;
use crate::one_at_a_time::OneAtATime;
use crate::problem::{ApiError, Result};

/// Who acts where a request does not say.
const NOBODY: &str = "api";

/// The verbs, and how the schedule is configured.
#[derive(Clone)]
pub struct App {
    /// What acts.
    pub ops: Ops,
    /// The schedule, as it is configured.
    pub schedule: ScheduleSettings,
    /// Links into Temporal's pages.
    pub links: Links,
    /// Who is let in.
    pub access: Access,
    /// What the SDK counts of this process' worker; nothing, where it has none.
    pub sdk: SdkMetrics,
    /// What is done for one request at a time.
    pub one_at_a_time: OneAtATime,
}

impl App {
    /// The verbs that need the ledger only.
    pub(crate) fn records(&self) -> &Records {
        &self.ops.records
    }
}

impl FromRef<App> for Records {
    fn from_ref(app: &App) -> Self {
        app.records().clone()
    }
}

/// The audit event of what `actor` does, and why. Whoever has signed in does it; one who does it for somebody else is named
/// beside them.
pub(crate) fn by(actor: Option<String>, reason: String) -> NewAuditEvent {
    let named = actor.filter(|name| !name.trim().is_empty());
    let actor = match (access::signed_in(), named) {
        (Some(caller), Some(named)) if named != caller => format!("{named} (through {caller})"),
        (Some(caller), _) => caller,
        (None, named) => named.unwrap_or_else(|| NOBODY.to_owned()),
    };
    NewAuditEvent { actor, reason }
}

/// The same, where somebody must have signed in or be named.
pub(crate) fn named(actor: String, reason: String) -> Result<NewAuditEvent> {
    if actor.trim().is_empty() && access::signed_in().is_none() {
        return Err(ApiError::invalid("nobody is named: say who does this"));
    }
    Ok(by(Some(actor), reason))
}
