//! What acts: every call to Temporal, the activities of a batch, the worker, the schedule, and the product's verbs.
//!
//! [`Engine`] holds what all of them share. [`ops`] is what the CLI, the API and the pages call; they see neither SQL
//! nor a Temporal call.

mod activities;
mod adopt;
mod checkup;
mod chunk;
mod clock;
mod engine;
mod error;
mod failed_run;
mod finish;
pub mod gateway;
mod halt;
mod one_order;
mod operation;
pub mod ops;
mod patience;
mod polling;
mod pulse;
mod record;
mod scan;
mod schedule;
mod sdk_metrics;
mod server_time;
mod settle;
mod turns;
mod worker;

pub use activities::Activities;
pub use checkup::{Answer, Checkup, Pollers, checkup};
pub use clock::{Clock, SystemClock};
pub use engine::{Engine, ORDERS_AT_ONCE, Settings};
pub use error::EngineError;
pub use failed_run::{NoFailedRun, read_failed_run};
pub use pulse::{Pulse, Steady};
pub use schedule::{
    Applied, ScheduleSettings, ScheduleStatus, Ticked, apply as apply_schedule,
    status as schedule_status,
};
pub use sdk_metrics::SdkMetrics;
pub use worker::{RunningWorker, WorkerError, WorkerThread, run_worker};
