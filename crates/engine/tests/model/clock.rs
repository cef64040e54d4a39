//! Time as a counter: it moves only where the walk moves it, so a walk is the same whenever it is walked.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use redrive_engine::Clock;

use crate::gate::{Gate, Kind};

/// When every walk begins: a day after the first look-back's end must still lie after 1970.
const BEGINNING: i64 = 1_800_000_000;

/// The time of one walk, the same for everybody in it.
#[derive(Debug, Default)]
pub struct LogicalClock {
    micros: AtomicI64,
    drawn: AtomicU64,
}

impl LogicalClock {
    /// The time.
    pub fn now(&self) -> Timestamp {
        let since = SignedDuration::from_micros(self.micros.load(Ordering::SeqCst));
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(BEGINNING) + since
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }

    fn reach(&self, time: Timestamp) {
        let ahead = time.duration_since(self.now());
        self.advance(Duration::try_from(ahead).unwrap_or_default());
    }
}

/// The clock of one try: waiting is a step of the walk.
pub struct GatedClock {
    /// The time.
    pub time: Arc<LogicalClock>,
    /// Where the try waits.
    pub gate: Gate,
}

#[async_trait]
impl Clock for GatedClock {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn seed(&self) -> u64 {
        self.time.drawn.fetch_add(1, Ordering::SeqCst)
    }

    async fn sleep(&self, time: Duration) {
        let wakes_at = self.now() + SignedDuration::try_from(time).unwrap();
        let kind = if time < Duration::from_secs(1) {
            Kind::Nap
        } else {
            Kind::Sleep
        };
        let _permit = self.gate.enter("sleep", kind).await;
        self.time.reach(wakes_at);
    }
}
