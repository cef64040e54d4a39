//! Waiting while the server limits the rate of what we read: a phase goes slower, it does not fail.

use std::time::Duration;

use jiff::Timestamp;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::gateway::{GatewayError, Page, Window};
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

/// An error that may say: ask again later.
pub(crate) trait MayThrottle {
    /// Whether it says so.
    fn is_throttle(&self) -> bool;
}

impl MayThrottle for GatewayError {
    fn is_throttle(&self) -> bool {
        matches!(self, Self::Throttle(_))
    }
}

impl MayThrottle for EngineError {
    fn is_throttle(&self) -> bool {
        matches!(self, Self::Gateway(error) if error.is_throttle())
    }
}

impl Engine {
    /// Makes a call that only reads, again and again while it is throttled and the phase lasts.
    pub(crate) async fn patiently<T, E, F>(
        &self,
        patience: Patience<'_>,
        call: impl Fn() -> F,
    ) -> Result<T, E>
    where
        E: MayThrottle,
        F: Future<Output = Result<T, E>>,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            match call().await {
                Err(error)
                    if error.is_throttle()
                        && self.clock.now() < patience.ends_at
                        && !patience.pulse.cancelled() =>
                {
                    self.clock.sleep(pause).await;
                    patience.pulse.beat().await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }

    /// How many failed runs visibility shows in a window; asked in turn, and patiently.
    pub(crate) async fn count_failed(
        &self,
        window: &Window,
        patience: Patience<'_>,
    ) -> Result<u64, EngineError> {
        self.patiently(patience, || async {
            self.await_visibility().await?;
            Ok(self.gateway.count_failed(window).await?)
        })
        .await
    }

    /// One page of them; asked in turn, and patiently.
    pub(crate) async fn list_failed(
        &self,
        window: &Window,
        page: &[u8],
        patience: Patience<'_>,
    ) -> Result<Page, EngineError> {
        self.patiently(patience, || async {
            self.await_visibility().await?;
            Ok(self.gateway.list_failed(window, page.to_vec()).await?)
        })
        .await
    }
}
