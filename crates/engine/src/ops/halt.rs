//! `halt` and `unhalt`: the emergency brake.

use redrive_ledger::{Halt, NewAuditEvent};

use super::{Records, Result};

impl Records {
    /// Stops every start, everywhere, within a second.
    pub async fn halt(&self, by: &NewAuditEvent) -> Result<()> {
        Ok(self.ledger.halt(by, self.clock.now()).await?)
    }

    /// Lets starts happen again. Returns whether they were stopped.
    pub async fn unhalt(&self, by: &NewAuditEvent) -> Result<bool> {
        Ok(self.ledger.unhalt(by, self.clock.now()).await?)
    }

    /// Whether starts are stopped, by whom and why.
    pub async fn halted(&self) -> Result<Option<Halt>> {
        Ok(self.ledger.halted().await?)
    }
}
