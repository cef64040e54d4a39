//! A clock that steps, forwards and backwards, as a machine's does whose time is set by hand or by a bad time server.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use redrive_engine::{Clock, SystemClock};

use crate::said::Said;

/// How long it goes on at one distance from the true time, in milliseconds.
const STEADY_MS: std::ops::Range<u64> = 1_500..5_000;

/// The clock.
#[derive(Debug, Default)]
pub(crate) struct SteppingClock {
    ahead_ms: AtomicI64,
}

impl SteppingClock {
    /// Steps, by up to so many seconds either way, and says it each time. Never ends.
    pub async fn run(&self, seconds: u32, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let farthest = i64::from(seconds) * 1_000;
        loop {
            SystemClock
                .sleep(Duration::from_millis(rng.random_range(STEADY_MS)))
                .await;
            // Every other time it is right again, or little would come to pass.
            let ahead = if rng.random() {
                0
            } else {
                rng.random_range(-farthest..=farthest)
            };
            self.ahead_ms.store(ahead, Ordering::SeqCst);
            Said::Stepped(ahead / 1_000).say();
        }
    }
}

#[async_trait]
impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_millis(self.ahead_ms.load(Ordering::SeqCst))
    }

    fn seed(&self) -> u64 {
        SystemClock.seed()
    }

    async fn sleep(&self, time: Duration) {
        SystemClock.sleep(time).await;
    }
}
