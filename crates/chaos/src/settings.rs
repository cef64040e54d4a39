//! How Redrive is set in a storm: as in production, but for the waits and the sizes.

use std::time::Duration;

use redrive::config::{Config, LedgerConfig};
use redrive_core::backoff::Backoff;
use redrive_core::policy::{Policy, SettlePolicy};

/// The first waits: of an order before its next restart, of a batch before it looks at a restart.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest: a batch finds due whatever failed since the one before.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// So that dead letters come within a storm.
pub(crate) const MAX_RETRIES: u32 = 3;

/// As many as there may be: a storm has a batch every second.
const VISIBILITY_CALLS: f64 = 1_000.0;

/// So that a batch has several chunks under way when its worker is killed.
const CHUNK: u32 = 10;

/// The configuration of a ledger (`sqlite:PATH`) and a rate of starts.
pub(crate) fn config(ledger: &str, starts_per_second: f64) -> Config {
    Config {
        ledger: LedgerConfig {
            url: ledger.to_owned(),
        },
        policy: policy(starts_per_second),
        ..Config::default()
    }
}

fn policy(starts_per_second: f64) -> Policy {
    Policy {
        starts_per_second,
        visibility_calls_per_second: VISIBILITY_CALLS,
        max_retries: MAX_RETRIES,
        batch_size: CHUNK,
        backoff: Backoff {
            initial: FIRST_WAIT,
            max: LONGEST_WAIT,
            ..Backoff::default()
        },
        settle: SettlePolicy {
            first_check: FIRST_WAIT,
            longest_check: LONGEST_WAIT,
            ..SettlePolicy::default()
        },
        ..Policy::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_one_that_a_file_may_have() {
        assert_eq!(policy(20.0).validate(), Ok(()));
    }
}
