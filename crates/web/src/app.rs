//! What every handler has at hand.

use redrive_engine::ScheduleSettings;
use redrive_engine::ops::{Ops, Records};
use redrive_ledger::NewAuditEvent;

use crate::links::Links;

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
}

impl App {
    /// The verbs that need the ledger only.
    pub(crate) fn records(&self) -> &Records {
        &self.ops.records
    }
}

/// The audit event of what `actor` does, and why.
pub(crate) fn by(actor: Option<String>, reason: String) -> NewAuditEvent {
    let named = actor.filter(|name| !name.trim().is_empty());
    NewAuditEvent {
        actor: named.unwrap_or_else(|| NOBODY.to_owned()),
        reason,
    }
}
