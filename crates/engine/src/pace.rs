//! The pace of one chunk: an operation with a rate of its own begins its orders one after the other, evenly.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_flows::activities::ForOperation;

use crate::engine::Engine;

/// A stop is heard at least so often while an order waits for its turn.
const STEP: Duration = Duration::from_millis(250);

/// How far apart orders are begun; the default: not at all.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    every: SignedDuration,
    next: Mutex<Option<Timestamp>>,
}

impl Pace {
    /// The pace that the operation was told.
    pub fn of(operation: Option<&ForOperation>) -> Self {
        let micros = operation.and_then(|operation| operation.every_micros);
        let micros = i64::try_from(micros.unwrap_or(0)).unwrap_or(i64::MAX);
        Self {
            every: SignedDuration::from_micros(micros),
            next: Mutex::default(),
        }
    }

    /// When the next order may be begun, after those before it. Unused time is not saved up.
    fn turn(&self, now: Timestamp) -> Timestamp {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn.checked_add(self.every).unwrap_or(Timestamp::MAX));
        turn
    }
}

impl Engine {
    /// Waits for the turn of one order, or until nothing more is to be begun.
    pub(crate) async fn keep_pace(
        &self,
        pace: &Pace,
        stops_at: Timestamp,
        stop: &(dyn Fn() -> bool + Send + Sync),
    ) {
        if pace.every.is_zero() {
            return;
        }
        let turn = pace.turn(self.clock.now());
        loop {
            let now = self.clock.now();
            let wait = Duration::try_from(turn.duration_since(now)).unwrap_or_default();
            if wait.is_zero() || stop() || now >= stops_at {
                return;
            }
            self.clock.sleep(wait.min(STEP)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis)
    }

    #[test]
    fn turns_are_evenly_apart_and_unused_ones_are_lost() {
        let pace = Pace::of(Some(&ForOperation {
            id: "o".into(),
            every_micros: Some(200_000),
        }));
        let turns: Vec<_> = [0, 0, 10, 2_000, 2_000]
            .map(|now| pace.turn(at(now)))
            .into();
        assert_eq!(turns, [0, 200, 400, 2_000, 2_200].map(at));
    }
}
