//! How each order has to end, whatever was killed meanwhile.

use redrive::audit::{Books, Records};
use redrive_core::decide::RunStatus;
use redrive_core::states::State;
use redrive_fulfillment::{Expected, PlannedOrder};

use crate::plan::{Act, Plan};

/// The orders that ended otherwise than planned, each in a sentence.
pub(crate) fn surprises(plan: &Plan, records: &Records, books: &Books) -> Vec<String> {
    let (runs, stories) = (records.by_id(), books.by_order());
    let orders = plan.faults.orders.iter();
    let surprise = |order: &PlannedOrder| {
        let id = order.workflow_id().into();
        let status = records
            .latest
            .get(&id)
            .and_then(|run| runs.get(run))
            .map(|run| run.status);
        let state = stories.get(&id).map(|story| story.order.state);
        let wanted = wanted(plan, order);
        let is_so = status.zip(state).is_some_and(|end| wanted.is_met(end));
        (!is_so).then(|| {
            format!(
                "{id}: its latest run is {status:?} and the ledger says {state:?}, not {wanted:?}"
            )
        })
    };
    orders.filter_map(surprise).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Completed,
    Stopped,
    DeadLettered,
    Cancelled,
}

impl Wanted {
    fn is_met(self, end: (RunStatus, State)) -> bool {
        match self {
            Self::Completed => matches!(
                end,
                (RunStatus::Completed, State::Recovered | State::Resolved)
            ),
            Self::Stopped => end.0.is_stop() && end.1 == State::Stopped,
            Self::DeadLettered => end.0.is_failure() && end.1 == State::DeadLettered,
            Self::Cancelled => end.0.is_failure() && end.1 == State::Resolved,
        }
    }
}

fn wanted(plan: &Plan, order: &PlannedOrder) -> Wanted {
    match plan.deed_on(&order.order_id).map(|deed| deed.act) {
        Some(Act::Terminate | Act::Cancel) => Wanted::Stopped,
        Some(Act::CancelDeadLetter) => Wanted::Cancelled,
        Some(Act::StartByHand | Act::Reset | Act::RetryDeadLetter) => Wanted::Completed,
        None => match order.class.expected() {
            Expected::Completes => Wanted::Completed,
            Expected::DeadLetter => Wanted::DeadLettered,
        },
    }
}
