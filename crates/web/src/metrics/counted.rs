//! What the ledger counts for ever: verdicts, ends of attempts, and how long orders took to recover.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};
use redrive_ledger::Numbers;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Judged {
    verdict: &'static str,
    failure_status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
    failure_status: String,
}

/// What batches did with the orders that they found.
pub(super) fn verdicts(numbers: &Numbers, registry: &mut Registry) {
    let verdicts = Family::<Judged, Counter>::default();
    for (verdict, failure_status, count) in &numbers.verdicts {
        let judged = Judged {
            verdict: verdict.as_str(),
            failure_status: failure_status.clone(),
        };
        verdicts.get_or_create(&judged).inc_by(*count);
    }
    registry.register(
        "verdicts",
        "What batches did with the orders that they found, by failure status",
        verdicts,
    );
}

/// How attempts ended.
pub(super) fn outcomes(numbers: &Numbers, registry: &mut Registry) {
    let outcomes = Family::<Ended, Counter>::default();
    for (outcome, failure_status, count) in &numbers.outcomes {
        let ended = Ended {
            outcome: outcome.as_str(),
            failure_status: failure_status.clone(),
        };
        outcomes.get_or_create(&ended).inc_by(*count);
    }
    registry.register(
        "attempts",
        "Attempts to restart an order that have ended, by how, and by the failure that they were to mend",
        outcomes,
    );
}

/// How long orders took from failure to recovery.
pub(super) fn recoveries(numbers: Numbers, registry: &mut Registry) {
    registry.register_with_unit(
        "recovery",
        "From the failure that began an order's attempts to the end of the run that recovered it",
        Unit::Seconds,
        Recovered(numbers),
    );
}

/// A histogram that the ledger keeps.
#[derive(Debug)]
struct Recovered(Numbers);

impl EncodeMetric for Recovered {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let Numbers {
            recoveries,
            recovering,
            ..
        } = &self.0;
        let buckets: Vec<(f64, u64)> = recoveries
            .iter()
            .map(|some| {
                let within = some.within.map_or(f64::INFINITY, |most| most.as_secs_f64());
                (within, some.orders)
            })
            .collect();
        let count = recoveries.iter().map(|some| some.orders).sum();
        encoder.encode_histogram::<NoLabelSet>(recovering.as_secs_f64(), count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
