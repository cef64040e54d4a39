//! The state of things in numbers, for Prometheus: read from the ledger when it asks, so that every process tells the same and
//! none forgets at a restart.

use std::fmt;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use redrive_core::report::{ALERT_BACKLOG_BATCHES, BatchStatus};
use redrive_ledger::BatchRow;

use crate::app::App;
use crate::problem::{ApiError, Result};

/// What Prometheus reads.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Batches that are looked at for those that ended last: an operator's retries lie between them.
const BATCHES: u32 = 50;

/// A number that need not be whole.
type Real = Gauge<f64, AtomicU64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    /// Where orders stand, or what a batch did with them.
    state: Name,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    failure_status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Back {
    /// How many batches ago; 0 is the last one.
    back: u32,
}

/// A name of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Name(&'static str);

impl EncodeLabelValue for Name {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }
}

/// Answers Prometheus.
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response> {
    let mut registry = Registry::with_prefix("redrive");
    tell(&app, &mut registry).await?;
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|error| ApiError::internal(&error))?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

async fn tell(app: &App, registry: &mut Registry) -> Result<()> {
    let records = app.records();
    let now = records.clock.now();
    let overview = records.overview(now).await?;
    let orders = Family::<Named, Gauge>::default();
    for (state, count) in [
        ("waiting", overview.backlog),
        ("left_alone", overview.left_alone),
        ("claimed", overview.claimed),
        ("in_flight", overview.in_flight),
        ("held", overview.held),
        ("dead_lettered", overview.dead_lettered),
    ] {
        let named = Named { state: Name(state) };
        orders.get_or_create(&named).set(whole(count));
    }
    registry.register("orders", "Open orders, by where they stand", orders);
    let halted = Gauge::<i64>::default();
    halted.set(i64::from(records.halted().await?.is_some()));
    registry.register("halted", "Whether every start is stopped", halted);

    let stats = records.dead_letter_stats().await?;
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
    let oldest = Real::default();
    oldest.set(
        stats
            .oldest_unresolved_at
            .map_or(0.0, |at| seconds(at, now)),
    );
    registry.register_with_unit(
        "dead_letter_oldest_age",
        "For how long the oldest dead letter waits",
        Unit::Seconds,
        oldest,
    );
    let batches = records.batches(BATCHES).await?;
    tell_batches(&batches, now, registry);
    Ok(())
}

/// What the last batches did; an operator's retry is none of them.
fn tell_batches(batches: &[BatchRow], now: Timestamp, registry: &mut Registry) {
    let ended = |batch: &&BatchRow| !batch.one_order && batch.status != BatchStatus::Running;
    let mut ended: Vec<&BatchRow> = batches.iter().filter(ended).collect();
    ended.sort_by_key(|batch| std::cmp::Reverse(batch.result.processed_at));
    let found = Family::<Back, Gauge>::default();
    for (back, batch) in (0..).zip(ended.iter().take(ALERT_BACKLOG_BATCHES)) {
        let back = Back { back };
        found
            .get_or_create(&back)
            .set(whole(batch.result.found_count));
    }
    registry.register(
        "batch_found_orders",
        "Orders found by the last batches that ended, by how many batches ago",
        found,
    );
    let Some(last) = ended.first() else {
        return;
    };
    let result = &last.result;
    let orders = Family::<Named, Gauge>::default();
    for (verdict, count) in [
        ("restarted", result.restarted_count),
        ("dlq", result.dlq_count),
        ("error", result.error_count),
        ("skipped", result.skipped_count),
        ("recovered", result.recovered_count),
        ("failed_again", result.failed_again_count),
    ] {
        let named = Named {
            state: Name(verdict),
        };
        orders.get_or_create(&named).set(whole(count));
    }
    registry.register(
        "last_batch_orders",
        "What the last batch that ended did with the orders that it found",
        orders,
    );
    for (name, help, value) in [
        (
            "last_batch_duration",
            "How long the last batch took",
            seconds(last.started_at, result.processed_at),
        ),
        (
            "last_batch_age",
            "How long ago the last batch ended",
            seconds(result.processed_at, now),
        ),
    ] {
        let gauge = Real::default();
        gauge.set(value);
        registry.register_with_unit(name, help, Unit::Seconds, gauge);
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
