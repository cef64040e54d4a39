//! What a policy does about one failure status, spelled out for people: how often, and after which waits.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Policy, duration};

/// Waits that are spelled out; further ones are like the last, or follow the same growth.
const SPELLED_OUT: u32 = 8;

/// What happens to orders with one failure status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Treatment {
    /// The status.
    pub status: String,
    /// Whether its orders are restarted.
    pub reprocess: bool,
    /// Restarts before an order becomes a dead letter; 0 where it is not restarted.
    pub max_retries: u32,
    /// The waits before the restarts.
    pub waits: Waits,
}

/// The longest waits before each restart but the first, which is made at once. The wait itself is a random share of
/// each, evenly from none to all (full jitter).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waits {
    /// The longest waits, as a policy writes durations, the one before the second restart first.
    pub longest: Vec<String>,
    /// Whether more restarts follow than waits are spelled out.
    pub more: bool,
}

impl Policy {
    /// What this policy does about each status that it lists or that one of its rules gives, by name.
    pub fn treatments(&self) -> Vec<Treatment> {
        let given = self.rules.iter().map(|rule| &rule.status);
        let names: BTreeSet<&String> = self.statuses.keys().chain(given).collect();
        let treatments = names.into_iter().map(|status| self.treatment(status));
        treatments.collect()
    }

    /// What this policy does about orders with that status.
    pub fn treatment(&self, status: &str) -> Treatment {
        let reprocess = self.reprocess(status);
        let max_retries = match reprocess {
            true => self.max_retries(status),
            false => 0,
        };
        let backoff = self.backoff(status);
        let waits = max_retries.saturating_sub(1);
        let longest = (1..=waits.min(SPELLED_OUT))
            .map(|retry| duration::format(backoff.ceiling(retry)))
            .collect();
        Treatment {
            status: status.to_owned(),
            reprocess,
            max_retries,
            waits: Waits {
                longest,
                more: waits > SPELLED_OUT,
            },
        }
    }
}

impl fmt::Display for Waits {
    /// `1m .. 2m .. 4m`; `-` where there is no wait.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.longest.is_empty() {
            return f.write_str("-");
        }
        f.write_str(&self.longest.join(" .. "))?;
        f.write_str(if self.more { " .. …" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_default_restarts_five_times_after_growing_waits() {
        let treatment = Policy::default().treatment("shipping_failed");
        assert!(treatment.reprocess);
        assert_eq!(treatment.max_retries, 5);
        assert_eq!(treatment.waits.to_string(), "1m .. 2m .. 4m .. 8m");
    }

    #[test]
    fn what_is_left_alone_has_no_restarts_and_no_waits() {
        let treatment = Policy::default().treatment("address_unknown");
        assert_eq!(
            (treatment.reprocess, treatment.max_retries),
            (false, 0),
            "a status that is not listed"
        );
        assert_eq!(treatment.waits.to_string(), "-");
    }

    #[test]
    fn a_status_has_its_own_waits_and_many_are_cut_short() {
        let policy = policy(
            "max_retries = 1\n[statuses.mine]\nreprocess = true\nmax_retries = 4000000000\n\
             backoff = { initial = '30s', factor = 3.0, max = '5m' }",
        );
        assert_eq!(
            policy.treatment("mine").waits.to_string(),
            "30s .. 1m30s .. 4m30s .. 5m .. 5m .. 5m .. 5m .. 5m .. …"
        );
        let once = policy.treatment("slam_failed");
        assert_eq!(
            (once.max_retries, once.waits.to_string().as_str()),
            (1, "-")
        );
    }

    #[test]
    fn the_most_that_is_spelled_out_is_no_cut() {
        let policy = policy("max_retries = 9");
        let waits = policy.treatment("slam_failed").waits;
        assert_eq!((waits.longest.len(), waits.more), (8, false));
    }
}
