//! The command line of Redrive: configuration, telemetry, and a thin layer over the engine's verbs.
//!
//! Only this crate reads the environment, and only [`printer`] prints.

pub mod audit;
pub mod backend;
pub mod cli;
pub mod config;
pub mod connect;
pub mod demo;
pub mod dev_server;
pub mod environment;
pub mod ledger;
pub mod printer;
pub mod problem;
pub mod server_watch;
pub mod telemetry;
pub mod temporal_cli;

/// Each call to Temporal makes and drops a few hundred small objects; this costs less than the C library's for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
