//! What the SDK counts of a worker, kept for whoever reads it: its pollers and slots, its tasks and how long they take.
//!
//! The SDK's own exporter for Prometheus listens on a port of its own. This is a meter for the SDK instead, whose numbers go
//! where ours go. Names, units and buckets are those that the SDK's exporter gives when it is told to keep to Prometheus'
//! conventions: `temporal_` before all, `_total` after counters, durations in seconds.

mod instruments;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};
use temporalio_common::telemetry::metrics::{CoreMeter, MetricParameters, default_buckets_for};
use temporalio_common::telemetry::{METRIC_PREFIX, TelemetryOptions};
use temporalio_sdk::runtime::RuntimeOptions;

/// Names and values, in the order of the names.
type Labels = Vec<(String, String)>;
type Counters = Family<Labels, Counter>;
type Wholes = Family<Labels, Gauge>;
type Reals = Family<Labels, Gauge<f64, AtomicU64>>;
type Histograms = Family<Labels, Histogram, Buckets>;

/// The numbers of the workers that it was given to. Clones share them; without a worker there are none.
#[derive(Debug, Clone, Default)]
pub struct SdkMetrics(Arc<Mutex<Kept>>);

/// The SDK asks for the same instrument again and again.
#[derive(Debug, Default)]
struct Kept {
    registry: Registry,
    counters: HashMap<String, Counters>,
    wholes: HashMap<String, Wholes>,
    reals: HashMap<String, Reals>,
    histograms: HashMap<String, Histograms>,
}

impl SdkMetrics {
    /// Writes all of it in the text form of OpenMetrics, without the mark of the end.
    pub fn encode(&self, text: &mut impl fmt::Write) -> fmt::Result {
        encode_registry(text, &self.kept().registry)
    }

    /// The options of a runtime whose workers count here.
    pub(crate) fn runtime(&self) -> Result<RuntimeOptions, String> {
        let meter: Arc<dyn CoreMeter> = Arc::new(self.clone());
        let telemetry = TelemetryOptions::builder()
            .metrics(meter)
            .attach_service_name(false)
            .build();
        RuntimeOptions::builder()
            .telemetry_options(telemetry)
            .build()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whoever panicked had counted, or had not.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counters(&self, params: &MetricParameters) -> Counters {
        let kept = &mut *self.kept();
        known(
            &mut kept.counters,
            &mut kept.registry,
            params,
            None,
            Counters::default,
        )
    }

    fn wholes(&self, params: &MetricParameters) -> Wholes {
        let kept = &mut *self.kept();
        known(
            &mut kept.wholes,
            &mut kept.registry,
            params,
            None,
            Wholes::default,
        )
    }

    fn reals(&self, params: &MetricParameters) -> Reals {
        let kept = &mut *self.kept();
        known(
            &mut kept.reals,
            &mut kept.registry,
            params,
            None,
            Reals::default,
        )
    }

    /// `unit` is what durations are counted in.
    fn histograms(&self, params: &MetricParameters, unit: Option<Unit>) -> Histograms {
        let of_sdk = params.name.trim_start_matches(METRIC_PREFIX);
        let buckets = Buckets(default_buckets_for(of_sdk, unit.is_some()));
        let kept = &mut *self.kept();
        known(
            &mut kept.histograms,
            &mut kept.registry,
            params,
            unit,
            || Histograms::new_with_constructor(buckets),
        )
    }
}

/// The family of that name, which is registered when it is first asked for.
fn known<M: Metric + Clone>(
    families: &mut HashMap<String, M>,
    registry: &mut Registry,
    params: &MetricParameters,
    unit: Option<Unit>,
    new: impl FnOnce() -> M,
) -> M {
    let name = params.name.as_ref();
    if let Some(family) = families.get(name) {
        return family.clone();
    }
    let family = new();
    // The encoder ends a counter's name; the SDK ends one of them itself.
    let registered = name.trim_end_matches("_total");
    // The encoder ends the sentence.
    let help = params.description.trim_end_matches('.');
    match unit {
        Some(unit) => registry.register_with_unit(registered, help, unit, family.clone()),
        None => registry.register(registered, help, family.clone()),
    }
    families.insert(name.to_owned(), family.clone());
    family
}

/// The bounds of a histogram's buckets.
#[derive(Debug, Clone, Copy)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use temporalio_common::telemetry::metrics::MetricKeyValue;

    use super::*;

    fn params(name: &'static str) -> MetricParameters {
        MetricParameters::builder()
            .name(name)
            .description("What it counts.")
            .build()
    }

    #[test]
    fn what_the_sdk_counts_is_told_by_prometheus_conventions() {
        let metrics = SdkMetrics::default();
        let queue = metrics.new_attributes([MetricKeyValue::new("task-queue", "q")].into());
        let both = metrics.extend_attributes(
            queue.clone(),
            [MetricKeyValue::new("activity_type", "scan")].into(),
        );
        // As the SDK does: the same instrument is made twice, and counted on with and without labels.
        for by in [2, 3] {
            metrics
                .counter(params("temporal_workflow_completed"))
                .add(by, &queue);
        }
        metrics
            .counter(params("temporal_local_activity_total"))
            .add(1, &queue);
        metrics
            .histogram_duration(params("temporal_activity_execution_latency"))
            .record(Duration::from_millis(70), &both);
        metrics
            .gauge(params("temporal_num_pollers"))
            .record(7, &queue);
        metrics.gauge_f64(params("share")).record(0.5, &queue);
        metrics.up_down_counter(params("held")).add(-2, &queue);
        metrics.histogram(params("sizes")).record(60, &queue);
        metrics.histogram_f64(params("weights")).record(0.5, &queue);
        let mut told = String::new();
        metrics.clone().encode(&mut told).unwrap();
        for line in [
            "# HELP temporal_workflow_completed What it counts.",
            "# TYPE temporal_workflow_completed counter",
            "temporal_workflow_completed_total{task_queue=\"q\"} 5",
            "temporal_local_activity_total{task_queue=\"q\"} 1",
            "# UNIT temporal_activity_execution_latency_seconds seconds",
            "temporal_activity_execution_latency_seconds_count{activity_type=\"scan\",task_queue=\"q\"} 1",
            "temporal_activity_execution_latency_seconds_bucket{le=\"0.05\",activity_type=\"scan\",task_queue=\"q\"} 0",
            "temporal_activity_execution_latency_seconds_bucket{le=\"0.1\",activity_type=\"scan\",task_queue=\"q\"} 1",
            "temporal_num_pollers{task_queue=\"q\"} 7",
            "share{task_queue=\"q\"} 0.5",
            "held{task_queue=\"q\"} -2",
            "sizes_sum{task_queue=\"q\"} 60.0",
            "weights_count{task_queue=\"q\"} 1",
        ] {
            assert!(told.lines().any(|told| told == line), "{line} in\n{told}");
        }
    }
}
