//! What the last batches did, and whether they begin in time. An operator's retry is none of them.

use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use redrive_ledger::{BatchRow, Numbers};

use super::{seconds, span, whole};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Judged {
    verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Settled {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Back {
    /// How many batches ago; 0 is the last one.
    back: u32,
}

/// Runs of the schedule that have begun no batch since the last one, as far as is certain: the tick that follows a batch within
/// its interval is that batch's successor, and the one that is due just now may still be beginning.
pub(super) fn missed(
    numbers: &Numbers,
    interval: Duration,
    now: Timestamp,
    registry: &mut Registry,
) {
    let Some(began) = numbers.last_batch_began_at else {
        return;
    };
    let missed = Gauge::<i64>::default();
    missed.set(missed_since(began, interval, now));
    registry.register(
        "missed_schedule_runs",
        "Runs of the schedule, at least, that have begun no batch since the last one",
        missed,
    );
}

fn missed_since(began: Timestamp, interval: Duration, now: Timestamp) -> i64 {
    let intervals = seconds(began, now) / interval.as_secs_f64();
    // A float becomes the nearest number there is.
    (intervals.floor() as i64).saturating_sub(1).max(0)
}

/// The batches that ended, the last one first.
pub(super) fn ended(ended: &[BatchRow], now: Timestamp, registry: &mut Registry) {
    let found = Family::<Back, Gauge>::default();
    for (back, batch) in (0..).zip(ended) {
        let of = found.get_or_create_owned(&Back { back });
        of.set(whole(batch.result.found_count));
    }
    registry.register(
        "batch_found_orders",
        "Orders found by the last batches that ended, by how many batches ago",
        found,
    );
    if let Some(last) = ended.first() {
        did(last, registry);
        span(
            registry,
            "last_batch_duration",
            "How long the last batch that ended took",
            seconds(last.started_at, last.result.processed_at),
        );
        span(
            registry,
            "last_batch_age",
            "How long ago the last batch ended",
            seconds(last.result.processed_at, now),
        );
    }
}

fn did(last: &BatchRow, registry: &mut Registry) {
    let result = &last.result;
    let orders = Family::<Judged, Gauge>::default();
    for (verdict, count) in [
        ("restarted", result.restarted_count),
        ("dlq", result.dlq_count),
        ("error", result.error_count),
        ("skipped", result.skipped_count),
    ] {
        orders.get_or_create(&Judged { verdict }).set(whole(count));
    }
    registry.register(
        "last_batch_orders",
        "What the last batch that ended did with the orders that it found",
        orders,
    );
    let settled = Family::<Settled, Gauge>::default();
    for (outcome, count) in [
        ("recovered", result.recovered_count),
        ("failed_again", result.failed_again_count),
    ] {
        settled
            .get_or_create(&Settled { outcome })
            .set(whole(count));
    }
    registry.register(
        "last_batch_settled_attempts",
        "Earlier restarts whose end the last batch that ended has learnt",
        settled,
    );
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_run_is_missed_once_nobody_can_still_begin_it() {
        let began = Timestamp::from_second(1_900_000_000).unwrap();
        let interval = Duration::from_secs(900);
        for (minutes, missed) in [(0, 0), (14, 0), (16, 0), (29, 0), (30, 1), (44, 1), (45, 2)] {
            let now = began + SignedDuration::from_mins(minutes);
            assert_eq!(
                missed_since(began, interval, now),
                missed,
                "after {minutes} minutes"
            );
        }
        let before = began - SignedDuration::from_mins(5);
        assert_eq!(
            missed_since(began, interval, before),
            0,
            "a clock that is behind"
        );
    }
}
