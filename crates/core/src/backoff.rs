//! How long an order waits before it is restarted again: exponential backoff with full jitter.
//!
//! The *ceiling* is the longest a retry may wait; it grows by a factor with every retry up to a maximum. The *delay*
//! is a random share of the ceiling ("full jitter"), so that orders which failed together do not come back together.
//! Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015, compares the kinds of jitter: full
//! jitter needs the fewest calls and hardly more time. The random number comes in as an argument.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::policy::duration;

/// How the waits between an order's retries grow. In TOML: `backoff = { initial = "1m", factor = 2.0, max = "1h" }`;
/// what is left out takes the default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Backoff {
    /// The ceiling of the first retry. Zero: no waiting at all. Default 1 minute: most carrier hiccups are shorter.
    #[serde(with = "duration")]
    pub initial: Duration,
    /// What each further retry multiplies the ceiling by, at least 1. Default 2.
    pub factor: f64,
    /// The longest ceiling. Default 1 hour: four batches of the default schedule.
    #[serde(with = "duration")]
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(60),
            factor: 2.0,
            max: Duration::from_secs(60 * 60),
        }
    }
}

impl Backoff {
    /// The longest that retry number `retry` may wait: `min(initial * factor^(retry - 1), max)`. Retry 0 is zero: an
    /// order that failed for the first time is due at once.
    pub fn ceiling(&self, retry: u32) -> Duration {
        let Some(steps) = retry.checked_sub(1) else {
            return Duration::ZERO;
        };
        if self.initial.is_zero() {
            return Duration::ZERO;
        }
        let growth = self.factor.powi(i32::try_from(steps).unwrap_or(i32::MAX));
        let grown = self.initial.as_secs_f64() * growth;
        match Duration::try_from_secs_f64(grown) {
            Ok(grown) => grown.min(self.max),
            Err(_beyond_any_duration) => self.max,
        }
    }

    /// How long retry number `retry` waits, given `jitter` drawn evenly from 0.0 to 1.0: that share of the ceiling.
    /// A jitter outside that range is brought into it; one that is no number waits the whole ceiling.
    pub fn delay(&self, retry: u32, jitter: f64) -> Duration {
        let share = if jitter.is_nan() {
            1.0
        } else {
            jitter.clamp(0.0, 1.0)
        };
        let ceiling = self.ceiling(retry);
        ceiling.mul_f64(share).min(ceiling)
    }

    /// What is wrong with these settings, one sentence each; `name` is what the file calls them, e.g. `backoff`.
    pub fn problems(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        if !self.factor.is_finite() || self.factor < 1.0 {
            found.push(format!(
                "{name}.factor is {}: waits must not shrink, write 1.0 or more, like 2.0",
                self.factor
            ));
        }
        if self.max < self.initial {
            let (initial, max) = (duration::format(self.initial), duration::format(self.max));
            found.push(format!(
                "{name}.max is {max}, shorter than {name}.initial, {initial}: write a max of at least {initial:?}"
            ));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(n * 60)
    }

    #[test]
    fn the_default_doubles_from_a_minute_to_an_hour() {
        let backoff = Backoff::default();
        let ceilings: Vec<_> = (0..9).map(|retry| backoff.ceiling(retry)).collect();
        assert_eq!(ceilings, [0, 1, 2, 4, 8, 16, 32, 60, 60].map(minutes));
        assert_eq!(backoff.ceiling(u32::MAX), minutes(60));
    }

    #[test]
    fn a_factor_of_one_stays_and_no_initial_never_waits() {
        let constant = Backoff {
            factor: 1.0,
            ..Backoff::default()
        };
        assert_eq!(constant.ceiling(u32::MAX), minutes(1));
        let none = Backoff {
            initial: Duration::ZERO,
            ..Backoff::default()
        };
        assert_eq!(none.ceiling(u32::MAX), Duration::ZERO);
    }

    #[test]
    fn the_delay_is_the_jitters_share() {
        let backoff = Backoff::default();
        let table = [
            (0.0, minutes(0)),
            (0.25, minutes(1)),
            (1.0, minutes(4)),
            (-1.0, minutes(0)),
            (7.0, minutes(4)),
            (f64::NAN, minutes(4)),
        ];
        for (jitter, delay) in table {
            assert_eq!(backoff.delay(3, jitter), delay, "{jitter}");
        }
    }

    #[test]
    fn settings_are_durations_in_words() {
        let backoff: Backoff = toml::from_str("initial = '30s'\nmax = '2 hours'").unwrap();
        assert_eq!(backoff.initial, Duration::from_secs(30));
        assert_eq!((backoff.factor, backoff.max), (2.0, minutes(120)));
        let written = toml::to_string(&backoff).unwrap();
        assert_eq!(written, "initial = \"30s\"\nfactor = 2.0\nmax = \"2h\"\n");
        assert!(toml::from_str::<Backoff>("first = '30s'").is_err());
    }

    #[test]
    fn wrong_settings_are_told_in_sentences() {
        assert!(Backoff::default().problems("backoff").is_empty());
        let wrong = Backoff {
            initial: minutes(90),
            factor: 0.5,
            ..Backoff::default()
        };
        assert_eq!(
            wrong.problems("backoff"),
            [
                "backoff.factor is 0.5: waits must not shrink, write 1.0 or more, like 2.0",
                "backoff.max is 1h, shorter than backoff.initial, 1h30m: write a max of at least \"1h30m\"",
            ]
        );
        for factor in [f64::NAN, f64::INFINITY, -2.0] {
            let wrong = Backoff {
                factor,
                ..Backoff::default()
            };
            assert_eq!(wrong.problems("backoff").len(), 1, "{factor}");
        }
    }

    prop_compose! {
        fn any_backoff()(initial in 0..100_000u64, more in 0..1_000_000_000u64, factor in 1.0..100.0) -> Backoff {
            Backoff {
                initial: Duration::from_millis(initial),
                factor,
                max: Duration::from_millis(initial + more),
            }
        }
    }

    proptest! {
        #[test]
        fn ceilings_stay_in_their_bounds_and_never_shrink(backoff in any_backoff(), retry in 1..2_000u32) {
            let ceiling = backoff.ceiling(retry);
            prop_assert!(backoff.initial <= ceiling && ceiling <= backoff.max);
            prop_assert!(ceiling <= backoff.ceiling(retry + 1));
        }

        #[test]
        fn delays_stay_under_the_ceiling(backoff in any_backoff(), retry: u32, jitter in 0.0..=1.0) {
            prop_assert!(backoff.delay(retry, jitter) <= backoff.ceiling(retry));
        }

        #[test]
        fn even_senseless_settings_stay_under_the_maximum(
            initial: u64, max: u64, factor: f64, retry: u32, jitter: f64,
        ) {
            let backoff = Backoff { initial: Duration::from_secs(initial), factor, max: Duration::from_secs(max) };
            prop_assert!(backoff.ceiling(retry) <= backoff.max);
            prop_assert!(backoff.delay(retry, jitter) <= backoff.max);
        }
    }
}
