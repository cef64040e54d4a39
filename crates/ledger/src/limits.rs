//! Limits on calls, shared by every process of a ledger: each call has a *turn*, a time at which it may be made.
//!
//! Turns of one kind stand in one line, a gap apart. A process takes several at a time, so that the line is seldom asked; and
//! none that is far ahead, so that a changed rate is soon heard.

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

/// The turns of so many seconds are taken at a time: others wait behind them.
const AT_A_TIME: f64 = 0.25;

/// No turn is taken that is farther ahead. Who waits for one asks again.
const LONGEST_LINE: SignedDuration = SignedDuration::from_secs(5);
/// What lies farther ahead than so, and so many gaps, was left by a process whose clock was ahead, and holds up nobody.
const STRAY: SignedDuration = SignedDuration::from_secs(10);
const STRAY_GAPS: i32 = 2;

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

/// Turns that were taken, one after the other; none where the next one is too far ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turns {
    /// The first; where none were taken, that which would be.
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

/// At most so many turns of a line whose next one is `next`, taken at `now`; and where the line goes on. Time that nobody used is
/// not saved up.
pub(crate) fn take(next: Timestamp, per_second: f64, most: u32, now: Timestamp) -> (Turns, i64) {
    let gap = gap_micros(per_second);
    let stray = is_stray(next, SignedDuration::from_micros(gap), now);
    let first = if stray { now } else { next.max(now) };
    let is_far = first.duration_since(now) > LONGEST_LINE;
    let count = if is_far {
        0
    } else {
        most.min(at_a_time(per_second))
    };
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

/// How many turns are taken at a time, at a limit of so many calls a second; one at a rate that is no number.
fn at_a_time(per_second: f64) -> u32 {
    (per_second * AT_A_TIME).max(1.0) as u32
}

/// Where a line goes on whose rate is changed at `now`: nobody has taken what lies farther ahead.
pub(crate) fn at_another_rate(now: Timestamp) -> i64 {
    let ahead = now.checked_add(LONGEST_LINE).unwrap_or(Timestamp::MAX);
    ahead.as_microsecond()
}

/// Whether a turn, in a line with such gaps, lies farther ahead of `now` than any that a right clock has taken.
pub fn is_stray(turn: Timestamp, gap: SignedDuration, now: Timestamp) -> bool {
    let gaps = gap.checked_mul(STRAY_GAPS);
    let longest = STRAY.saturating_add(gaps.unwrap_or(SignedDuration::MAX));
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
    fn a_quarter_of_a_second_is_taken_at_a_time() {
        let now = Timestamp::UNIX_EPOCH;
        for (rate, turns) in [
            (0.1, 1),
            (20.0, 5),
            (200.0, 50),
            (1e6, 64),
            (f64::INFINITY, 64),
            (f64::NAN, 1),
        ] {
            assert_eq!(take(now, rate, 64, now).0.count, turns, "{rate}");
        }
    }

    #[test]
    fn a_turn_that_is_far_ahead_is_not_taken() {
        let at = |ms| Timestamp::UNIX_EPOCH + SignedDuration::from_millis(ms);
        let (turns, next) = take(at(5_000), 0.5, 1, at(0));
        assert_eq!((turns.count, turns.first), (1, at(5_000)));
        let (turns, same) = take(at(7_100), 0.5, 1, at(0));
        assert_eq!((turns.count, turns.first), (0, at(7_100)));
        assert_eq!([next, same], [at(7_100).as_microsecond(); 2]);
    }

    #[test]
    fn a_clock_that_was_ahead_holds_up_nobody() {
        let at = |ms| Timestamp::UNIX_EPOCH + SignedDuration::from_millis(ms);
        let (now, gap) = (at(100_000), SignedDuration::from_millis(50));
        let seconds = |seconds| now + SignedDuration::from_secs(seconds);
        assert!(!is_stray(seconds(9), gap, now));
        assert!(is_stray(seconds(60), gap, now));
        assert!(is_stray(seconds(60), SignedDuration::from_secs(1), now));
        assert!(
            !is_stray(seconds(60), SignedDuration::from_secs(30), now),
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
