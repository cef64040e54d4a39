//! When a batch stops taking orders: early enough to end before its own timeout and before the next tick.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A batch uses this share of its time; the rest is for finishing what it has begun, and for its record.
const SHARE: f64 = 0.8;
/// Scan and settle may take this share of a batch's time each, so that restarts always get theirs.
const PHASE_SHARE: f64 = 0.25;

/// The times of one batch, carried from the batch through its child and every continuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deadline {
    /// When the batch started.
    pub started_at: Timestamp,
    /// From then on no order is begun.
    pub stops_at: Timestamp,
    /// When the batch's own timeout strikes.
    pub ends_at: Timestamp,
}

impl Deadline {
    /// The times of a batch that started at `started_at`, may run for `timeout` and is started every `interval`.
    pub fn of(started_at: Timestamp, timeout: Duration, interval: Duration) -> Self {
        let usable = timeout.min(interval).mul_f64(SHARE);
        Self {
            started_at,
            stops_at: later(started_at, usable),
            ends_at: later(started_at, timeout),
        }
    }

    /// When a scan or settle that begins at `now` is to stop.
    pub fn phase_ends_at(&self, now: Timestamp) -> Timestamp {
        let whole = self.stops_at.duration_since(self.started_at).unsigned_abs();
        later(now, whole.mul_f64(PHASE_SHARE)).min(self.stops_at)
    }

    /// Whether orders may still be begun at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.stops_at
    }

    /// The time from `now` in which orders may still be begun.
    pub fn open_for(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.stops_at.duration_since(now)).unwrap_or_default()
    }

    /// The time from `now` until the batch's own timeout; at least a second, for the server takes no zero.
    pub fn left(&self, now: Timestamp) -> Duration {
        let left = self.ends_at.duration_since(now);
        Duration::try_from(left)
            .unwrap_or_default()
            .max(Duration::from_secs(1))
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    #[test]
    fn fifteen_minutes_leave_twelve() {
        let deadline = Deadline::of(at(0), 15 * MINUTE, 15 * MINUTE);
        assert_eq!(deadline.stops_at, at(12));
        assert_eq!(deadline.ends_at, at(15));
    }

    #[test]
    fn the_shorter_of_timeout_and_interval_counts() {
        assert_eq!(Deadline::of(at(0), 15 * MINUTE, 5 * MINUTE).stops_at, at(4));
        assert_eq!(
            Deadline::of(at(0), 10 * MINUTE, 60 * MINUTE).stops_at,
            at(8)
        );
    }

    #[test]
    fn a_phase_gets_a_quarter_and_never_more_than_is_left() {
        let deadline = Deadline::of(at(0), 15 * MINUTE, 15 * MINUTE);
        assert_eq!(deadline.phase_ends_at(at(1)), at(4));
        assert_eq!(deadline.phase_ends_at(at(11)), at(12));
        assert_eq!(deadline.phase_ends_at(at(14)), at(12));
    }

    #[test]
    fn a_child_gets_what_is_left() {
        let deadline = Deadline::of(at(0), 15 * MINUTE, 15 * MINUTE);
        assert_eq!(deadline.left(at(5)), 10 * MINUTE);
        assert_eq!(deadline.left(at(20)), Duration::from_secs(1));
        assert!(deadline.is_open(at(11)));
        assert!(!deadline.is_open(at(12)));
    }
}
