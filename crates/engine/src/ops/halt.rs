//! `halt` and `unhalt`: the emergency brake.

use redrive_ledger::{Halt, NewAuditEvent};

use super::{Ops, Result};

impl Ops {
    /// Stops every start, everywhere, within a second.
    pub async fn halt(&self, by: &NewAuditEvent) -> Result<()> {
        Ok(self.engine.ledger.halt(by, self.engine.clock.now()).await?)
    }

    /// Lets starts happen again. Returns whether they were stopped.
    pub async fn unhalt(&self, by: &NewAuditEvent) -> Result<bool> {
        Ok(self
            .engine
            .ledger
            .unhalt(by, self.engine.clock.now())
            .await?)
    }

    /// Whether starts are stopped, by whom and why.
    pub async fn halted(&self) -> Result<Option<Halt>> {
        Ok(self.engine.ledger.halted().await?)
    }
}
