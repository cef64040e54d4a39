//! `halt` and `unhalt`: the emergency brake.

use std::time::Duration;

use redrive_ledger::{Halt, NewAuditEvent};

use super::{Records, Result};
use crate::halt::HALTS_WITHIN;

impl Records {
    /// Stops every start, everywhere, and returns when nothing is started any more. Returns whether that was new; if not, who did it
    /// first stays named.
    pub async fn halt(&self, by: &NewAuditEvent) -> Result<bool> {
        let new = self.ledger.halt(by, self.clock.now()).await?;
        let wait = match self.ledger.halted().await? {
            Some(halt) if !new => {
                let since = Duration::try_from(self.clock.now().duration_since(halt.at));
                HALTS_WITHIN.saturating_sub(since.unwrap_or_default())
            }
            _ => HALTS_WITHIN,
        };
        self.clock.sleep(wait).await;
        Ok(new)
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
