//! The bench: how many failed orders Redrive starts again a second, beside what the server takes at most, and the costs.
//!
//! *Raw start*: a bare start call, the limit of everything else. *Drain*: one batch that starts every failed order again.
//! *From the ledger on*: the drain's chunks, the orders being known; *from the scan on*: its scan and settle too. *Ground*: a
//! namespace and a ledger that one measurement has to itself. *Figure*: what was measured, the median of its samples, and
//! what it is to reach. BENCHMARKS.md explains each.

mod actions;
mod backlog;
mod commands;
mod delayed;
mod drain;
mod figures;
mod ground;
mod hollow;
mod ledger_alone;
mod ledger_worker;
mod machine;
mod orders;
mod pages;
mod plain;
mod process;
mod report;
mod reset;
mod run;
mod seeded;
mod serve_process;
mod server;
mod site;
mod trace;
mod worker;
mod worker_process;
mod workers;

pub use plain::{PlainWorkerArgs, run as run_plain_worker};
pub use run::{RunArgs, run};
pub use worker::{WorkerArgs, run as run_worker};
