//! Chaos: failing orders, a worker that is killed again and again, operators who interfere; and then the audit.
//!
//! *Life*: a worker process from its start to its death. *Kill*: SIGKILL. *Death*: how a life is to end. *Deed*: what an
//! operator does to one order. *Storm*: the time in which all of this happens. The seed fixes the orders' faults, the
//! deaths, the deeds and the sizes of batches; how they fall together is the machine's.

mod announcing;
mod batches;
mod deaths;
mod deeds;
mod expected;
mod halts;
mod hand;
mod lives;
mod plan;
mod report;
mod run;
mod said;
mod script;
mod settings;
mod site;
mod storm;
mod worker;

pub use run::{RunArgs, run};
pub use worker::{WorkerArgs, run as run_worker};
