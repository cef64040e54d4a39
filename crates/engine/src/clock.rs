//! The clock, as an argument: nothing else in this crate reads the time or waits.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::moment::Moment;

/// Where time and chance come from.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// A random number.
    fn seed(&self) -> u64;

    /// Waits.
    async fn sleep(&self, time: Duration);

    /// The time with a fresh seed.
    fn moment(&self) -> Moment {
        Moment {
            now: self.now(),
            seed: self.seed(),
        }
    }
}

/// This machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the clock is read and chance drawn"
)]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn seed(&self) -> u64 {
        rand::random()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
