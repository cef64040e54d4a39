//! What became of each order, and whether that is what its class is in for.

use std::collections::HashMap;

use redrive_core::decide::RunStatus;
use redrive_core::ids::WorkflowId;
use redrive_core::states::State;
use redrive_fulfillment::{Class, Expected, FaultPlan, PlannedOrder};
use redrive_ledger::Story;
use serde::Serialize;

use crate::audit::{Books, Records};

/// The classes in the order in which they are shown, each with what its orders are in for.
const CLASSES: [(&str, &str); 7] = [
    ("smooth", "nothing goes wrong"),
    ("transient", "its first 1 to 3 runs fail"),
    ("outage", "the carrier is down until after batch 2"),
    ("slow", "its first run hangs into its timeout"),
    ("retry_policy", "its workflow has retries of its own"),
    ("continues_as_new", "it continues as new, then fails once"),
    ("poison", "it fails always, and ends as a dead letter"),
];

/// What became of the orders of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClassRow {
    /// The class.
    pub class: &'static str,
    /// What its orders are in for.
    pub meaning: &'static str,
    /// Orders of the class.
    pub planned: usize,
    /// Those that completed without Redrive.
    pub completed_at_once: usize,
    /// Those that failed, and completed after restarts.
    pub recovered: usize,
    /// Those in the dead letter queue.
    pub dead_lettered: usize,
    /// Those that are neither completed nor dead letters.
    pub unfinished: usize,
    /// Restarts of the class's orders.
    pub attempts: usize,
}

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    AtOnce,
    Recovered,
    DeadLettered,
    Unfinished(String),
}

/// What became of the plan's orders: a row a class that it has, and a sentence for every order that ended otherwise than
/// its class expects.
pub(super) fn outcome(
    plan: &FaultPlan,
    records: &Records,
    books: &Books,
) -> (Vec<ClassRow>, Vec<String>) {
    let latest: HashMap<&WorkflowId, RunStatus> = records
        .latest_runs()
        .map(|run| (&run.workflow_id, run.status))
        .collect();
    let stories = books.by_order();
    let mut rows = CLASSES.map(|(class, meaning)| ClassRow {
        class,
        meaning,
        ..ClassRow::default()
    });
    let mut surprises = Vec::new();
    for order in &plan.orders {
        let id = WorkflowId::from(order.workflow_id());
        let story = stories.get(&id).copied();
        let end = end(latest.get(&id).copied(), story);
        surprises.extend(surprise(order, &end));
        if let Some(row) = rows.iter_mut().find(|row| row.class == order.class.name()) {
            row.add(&end, story);
        }
    }
    let rows = rows.into_iter().filter(|row| row.planned > 0).collect();
    (rows, surprises)
}

/// All rows added up.
pub(super) fn total(rows: &[ClassRow]) -> ClassRow {
    let sum = |of: fn(&ClassRow) -> usize| rows.iter().map(of).sum();
    ClassRow {
        class: "all",
        meaning: "",
        planned: sum(|row| row.planned),
        completed_at_once: sum(|row| row.completed_at_once),
        recovered: sum(|row| row.recovered),
        dead_lettered: sum(|row| row.dead_lettered),
        unfinished: sum(|row| row.unfinished),
        attempts: sum(|row| row.attempts),
    }
}

impl ClassRow {
    fn add(&mut self, end: &End, story: Option<&Story>) {
        self.planned += 1;
        *match end {
            End::AtOnce => &mut self.completed_at_once,
            End::Recovered => &mut self.recovered,
            End::DeadLettered => &mut self.dead_lettered,
            End::Unfinished(_) => &mut self.unfinished,
        } += 1;
        let attempts = story
            .map(|story| story.attempts.as_slice())
            .unwrap_or_default();
        self.attempts += attempts
            .iter()
            .filter(|attempt| attempt.run.is_some())
            .count();
    }
}

fn end(latest: Option<RunStatus>, story: Option<&Story>) -> End {
    let state = story.map(|story| story.order.state);
    match (latest, state) {
        (Some(RunStatus::Completed), None) => End::AtOnce,
        (Some(RunStatus::Completed), Some(State::Recovered)) => End::Recovered,
        (Some(status), Some(State::DeadLettered)) if status.is_failure() => End::DeadLettered,
        _ => End::Unfinished(unfinished(latest, state)),
    }
}

fn unfinished(latest: Option<RunStatus>, state: Option<State>) -> String {
    let run = latest.map_or("it has no run".to_owned(), |status| {
        format!("its latest run is {status}")
    });
    let state = state.map_or("does not know it".to_owned(), |state| {
        format!("has it as {state}")
    });
    format!("{run}, and the ledger {state}")
}

fn surprise(order: &PlannedOrder, end: &End) -> Option<String> {
    let expected = order.class.expected();
    let ended = match (expected, end) {
        (Expected::Completes, End::AtOnce | End::Recovered)
        | (Expected::DeadLetter, End::DeadLettered) => return None,
        (_, End::AtOnce) => "completed by itself",
        (_, End::Recovered) => "recovered",
        (_, End::DeadLettered) => "is a dead letter",
        (_, End::Unfinished(how)) => how,
    };
    let should = match expected {
        Expected::Completes => "should have completed",
        Expected::DeadLetter => "should be a dead letter",
    };
    let (id, class) = (&order.order_id, Class::name(&order.class));
    Some(format!("{id} ({class}) {should}, but {ended}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::world::{Fate, world};

    #[test]
    fn each_class_is_counted_and_nothing_is_a_surprise_where_all_went_well() {
        let (plan, records, books) = world(&[
            (Class::Smooth, Fate::AtOnce),
            (Class::Smooth, Fate::AtOnce),
            (slow(), Fate::Recovered { attempts: 2 }),
            (poison(), Fate::DeadLettered { attempts: 5 }),
        ]);
        let (rows, surprises) = outcome(&plan, &records, &books);
        assert_eq!(surprises, [""; 0]);
        let counts: Vec<_> = rows
            .iter()
            .map(|row| {
                let ends = [
                    row.completed_at_once,
                    row.recovered,
                    row.dead_lettered,
                    row.unfinished,
                ];
                (row.class, row.planned, ends, row.attempts)
            })
            .collect();
        assert_eq!(
            counts,
            [
                ("smooth", 2, [2, 0, 0, 0], 0),
                ("slow", 1, [0, 1, 0, 0], 2),
                ("poison", 1, [0, 0, 1, 0], 5),
            ]
        );
        let all = total(&rows);
        assert_eq!((all.planned, all.recovered, all.attempts), (4, 1, 7));
    }

    #[test]
    fn an_order_that_ends_otherwise_than_its_class_expects_is_a_surprise() {
        for (class, fate, says) in [
            (
                poison(),
                Fate::AtOnce,
                "ORD-0 (poison) should be a dead letter, but completed by itself",
            ),
            (
                poison(),
                Fate::Recovered { attempts: 1 },
                "should be a dead letter, but recovered",
            ),
            (
                slow(),
                Fate::DeadLettered { attempts: 5 },
                "ORD-0 (slow) should have completed, but is a dead letter",
            ),
            (
                slow(),
                Fate::Waits,
                "but its latest run is failed, and the ledger has it as failed",
            ),
            (
                Class::Smooth,
                Fate::NeverStarted,
                "but it has no run, and the ledger does not know it",
            ),
        ] {
            let (plan, records, books) = world(&[(class, fate)]);
            let (_, surprises) = outcome(&plan, &records, &books);
            assert_eq!(surprises.len(), 1, "{surprises:?}");
            assert!(
                surprises[0].contains(says),
                "{says:?} is not in {:?}",
                surprises[0]
            );
        }
    }

    fn slow() -> Class {
        Class::Slow {
            stage: redrive_fulfillment::Stage::Slam,
            run_timeout_ms: 1,
        }
    }

    fn poison() -> Class {
        Class::Poison {
            stage: redrive_fulfillment::Stage::Slam,
        }
    }
}
