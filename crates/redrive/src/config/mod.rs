//! Redrive's configuration: what one TOML file says, over the defaults.
//!
//! Where Temporal is, and how to be let in, is Temporal's own configuration and never ours (see [`crate::connect`]).

mod docs;
mod flat;
mod load;
mod maybe_address;
mod sentence;
mod settings;
mod shown;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use redrive_core::policy::{Policy, duration};
use redrive_web::Links;
use serde::{Deserialize, Serialize};

pub use docs::markdown;
pub use load::{DEFAULT_FILE, Loaded, Overrides, load, load_with_sources, parse, read};
pub use settings::{SETTINGS, Setting};
pub use shown::{ShownSetting, Source};

/// Everything that can be set. What a file leaves out takes its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the ledger is.
    pub ledger: LedgerConfig,
    /// How the worker runs.
    pub worker: WorkerConfig,
    /// When batches start by themselves.
    pub schedule: ScheduleConfig,
    /// What is served over HTTP.
    pub web: WebConfig,
    /// What a worker tells of itself.
    pub metrics: MetricsConfig,
    /// Where else to look.
    pub links: LinksConfig,
    /// What is done about failed orders.
    pub policy: Policy,
}

/// `[ledger]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerConfig {
    /// The ledger: a file's path, `sqlite:PATH`, or `postgres://...`. Default `redrive.db` in the current folder.
    pub url: String,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            url: "redrive.db".to_owned(),
        }
    }
}

/// `[worker]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// The task queue of our workflows. Default `orchestrator` (spec); another one where your own workers own that name.
    pub task_queue: String,
    /// Orders that this process handles at the same time, 1 to [`MOST_AT_ONCE`]. Default
    /// [`redrive_engine::ORDERS_AT_ONCE`].
    pub orders_at_once: u32,
}

/// The most orders that one process may handle at the same time: each has a call to the server under way.
pub const MOST_AT_ONCE: u32 = 1000;

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            task_queue: redrive_flows::TASK_QUEUE.to_owned(),
            orders_at_once: redrive_engine::ORDERS_AT_ONCE,
        }
    }
}

/// `[web]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// Where `up` and `serve` listen. Default `127.0.0.1:8420`.
    pub listen: SocketAddr,
    /// Who is let in. Default whoever reaches the address, which then is one of this machine alone.
    pub access: AccessKind,
    /// Where browsers find the pages, behind a reverse proxy; nothing: where they are served. Default nothing.
    pub public_url: String,
    /// Requests a second of each who has signed in, and of all others together. Default 100.
    pub requests_per_second: NonZeroU32,
}

/// Who is let in over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// Whoever reaches the address.
    Open,
    /// Whoever shows a token.
    Tokens,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8420)),
            access: AccessKind::Open,
            public_url: String::new(),
            requests_per_second: NonZeroU32::new(100).expect("it is above 0"),
        }
    }
}

/// `[metrics]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Where `worker` has its numbers for Prometheus; nothing: nowhere. Default nothing.
    #[serde(with = "maybe_address")]
    pub listen: Option<SocketAddr>,
}

/// `[links]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinksConfig {
    /// Where Temporal's pages are, say `https://temporal.example`; nothing: no links. Default nothing.
    pub temporal_ui: String,
}

impl LinksConfig {
    /// Where no pages are named, they are at `ui`.
    pub fn or(&mut self, ui: String) {
        if self.temporal_ui.is_empty() {
            self.temporal_ui = ui;
        }
    }

    /// The links into `namespace`.
    pub fn over(&self, namespace: &str) -> Links {
        Links::new(&self.temporal_ui, namespace)
    }
}

/// `[schedule]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The schedule's id in Temporal. Default `reprocessing-batch-schedule` (spec).
    pub id: String,
    /// The time between two batches. Default 15 minutes (spec).
    #[serde(with = "duration")]
    pub interval: Duration,
    /// Whether `up` and `worker` keep the schedule as it is set here. Default true.
    pub manage: bool,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            id: redrive_flows::SCHEDULE_ID.to_owned(),
            interval: Duration::from_secs(15 * 60),
            manage: true,
        }
    }
}
