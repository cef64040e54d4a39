//! How Redrive is set for the demo: as in production, but for the waits.
//!
//! In production a batch comes every 15 minutes and an order waits up to an hour; a demo has a minute or two in all.

use std::path::Path;
use std::time::Duration;

use redrive_core::backoff::Backoff;
use redrive_core::policy::{Policy, SettlePolicy};

use crate::config::{Config, LedgerConfig};

/// The longest that an order waits before its next restart, and the pause between two batches: so each batch finds due
/// whatever failed since the one before.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// The first waits: of an order before its second restart, and of a batch before it looks at a restart.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// As fast as one machine takes them: the workers, the orders and the server share it.
const STARTS_PER_SECOND: f64 = 200.0;

/// The configuration, with the ledger at `ledger`.
pub(super) fn config(ledger: &Path, policy: Policy) -> Config {
    Config {
        ledger: LedgerConfig {
            url: format!("sqlite:{}", ledger.display()),
        },
        policy,
        ..Config::default()
    }
}

/// The demo's policy.
pub(super) fn policy() -> Policy {
    Policy {
        starts_per_second: STARTS_PER_SECOND,
        backoff: Backoff {
            initial: FIRST_WAIT,
            max: TICK,
            ..Backoff::default()
        },
        settle: SettlePolicy {
            first_check: FIRST_WAIT,
            longest_check: TICK,
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
        assert_eq!(policy().validate(), Ok(()));
        assert_eq!(policy().max_retries, Policy::default().max_retries);
    }
}
