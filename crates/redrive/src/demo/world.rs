//! A world for the tests: a plan with orders of given classes, and what became of each.

use redrive_core::decide::RunStatus;
use redrive_core::states::State;
use redrive_fulfillment::{Class, FaultPlan, PlannedOrder};
use redrive_ledger::{AttemptOutcome, BatchRow, Story};

use crate::audit::samples::{attempt, batch, dead_letter, memo, run, story, verdict};
use crate::audit::{Books, Records};

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has no run.
    NeverStarted,
    /// It completed.
    AtOnce,
    /// It completed after so many restarts.
    Recovered { attempts: u32 },
    /// It was given up after so many restarts.
    DeadLettered { attempts: u32 },
    /// It failed, and waits.
    Waits,
}

/// The orders `ORD-0`, `ORD-1`, ... of these classes and fates. Batch `b<n>` makes restart `n` of each; the batch after
/// it learns how that ended.
pub(super) fn world(orders: &[(Class, Fate)]) -> (FaultPlan, Records, Books) {
    let mut plan = FaultPlan::smooth(7, 0);
    let (mut records, mut books) = (Records::default(), Books::default());
    for (number, (class, fate)) in orders.iter().enumerate() {
        let order = PlannedOrder {
            order_id: format!("ORD-{number}"),
            class: class.clone(),
        };
        runs(&order, *fate, &mut records);
        books.stories.extend(told(&order, *fate));
        plan.orders.push(order);
    }
    books.batches = batches(&books.stories);
    (plan, records, books)
}

fn runs(order: &PlannedOrder, fate: Fate, records: &mut Records) {
    let (restarts, completes) = match fate {
        Fate::NeverStarted => return,
        Fate::AtOnce => (0, true),
        Fate::Waits => (0, false),
        Fate::Recovered { attempts } => (attempts, true),
        Fate::DeadLettered { attempts } => (attempts, false),
    };
    let workflow_id = order.workflow_id();
    for number in 0..=restarts {
        let last = completes && number == restarts;
        let status = if last {
            RunStatus::Completed
        } else {
            RunStatus::Failed
        };
        let from = number.checked_sub(1).map(|from| name(order, from));
        let memo = from.and_then(|from| memo(&format!("b{number}"), number, &from));
        let run_id = name(order, number);
        records.runs.push(run(
            &workflow_id,
            &run_id,
            &run_id,
            status,
            i64::from(number),
            memo,
        ));
        records
            .latest
            .insert(workflow_id.as_str().into(), run_id.as_str().into());
    }
}

/// The order's run after so many restarts.
fn name(order: &PlannedOrder, restarts: u32) -> String {
    format!("{}-run-{restarts}", order.order_id)
}

fn told(order: &PlannedOrder, fate: Fate) -> Option<Story> {
    let (restarts, state) = match fate {
        Fate::NeverStarted | Fate::AtOnce => return None,
        Fate::Waits => (0, State::Failed),
        Fate::Recovered { attempts } => (attempts, State::Recovered),
        Fate::DeadLettered { attempts } => (attempts, State::DeadLettered),
    };
    let mut told = story(&order.workflow_id(), state, &name(order, restarts));
    for number in 1..=restarts {
        let ended_well = state == State::Recovered && number == restarts;
        let outcome = if ended_well {
            AttemptOutcome::Recovered
        } else {
            AttemptOutcome::FailedAgain
        };
        let (from, run) = (name(order, number - 1), name(order, number));
        told.attempts
            .push(attempt(number, &format!("b{number}"), &from, &run, outcome));
        told.verdicts.push(verdict(
            &format!("b{number}"),
            "restarted",
            i64::from(number),
        ));
    }
    if state == State::DeadLettered {
        let last = format!("b{}", restarts + 1);
        let mut letter = dead_letter(&order.workflow_id(), &last);
        letter.order_id.clone_from(&order.order_id);
        letter.retry_count = restarts;
        told.dead_letters.push(letter);
        told.verdicts
            .push(verdict(&last, "dlq", i64::from(restarts) + 1));
    }
    Some(told)
}

fn batches(stories: &[Story]) -> Vec<BatchRow> {
    let attempts = || stories.iter().flat_map(|story| &story.attempts);
    let last = attempts()
        .map(|attempt| attempt.number + 1)
        .max()
        .unwrap_or(1);
    let row = |number: u32| {
        let id = format!("b{number}");
        let said = |verdict: &str| {
            let verdicts = stories.iter().flat_map(|story| &story.verdicts);
            verdicts
                .filter(|(by, said, ..)| by.as_str() == id && said == verdict)
                .count() as u64
        };
        let ended = |outcome: AttemptOutcome| {
            let ended = attempts().filter(|attempt| attempt.number + 1 == number);
            ended
                .filter(|attempt| attempt.outcome == Some(outcome))
                .count() as u64
        };
        let (restarted, dlq) = (said("restarted"), said("dlq"));
        let ends = [
            ended(AttemptOutcome::Recovered),
            ended(AttemptOutcome::FailedAgain),
        ];
        batch(&id, [restarted + dlq, restarted, dlq], ends)
    };
    (1..=last).map(row).collect()
}
