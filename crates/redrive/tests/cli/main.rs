//! The command line as its users have it: the built binary, its exit codes, what it prints where.
//!
//! Those that need a Temporal server find it by `REDRIVE_TEST_SERVER`, and take a namespace of their own.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod addresses;
mod bulk;
mod classify;
mod completions;
mod config;
mod control;
mod damaged;
mod docs;
mod doctor;
mod errors;
mod every;
mod known;
mod limits;
mod long_lists;
mod lost_server;
mod man;
mod manual;
mod migrate;
mod operations;
mod orders;
mod policy;
mod postgres;
mod prompt;
mod queue;
mod quickstart;
mod reference;
mod roles;
mod running;
mod scene;
mod schedule;
mod serving;
mod site;
mod tape;
mod told;
mod variants;
mod ways;
