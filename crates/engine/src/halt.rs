//! Whether every start is halted, known to each process within half a second without asking the ledger for each order.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_ledger::LedgerError;
use tokio::sync::Mutex;

use crate::engine::Engine;

/// A halt stops every start within so long.
pub(crate) const HALTS_WITHIN: Duration = Duration::from_secs(1);
/// What was read is believed for half of that.
const BELIEVED_FOR: Duration = Duration::from_millis(500);

/// What was read last, and when.
#[derive(Debug, Default)]
pub(crate) struct HaltWatch {
    read: Mutex<Option<(Timestamp, bool)>>,
}

impl Engine {
    /// Whether starts are halted.
    pub(crate) async fn halted(&self) -> Result<bool, LedgerError> {
        let mut read = self.halt.read.lock().await;
        let now = self.clock.now();
        if let Some((at, halted)) = *read
            && now.duration_since(at).abs()
                < SignedDuration::try_from(BELIEVED_FOR).unwrap_or_default()
        {
            return Ok(halted);
        }
        let halted = self.ledger.halted().await?.is_some();
        *read = Some((now, halted));
        Ok(halted)
    }
}
