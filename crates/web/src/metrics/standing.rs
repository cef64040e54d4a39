//! How orders and dead letters stand.

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use redrive_ledger::{DeadLetterStats, Numbers, Overview};

use super::{seconds, span, whole};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Standing {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    failure_status: String,
}

/// Open orders, and whether they are started at all.
pub(super) fn orders(overview: &Overview, halted: bool, registry: &mut Registry) {
    let orders = Family::<Standing, Gauge>::default();
    for (state, count) in [
        ("waiting", overview.backlog),
        ("left_alone", overview.left_alone),
        ("claimed", overview.claimed),
        ("in_flight", overview.in_flight),
        ("held", overview.held),
        ("dead_lettered", overview.dead_lettered),
    ] {
        orders.get_or_create(&Standing { state }).set(whole(count));
    }
    registry.register("orders", "Open orders, by where they stand", orders);
    let gauge = Gauge::<i64>::default();
    gauge.set(i64::from(halted));
    registry.register("halted", "Whether every start is stopped", gauge);
}

/// Dead letters that wait for a decision.
pub(super) fn dead_letters(stats: DeadLetterStats, now: Timestamp, registry: &mut Registry) {
    let letters = Family::<Failed, Gauge>::default();
    for (failure_status, count) in stats.by_failure_status {
        let failed = Failed { failure_status };
        letters.get_or_create(&failed).set(whole(count));
    }
    registry.register(
        "dead_letters",
        "Dead letters that wait for a decision, by failure status",
        letters,
    );
    let since = stats.oldest_unresolved_at;
    span(
        registry,
        "oldest_dead_letter_age",
        "For how long the oldest dead letter waits for a decision; 0 where none does",
        since.map_or(0.0, |at| seconds(at, now)),
    );
}

/// The order that batches owe a restart the longest.
pub(super) fn oldest_due(numbers: &Numbers, now: Timestamp, registry: &mut Registry) {
    let since = numbers.oldest_due_at;
    span(
        registry,
        "oldest_due_order_age",
        "For how long the order that is due for a restart the longest has been due; 0 where none is",
        since.map_or(0.0, |at| seconds(at, now)),
    );
}
