//! What every ledger does, whatever its database: each driver's test target includes this module beside a module
//! `factory` of its own, which makes the ledger.
//!
//! Every test has a [`world::World`]: a ledger with orders that must not change, and a clock that stands still until it
//! is moved.

mod access;
mod acts;
mod adopt;
mod batches;
mod by_hand;
mod claim;
mod commit;
#[cfg(feature = "failpoints")]
mod crash;
mod dead_letters;
mod desk;
mod elsewhere;
mod homes;
mod model;
mod numbers;
mod observe;
mod operations;
mod operators;
mod pending;
mod reading;
mod reports;
mod settle;
mod settle_waiting;
mod started_late;
mod stories;
pub mod world;
