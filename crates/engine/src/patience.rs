//! Waiting while the server limits the rate of what we read: a phase goes slower, it does not fail.

use std::time::Duration;

use jiff::Timestamp;

use crate::engine::Engine;
use crate::gateway::GatewayError;
use crate::pulse::Pulse;

/// The first pause; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause: well below the heartbeat timeout.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How long a phase has patience, and how it tells that it lives meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    pub ends_at: Timestamp,
    pub pulse: &'a dyn Pulse,
}

impl Engine {
    /// Makes a call that only reads, again and again while it is throttled and the phase lasts.
    pub(crate) async fn patiently<T, F>(
        &self,
        patience: Patience<'_>,
        call: impl Fn() -> F,
    ) -> Result<T, GatewayError>
    where
        F: Future<Output = Result<T, GatewayError>>,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            match call().await {
                Err(GatewayError::Throttle(_))
                    if self.clock.now() < patience.ends_at && !patience.pulse.cancelled() =>
                {
                    self.clock.sleep(pause).await;
                    patience.pulse.beat().await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }
}
