//! Chaos: failing orders, workers, a server and a database that are killed again and again, replies that are lost, a full
//! disk, clocks that step, operators who interfere; and then the audit.
//!
//! *Life*: a worker process from its start to its death. *Kill*: SIGKILL. *Death*: how a life is to end. *Outage*: the
//! Temporal server or PostgreSQL is killed, and started again. *Deed*: what an operator does to one order. *Storm*: the time
//! in which all of this happens. The seed fixes the orders' faults, the deaths, the outages, the lost replies, the steps of
//! clocks, the deeds and the sizes of batches; how they fall together is the machine's.

mod announcing;
mod batches;
mod beside;
mod counts;
mod deaths;
mod deeds;
mod disk;
mod expected;
mod faults;
mod halts;
mod hand;
mod lives;
mod outages;
mod pairs;
mod plan;
mod postgres;
mod report;
mod run;
mod said;
mod script;
mod settings;
mod site;
mod stepping;
mod storm;
mod tallies;
mod told;
mod weather;
mod worker;

pub use run::{RunArgs, run};
pub use worker::{WorkerArgs, run as run_worker};
