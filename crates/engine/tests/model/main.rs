//! A model of the protocol by which orders are restarted, explored at random around the real code.
//!
//! The engine's own scan, settle, adopt and chunk code runs over a real SQLite ledger against a simulated server of one
//! or two workflow ids. A *walk* is one such run: a seeded scheduler lets one call to the server or the ledger through at
//! a time, loses replies, kills tries, closes batches whose tries go on, ends runs, shows them late, and lets an operator
//! meddle. It then comes to rest and everything is checked. A *try* is one execution of one activity; a *zombie* is a
//! try whose batch has given it up.
//!
//! `REDRIVE_MODEL_SEEDS=5000 cargo test -p redrive-engine --test model` walks further; `=17..18` walks one seed again.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

mod activity;
mod batch;
mod broken;
mod check;
mod choose;
mod clock;
mod deeds;
mod flaw;
mod gate;
mod gateway;
mod judge;
mod ledger;
mod rest;
mod sim;
mod walk;
mod walks;
mod world;
