//! The engine against a real Temporal dev server and a real ledger, in a file of SQLite but for those of `postgres`. Each test has a namespace and a ledger of
//! its own; failed runs come from a puppet that answers workflow tasks by script.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod adopting;
mod alerts;
mod attributes;
mod batches;
mod budget;
mod cancelled;
mod chains;
mod clocks;
mod elsewhere;
mod errors;
mod histories;
mod hooks;
mod kth;
mod ledger_hooks;
mod limits;
#[cfg(feature = "failpoints")]
mod lost_replies;
mod many_workers;
mod older;
mod one_order;
mod operations;
mod postgres;
mod progress;
mod reading;
mod rehearsal;
mod retries;
mod scanning;
mod schedules;
mod silent;
mod starts;
mod stopped;
mod twice;
mod workflows;
mod world;
