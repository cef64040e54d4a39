//! What the API says and hears: the bodies of its answers and requests. They are the contract; what is behind them may change.
//!
//! What the ledger keeps is told as the ledger names it; here is what is put together for whoever asks.

mod actions;
mod audit;
mod batch_now;
mod batches;
mod dead_letters;
mod failures;
mod halt;
mod health;
mod judgement;
mod limits;
mod lists;
mod older;
mod order_end;
mod orders;
mod rehearsal;
mod reprocessing;
mod schedule;
mod status;
mod timeline;
mod tokens;
mod workers;

pub use actions::{
    Action, ActionAnswer, ActionFilter, MOST_HOURS, NewRate, OperationShown, OperationTold,
};
pub use audit::WhichActs;
pub use batch_now::{BatchNow, Progress};
pub use batches::{BatchStarted, BatchTold, Deed, NewBatch, RunningBatch, Why};
pub use dead_letters::{ByHand, Entries, Entry, FailedRun, Resolve, RetryOutcome, Sort, Stats};
pub use failures::{FailureShown, WhichFailures, WhichGroups};
pub use halt::{Halted, NewHalt};
pub(crate) use health::halted;
pub use health::{Health, Level};
pub use judgement::{Asked, Classified, Judgement, Tried};
pub use limits::NewLimit;
pub use lists::{BatchOrders, Listed};
pub use older::TakeIn;
pub use order_end::{OrderEnded, OrdersEnded};
pub use orders::{NotNow, OrderLine, OrderStory, WhichOrders};
pub use rehearsal::{MOST_ALONE, Rehearsal, Rehearse};
pub use reprocessing::{
    EligibleOrder, EligibleOrders, FailureReport, NewDeadLetter, Reset, RetryCount, Urgency,
};
pub use schedule::{ScheduleChange, ScheduleDeed, ScheduleDid, ScheduleShown, ScheduleTold, Tick};
pub use status::{NextBatch, Status};
pub use timeline::Event;
pub use tokens::{MadeToken, NewToken};
pub use workers::Workers;

use jiff::SignedDuration;

/// A span in hours, to the hundredth.
fn hours(span: SignedDuration) -> f64 {
    (span.as_secs_f64() / 36.0).round() / 100.0
}
