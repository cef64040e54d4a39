//! What to do about each failure status: the defaults, and how a file changes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::backoff::Backoff;
use crate::suggest::did_you_mean;

/// The statuses reprocessed by default: the specification's `ReprocessableStatuses`. Six stages of the order workflow
/// that can fail, two waits that can run out, and the run's own timeout.
pub const DEFAULT_REPROCESSABLE: [&str; 9] = [
    "validation_failed",
    "planning_failed",
    "wes_execution_failed",
    "slam_failed",
    "sortation_failed",
    "shipping_failed",
    "wave_timeout",
    "pick_timeout",
    "workflow_timed_out",
];

/// The policy of each listed status, by its name.
pub type StatusPolicies = BTreeMap<String, StatusPolicy>;

/// What to do about orders with one failure status.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct StatusPolicy {
    /// Whether they are restarted. False: kept, shown and left alone.
    pub reprocess: bool,
    /// Their own number of restarts; none: the policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// Their own waits; none: the policy's. What such a table leaves out takes the [`Backoff`] default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
}

/// One `[policy.statuses.NAME]` table: only what the file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
struct Override {
    reprocess: Option<bool>,
    max_retries: Option<u32>,
    backoff: Option<Backoff>,
}

/// The default statuses, all reprocessed.
pub(super) fn defaults() -> StatusPolicies {
    let reprocessed = StatusPolicy {
        reprocess: true,
        ..StatusPolicy::default()
    };
    DEFAULT_REPROCESSABLE
        .map(|status| (status.to_owned(), reprocessed.clone()))
        .into()
}

/// Reads the tables of a file over the defaults.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<StatusPolicies, D::Error> {
    let mut statuses = defaults();
    for (name, own) in BTreeMap::<String, Override>::deserialize(deserializer)? {
        let merged = merge(&name, statuses.get(&name), own).map_err(de::Error::custom)?;
        statuses.insert(name, merged);
    }
    Ok(statuses)
}

/// A status that has no default must say whether it is reprocessed: to guess either way could restart orders that
/// nobody wants back, or leave alone those that somebody does.
fn merge(
    name: &str,
    default: Option<&StatusPolicy>,
    own: Override,
) -> Result<StatusPolicy, String> {
    let default_reprocess = default.map(|default| default.reprocess);
    let reprocess = own.reprocess.or(default_reprocess).ok_or_else(|| {
        format!(
            "status {name:?} does not say whether to reprocess it: write reprocess = true or reprocess = false{}",
            did_you_mean(name, &DEFAULT_REPROCESSABLE),
        )
    })?;
    Ok(StatusPolicy {
        reprocess,
        max_retries: own.max_retries,
        backoff: own.backoff,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        #[serde(deserialize_with = "deserialize")]
        statuses: StatusPolicies,
    }

    fn read(text: &str) -> Result<StatusPolicies, String> {
        let file: Result<File, _> = toml::from_str(text);
        file.map(|file| file.statuses)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_file_changes_and_adds_statuses() {
        let read = read(
            "[statuses.shipping_failed]\nmax_retries = 8\n\
             [statuses.slam_failed]\nreprocess = false\n\
             [statuses.payment_failed]\nreprocess = true\nbackoff = { initial = '5m' }\n",
        )
        .unwrap();
        assert_eq!(read.len(), DEFAULT_REPROCESSABLE.len() + 1);
        let shipping = &read["shipping_failed"];
        assert_eq!((shipping.reprocess, shipping.max_retries), (true, Some(8)));
        assert!(!read["slam_failed"].reprocess);
        assert!(read["payment_failed"].backoff.is_some());
        assert_eq!(read["planning_failed"], defaults()["planning_failed"]);
    }

    #[test]
    fn a_new_status_must_say_whether_it_is_reprocessed() {
        assert_eq!(
            read("[statuses.shiping_failed]\nmax_retries = 3").unwrap_err(),
            "status \"shiping_failed\" does not say whether to reprocess it: write reprocess = true or \
             reprocess = false (did you mean \"shipping_failed\"?)"
        );
    }

    #[test]
    fn an_unknown_setting_of_a_status_is_refused() {
        let error = read("[statuses.slam_failed]\nretries = 3").unwrap_err();
        assert!(error.contains("unknown field `retries`"), "{error}");
    }
}
