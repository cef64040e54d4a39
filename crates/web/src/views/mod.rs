//! What the API says and hears: the bodies of its answers and requests. They are the contract; what is behind them may change.
//!
//! What the ledger keeps is told as the ledger names it; here is what is put together for whoever asks.

mod actions;
mod batches;
mod dead_letters;
mod health;
mod lists;
mod orders;
mod reprocessing;
mod schedule;
mod status;
mod timeline;

pub use actions::{Action, ActionAnswer, ActionFilter};
pub use batches::{BatchStarted, BatchTold, Deed, NewBatch, Why};
pub use dead_letters::{ByHand, Entries, Entry, FailedRun, Resolve, Stats};
pub use health::{Health, Level};
pub use lists::{BatchOrders, Listed};
pub use orders::OrderStory;
pub use reprocessing::{
    EligibleOrder, EligibleOrders, FailureReport, NewDeadLetter, Reset, RetryCount, Urgency,
};
pub use schedule::{ScheduleChange, ScheduleShown, Tick};
pub use status::{NextBatch, Status};
pub use timeline::Event;

use jiff::SignedDuration;

/// A span in hours, to the hundredth.
fn hours(span: SignedDuration) -> f64 {
    (span.as_secs_f64() / 36.0).round() / 100.0
}
