//! When and how far Redrive looks: for failed runs (*scan*) and after the runs it started (*settle*).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How failed runs are found in Temporal's visibility store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct ScanPolicy {
    /// How far back a new ledger takes in failures. Default 24 hours: the first start must not restart last month's
    /// refunded orders. Older ones are counted and shown.
    #[serde(with = "duration")]
    pub lookback: Duration,
    /// How much of what was already read is read again, as visibility lags. Default 15 minutes, one interval of the
    /// schedule.
    #[serde(with = "duration")]
    pub overlap: Duration,
    /// How often a long stretch is read again, for runs that visibility showed very late. Default 1 hour.
    #[serde(with = "duration")]
    pub sweep_every: Duration,
    /// How long that stretch is. Default 24 hours.
    #[serde(with = "duration")]
    pub sweep_back: Duration,
    /// The most failed runs read in one window of close time; a window with more is split. Default 5000.
    pub window_rows: u32,
}

impl Default for ScanPolicy {
    fn default() -> Self {
        Self {
            lookback: DAY,
            overlap: 15 * MINUTE,
            sweep_every: HOUR,
            sweep_back: DAY,
            window_rows: 5000,
        }
    }
}

/// How a restarted run is followed to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct SettlePolicy {
    /// How long after its start a run is first looked at. Default 1 minute.
    #[serde(with = "duration")]
    pub first_check: Duration,
    /// The longest gap between two looks, which grow from the first. Default 1 hour.
    #[serde(with = "duration")]
    pub longest_check: Duration,
    /// How often every open order, dead letters too, is compared with Temporal. Default 24 hours.
    #[serde(with = "duration")]
    pub recheck: Duration,
}

impl Default for SettlePolicy {
    fn default() -> Self {
        Self {
            first_check: MINUTE,
            longest_check: HOUR,
            recheck: DAY,
        }
    }
}

impl ScanPolicy {
    pub(super) fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.sweep_every.is_zero() {
            found.push("scan.sweep_every is 0: write how often to sweep, like \"1h\"".to_owned());
        }
        if self.sweep_back < self.overlap {
            found.push(format!(
                "scan.sweep_back is {}, shorter than scan.overlap, {}: a sweep would see nothing new, write it like \
                 \"24h\"",
                duration::format(self.sweep_back),
                duration::format(self.overlap),
            ));
        }
        if self.window_rows == 0 {
            found.push(
                "scan.window_rows is 0: nothing could be read, write 1 or more, like 5000"
                    .to_owned(),
            );
        }
        found
    }
}

impl SettlePolicy {
    pub(super) fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, value, example) in [
            ("first_check", self.first_check, "1m"),
            ("recheck", self.recheck, "24h"),
        ] {
            if value.is_zero() {
                found.push(format!("settle.{name} is 0: runs would be looked at without end, write it like {example:?}"));
            }
        }
        if self.longest_check < self.first_check {
            found.push(format!(
                "settle.longest_check is {}, shorter than settle.first_check, {}: write it like \"1h\"",
                duration::format(self.longest_check),
                duration::format(self.first_check),
            ));
        }
        found
    }
}
