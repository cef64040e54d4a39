//! The API and the pages, through their real router, with a real ledger of each kind and a real Temporal server.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod acting;
mod admitting;
mod alerts;
mod asking;
mod away;
mod batches;
mod brakes;
mod deciding;
mod described;
mod fuzzed;
mod judging;
mod looking;
mod metrics;
mod operating;
mod orders;
mod pages;
mod promtool;
mod refusing;
mod rules;
mod schedule;
mod wire;
mod world;
