//! What Redrive decides, as pure functions over plain values.
//!
//! Nothing here is asynchronous, reads a clock, draws a random number or does IO: time and jitter come in as
//! arguments, so every decision can be printed, stored, tested in a table and explored by a model.

pub mod backoff;
pub mod classify;
pub mod decide;
pub mod digest;
pub mod failure;
pub mod fingerprint;
pub mod ids;
pub mod moment;
pub mod observe;
pub mod policy;
pub mod report;
pub mod states;
pub mod suggest;
pub mod words;
