//! The state of things in numbers, for Prometheus: read from the ledger when it asks, so that every process tells the same and
//! none forgets at a restart; and what the SDK counts of this process' worker. A scrape asks Temporal nothing, and no number
//! names an order.

mod batches;
mod counted;
mod standing;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use redrive_core::report::ALERT_BACKLOG_BATCHES;
use redrive_engine::SdkMetrics;
use redrive_engine::ops::Records;

use crate::api::{healthz, readyz};
use crate::app::App;
use crate::problem::{ApiError, Result};
use crate::serve::in_time;

/// What Prometheus reads.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A number that need not be whole.
type Real = Gauge<f64, AtomicU64>;

/// What a scrape reads.
#[derive(Clone)]
pub struct Scrape {
    /// The ledger.
    pub records: Records,
    /// The time between two batches, as it is configured.
    pub interval: Duration,
    /// What the SDK counts in this process.
    pub sdk: SdkMetrics,
}

impl FromRef<App> for Scrape {
    fn from_ref(app: &App) -> Self {
        Self {
            records: app.records().clone(),
            interval: app.schedule.interval,
            sdk: app.sdk.clone(),
        }
    }
}

impl FromRef<Scrape> for Records {
    fn from_ref(scrape: &Scrape) -> Self {
        scrape.records.clone()
    }
}

/// What a worker serves: its numbers, and whether it lives. There is nothing to act on, and nothing about a single order.
pub(crate) fn router(scrape: Scrape) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(scrape)
        .fallback(|| async { ApiError::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(middleware::from_fn(in_time))
}

/// Answers Prometheus.
pub(crate) async fn metrics(State(scrape): State<Scrape>) -> Result<Response> {
    let mut registry = Registry::with_prefix("redrive");
    tell(&scrape, &mut registry).await?;
    let mut text = String::new();
    encode_registry(&mut text, &registry)
        .and_then(|()| scrape.sdk.encode(&mut text))
        .and_then(|()| encode_eof(&mut text))
        .map_err(|error| ApiError::internal(&error))?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

async fn tell(scrape: &Scrape, registry: &mut Registry) -> Result<()> {
    let records = &scrape.records;
    let now = records.clock.now();
    let overview = records.overview(now).await?;
    let halted = records.halted().await?.is_some();
    let letters = records.dead_letter_stats().await?;
    let numbers = records.numbers().await?;
    let ended = records.ended_batches(ALERT_BACKLOG_BATCHES as u32).await?;
    standing::orders(&overview, halted, registry);
    standing::dead_letters(letters, now, registry);
    standing::oldest_due(&numbers, now, registry);
    batches::missed(&numbers, scrape.interval, now, registry);
    batches::ended(&ended, now, registry);
    counted::verdicts(&numbers, registry);
    counted::outcomes(&numbers, registry);
    counted::recoveries(numbers, registry);
    Ok(())
}

/// Registers a number of seconds.
fn span(registry: &mut Registry, name: &str, help: &str, seconds: f64) {
    let gauge = Real::default();
    gauge.set(seconds);
    registry.register_with_unit(name, help, Unit::Seconds, gauge);
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
