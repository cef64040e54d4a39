//! How a failure group went over the last day, hour by hour: whether it grows, or is over.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use redrive_engine::ops::Records;
use redrive_ledger::{FailureGroup, FailureHour};

use super::Result;

/// Hours that are looked at; the last of them is under way.
const HOURS: usize = 24;
/// So many hours are compared with as many before.
const COMPARED: usize = 3;
/// A bar's room in the picture, and the picture's height.
const WIDE: usize = 4;
const HIGH: u64 = 20;

/// A group's last day.
pub(super) struct Trend {
    /// Its failures in it.
    pub count: u64,
    /// Where it goes, in a word.
    pub word: &'static str,
    /// A bar an hour, as the path of a picture that is `24 * 4` wide and 20 high.
    pub path: String,
}

/// The last day of each group, in their order.
pub(super) async fn of(
    records: &Records,
    groups: &[FailureGroup],
    now: Timestamp,
) -> Result<Vec<Trend>> {
    let since = now - SignedDuration::from_hours(HOURS as i64 - 1);
    let hours = records.failure_hours(groups, since).await?;
    let mut counts: HashMap<[&str; 3], [u64; HOURS]> = HashMap::new();
    for hour in &hours {
        let group = [
            hour.workflow_type.as_str(),
            &hour.failure_status,
            &hour.fingerprint,
        ];
        if let Some(count) = place(hour, now)
            .and_then(|place| counts.entry(group).or_insert([0; HOURS]).get_mut(place))
        {
            *count += hour.count;
        }
    }
    let trends = groups.iter().map(|group| {
        let group = [
            group.workflow_type.as_str(),
            &group.failure_status,
            &group.fingerprint,
        ];
        Trend::over(counts.get(&group).copied().unwrap_or([0; HOURS]))
    });
    Ok(trends.collect())
}

/// Which of the hours it is, the one under way being the last. A server's clock may be ahead of ours.
fn place(hour: &FailureHour, now: Timestamp) -> Option<usize> {
    let ago = now.as_second().div_euclid(3_600) - hour.hour.as_second().div_euclid(3_600);
    (HOURS - 1).checked_sub(ago.max(0) as usize)
}

impl Trend {
    fn over(hours: [u64; HOURS]) -> Self {
        Self {
            count: hours.iter().sum(),
            word: word(&hours),
            path: path(&hours),
        }
    }
}

/// Half as many again is more, and not the chance of an hour.
fn word(hours: &[u64; HOURS]) -> &'static str {
    let sum = |from: usize| hours[from..from + COMPARED].iter().sum::<u64>();
    let (before, last) = (sum(HOURS - 2 * COMPARED), sum(HOURS - COMPARED));
    if hours.iter().all(|count| *count == 0) {
        "quiet"
    } else if last == 0 {
        "over"
    } else if last * 2 > before * 3 {
        "rising"
    } else if last * 3 < before * 2 {
        "falling"
    } else {
        "steady"
    }
}

fn path(hours: &[u64; HOURS]) -> String {
    let most = hours.iter().copied().max().unwrap_or_default().max(1);
    let bars = hours.iter().enumerate().filter(|(_, count)| **count > 0);
    let bars = bars.map(|(place, count)| {
        let high = (count * HIGH).div_ceil(most);
        format!("M{} {HIGH}v-{high}", place * WIDE + WIDE / 2)
    });
    bars.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(last: [u64; 6]) -> [u64; HOURS] {
        let mut hours = [0; HOURS];
        hours[HOURS - 6..].copy_from_slice(&last);
        hours
    }

    #[test]
    fn a_trend_is_a_word() {
        for (last, told) in [
            ([0, 0, 0, 0, 0, 0], "quiet"),
            ([0, 0, 0, 0, 0, 1], "rising"),
            ([4, 4, 4, 4, 4, 4], "steady"),
            ([4, 4, 4, 6, 6, 6], "steady"),
            ([4, 4, 4, 6, 6, 7], "rising"),
            ([4, 4, 4, 3, 3, 1], "falling"),
            ([4, 4, 4, 0, 0, 0], "over"),
        ] {
            assert_eq!(word(&hours(last)), told, "{last:?}");
        }
    }

    #[test]
    fn a_bar_is_as_high_as_its_share_and_never_nothing() {
        assert_eq!(path(&hours([0; 6])), "");
        assert_eq!(path(&hours([0, 0, 0, 1, 0, 1000])), "M86 20v-1M94 20v-20");
    }

    #[test]
    fn the_hour_under_way_is_the_last() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let hour = |hour: i64| FailureHour {
            workflow_type: String::new(),
            failure_status: String::new(),
            fingerprint: String::new(),
            hour: at(hour * 3_600),
            count: 1,
        };
        let now = at(100 * 3_600 + 1_800);
        assert_eq!(place(&hour(100), now), Some(23));
        assert_eq!(place(&hour(101), now), Some(23));
        assert_eq!(place(&hour(77), now), Some(0));
        assert_eq!(place(&hour(76), now), None);
    }
}
