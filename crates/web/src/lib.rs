//! The HTTP side of Redrive: the JSON API, thin over the engine's verbs.
//!
//! A handler reads its request, calls one verb, and shapes the answer. Nothing here knows SQL or a call to Temporal.

mod access;
mod api;
mod app;
mod cursor;
mod extract;
mod guard;
mod links;
mod metrics;
mod one_at_a_time;
mod page;
mod pages;
mod problem;
mod queue;
mod rehearsing;
mod repeat;
mod serve;
pub mod views;

pub use access::Access;
pub use api::openapi;
pub use app::App;
pub use links::Links;
pub use metrics::Scrape;
pub use one_at_a_time::OneAtATime;
pub use serve::{Serving, router};
