//! Limits on calls, shared by every process of a ledger: each call has a *turn*, a time at which it may be made.
//!
//! Turns of one kind stand in one line, a gap apart. A process takes several at a time, so that the line is seldom asked.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The gap for a rate that is no positive number: one call a second, as it must not be none.
const FALLBACK_MICROS: i64 = 1_000_000;

/// The longest gap: a day, so that one turn under an absurd rate cannot block all that follow for ever.
const LONGEST_MICROS: f64 = 86_400e6;

/// Turns lie so much further apart than the rate asks for: a call that is made a little after its turn then leaves the calls
/// of every span of five seconds within the limit.
const MARGIN: f64 = 1.05;

/// A line is at most so long, and so many gaps: a hundred processes that each take some turns ahead make no longer one. What
/// lies farther ahead was taken by a process whose clock was, and holds up nobody.
const LONGEST_LINE: SignedDuration = SignedDuration::from_secs(5);
const LONGEST_LINE_GAPS: i32 = 100;

/// What is limited.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Limited {
    /// Starts of workflows.
    Starts,
    /// Calls to visibility: lists and counts.
    Visibility,
}

impl Limited {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Starts, Self::Visibility];

    /// Its name, as the ledger and people write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starts => "starts",
            Self::Visibility => "visibility",
        }
    }

    /// The setting under which an operator's rate for it stands.
    pub(crate) const fn setting(self) -> &'static str {
        match self {
            Self::Starts => "limit.starts",
            Self::Visibility => "limit.visibility",
        }
    }
}

/// Turns that were taken, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turns {
    /// The first.
    pub first: Timestamp,
    /// Between one and the next.
    pub gap: SignedDuration,
    /// How many.
    pub count: u32,
}

impl Turns {
    /// Each of them, the earliest first.
    pub fn times(self) -> impl Iterator<Item = Timestamp> {
        (0..self.count).map(move |turn| {
            let later = i32::try_from(turn).map_or(self.gap, |turn| self.gap * turn);
            self.first.checked_add(later).unwrap_or(self.first)
        })
    }
}

/// How the line of one kind stands, and the turns taken from it at `now`: those turns, and where the next one begins. Time
/// that nobody used is not saved up.
pub(crate) fn take(next: Timestamp, per_second: f64, count: u32, now: Timestamp) -> (Turns, i64) {
    let gap = gap_micros(per_second);
    let stray = is_stray(next, SignedDuration::from_micros(gap), now);
    let first = if stray { now } else { next.max(now) };
    let first = first.as_microsecond();
    let turns = Turns {
        first: Timestamp::from_microsecond(first).unwrap_or(now),
        gap: SignedDuration::from_micros(gap),
        count,
    };
    (
        turns,
        first.saturating_add(gap.saturating_mul(count.into())),
    )
}

/// Where a line goes on whose rate is changed at `now`: what lies farther ahead waited for turns at the rate before.
pub(crate) fn at_another_rate(now: Timestamp) -> i64 {
    let ahead = now.checked_add(LONGEST_LINE).unwrap_or(Timestamp::MAX);
    ahead.as_microsecond()
}

/// Whether a turn, in a line with such gaps, lies farther ahead of `now` than any that a right clock has taken.
pub fn is_stray(turn: Timestamp, gap: SignedDuration, now: Timestamp) -> bool {
    let gaps = gap.checked_mul(LONGEST_LINE_GAPS);
    let longest = LONGEST_LINE.saturating_add(gaps.unwrap_or(SignedDuration::MAX));
    turn.duration_since(now) > longest
}

/// The gap between two turns at `per_second`, in microseconds.
fn gap_micros(per_second: f64) -> i64 {
    if per_second.is_nan() || per_second <= 0.0 {
        return FALLBACK_MICROS;
    }
    (1e6 / per_second * MARGIN).min(LONGEST_MICROS) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_a_little_more_than_the_rates_reciprocal_within_bounds() {
        for (per_second, gap) in [
            (20.0, 52_500),
            (0.5, 2_100_000),
            (1e9, 0),
            (f64::INFINITY, 0),
            (1e-9, 86_400_000_000),
        ] {
            assert_eq!(gap_micros(per_second), gap, "{per_second}");
        }
        for none in [0.0, -3.0, f64::NAN] {
            assert_eq!(gap_micros(none), FALLBACK_MICROS);
        }
    }

    #[test]
    fn turns_follow_one_another_and_unused_time_is_lost() {
        let at = |ms| Timestamp::UNIX_EPOCH + SignedDuration::from_millis(ms);
        let (turns, next) = take(at(0), 21.0, 3, at(100));
        let times: Vec<Timestamp> = turns.times().collect();
        assert_eq!(times, [at(100), at(150), at(200)]);
        assert_eq!(next, at(250).as_microsecond());
        let (turns, _) = take(at(250), 21.0, 1, at(120));
        assert_eq!(turns.times().collect::<Vec<_>>(), [at(250)]);
    }

    #[test]
    fn a_clock_that_was_ahead_holds_up_nobody() {
        let at = |ms| Timestamp::UNIX_EPOCH + SignedDuration::from_millis(ms);
        let (now, gap) = (at(100_000), SignedDuration::from_millis(50));
        let seconds = |seconds| now + SignedDuration::from_secs(seconds);
        assert!(!is_stray(seconds(9), gap, now));
        assert!(is_stray(seconds(60), gap, now));
        assert!(
            !is_stray(seconds(60), SignedDuration::from_secs(1), now),
            "a slow line"
        );
        let (turns, next) = take(seconds(60), 21.0, 1, now);
        assert_eq!((turns.first, next), (now, at(100_050).as_microsecond()));
    }

    #[test]
    fn names_are_what_serde_writes() {
        for limited in Limited::ALL {
            let written = serde_json::to_value(limited).unwrap();
            assert_eq!(written, limited.as_str());
        }
    }
}
