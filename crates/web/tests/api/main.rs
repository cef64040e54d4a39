//! The API, through its real router, with a real ledger of each kind and a real Temporal server.

mod acting;
mod asking;
mod deciding;
mod pages;
mod refusing;
mod world;
