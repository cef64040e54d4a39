//! The SDK's instruments over ours.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge;
use prometheus_client::metrics::histogram;
use prometheus_client::registry::Unit;
use temporalio_common::telemetry::metrics::{
    CoreMeter, Counter, CounterBase, Gauge, GaugeBase, GaugeF64, GaugeF64Base, Histogram,
    HistogramBase, HistogramDuration, HistogramDurationBase, HistogramF64, HistogramF64Base,
    MetricAttributable, MetricAttributes, MetricParameters, NewAttributes, OrderedPromLabelSet,
    UpDownCounter, UpDownCounterBase,
};

use super::{Labels, SdkMetrics};

impl CoreMeter for SdkMetrics {
    fn new_attributes(&self, attribs: NewAttributes) -> MetricAttributes {
        let labels = Arc::new(attribs.into());
        MetricAttributes::Prometheus { labels }
    }

    fn extend_attributes(
        &self,
        existing: MetricAttributes,
        attribs: NewAttributes,
    ) -> MetricAttributes {
        let mut labels = match existing {
            MetricAttributes::Prometheus { labels } => Arc::unwrap_or_clone(labels),
            _ => OrderedPromLabelSet::default(),
        };
        for label in attribs.attributes {
            labels.add_kv(label);
        }
        let labels = Arc::new(labels);
        MetricAttributes::Prometheus { labels }
    }

    fn counter(&self, params: MetricParameters) -> Counter {
        Counter::new(Arc::new(Many(self.counters(&params))))
    }

    fn histogram(&self, params: MetricParameters) -> Histogram {
        Histogram::new(Arc::new(Many(self.histograms(&params, None))))
    }

    fn histogram_f64(&self, params: MetricParameters) -> HistogramF64 {
        HistogramF64::new(Arc::new(Many(self.histograms(&params, None))))
    }

    fn histogram_duration(&self, params: MetricParameters) -> HistogramDuration {
        let seconds = self.histograms(&params, Some(Unit::Seconds));
        HistogramDuration::new(Arc::new(Many(seconds)))
    }

    fn gauge(&self, params: MetricParameters) -> Gauge {
        Gauge::new(Arc::new(Many(self.wholes(&params))))
    }

    fn gauge_f64(&self, params: MetricParameters) -> GaugeF64 {
        GaugeF64::new(Arc::new(Many(self.reals(&params))))
    }

    fn up_down_counter(&self, params: MetricParameters) -> UpDownCounter {
        UpDownCounter::new(Arc::new(Many(self.wholes(&params))))
    }
}

/// An instrument for all labels.
struct Many<M, C = fn() -> M>(Family<Labels, M, C>);

/// An instrument with its labels.
struct One<M>(M);

impl<M: Clone, C: MetricConstructor<M>> Many<M, C> {
    fn one(&self, attributes: &MetricAttributes) -> One<M> {
        One(self.0.get_or_create_owned(&labels(attributes)))
    }
}

fn labels(attributes: &MetricAttributes) -> Labels {
    let MetricAttributes::Prometheus { labels } = attributes else {
        return Labels::new();
    };
    let named = labels.as_prom_labels().into_iter();
    let mut labels: Labels = named
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    labels.sort_unstable();
    labels
}

/// What an instrument of the SDK's kind does with a value.
macro_rules! instrument {
    ($metric:ty, $made:ty: $base:ident::$does:ident($value:ident: $type:ty) => $do:expr) => {
        impl MetricAttributable<Box<dyn $base>> for Many<$metric, $made> {
            fn with_attributes(
                &self,
                attributes: &MetricAttributes,
            ) -> Result<Box<dyn $base>, Box<dyn Error>> {
                Ok(Box::new(self.one(attributes)))
            }
        }

        impl $base for One<$metric> {
            fn $does(&self, $value: $type) {
                let on: fn(&$metric, $type) = $do;
                on(&self.0, $value);
            }
        }
    };
}

type Whole = gauge::Gauge;
type Real = gauge::Gauge<f64, AtomicU64>;

instrument!(counter::Counter, fn() -> counter::Counter: CounterBase::adds(value: u64) => |counter, value| {
    counter.inc_by(value);
});
instrument!(Whole, fn() -> Whole: GaugeBase::records(value: u64) => |gauge, value| {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
});
instrument!(Real, fn() -> Real: GaugeF64Base::records(value: f64) => |gauge, value| {
    gauge.set(value);
});
instrument!(Whole, fn() -> Whole: UpDownCounterBase::adds(value: i64) => |gauge, value| {
    gauge.inc_by(value);
});
instrument!(histogram::Histogram, super::Buckets: HistogramBase::records(value: u64) => |histogram, value| {
    histogram.observe(value as f64);
});
instrument!(histogram::Histogram, super::Buckets: HistogramF64Base::records(value: f64) => |histogram, value| {
    histogram.observe(value);
});
instrument!(
    histogram::Histogram, super::Buckets: HistogramDurationBase::records(value: Duration) => |histogram, value| {
        histogram.observe(value.as_secs_f64());
    }
);
