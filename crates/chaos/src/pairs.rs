//! Two batches at the same time, judged afterwards: whatever both of them restarted, each restarted for another failure.

use std::collections::{HashMap, HashSet};

use redrive::audit::Books;
use redrive_core::ids::{RunId, WorkflowId};
use serde::Serialize;

/// All pairs of a storm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pairs {
    /// How many there were.
    pub pairs: usize,
    /// In how many both batches began attempts.
    pub both_at_work: usize,
    /// Orders that both batches of a pair tried, one after the other: each another failed run.
    pub in_turn: usize,
    /// Failed runs that both batches of a pair tried to restart.
    #[serde(skip)]
    pub same_failure: Vec<String>,
}

/// What each batch tried: the failed runs, by order.
type Tried<'a> = HashMap<&'a str, HashMap<&'a WorkflowId, HashSet<&'a RunId>>>;

/// Judges them.
pub(crate) fn judge(pairs: &[(String, String)], books: &Books) -> Pairs {
    judged(pairs, &tried(books))
}

fn judged(pairs: &[(String, String)], tried: &Tried<'_>) -> Pairs {
    let mut judged = Pairs {
        pairs: pairs.len(),
        ..Pairs::default()
    };
    for (one, other) in pairs {
        let (Some(by_one), Some(by_other)) = (tried.get(one.as_str()), tried.get(other.as_str()))
        else {
            continue;
        };
        judged.both_at_work += 1;
        for (order, failures) in by_one {
            let Some(others) = by_other.get(order) else {
                continue;
            };
            judged.in_turn += 1;
            judged.same_failure.extend(failures.intersection(others).map(|run| {
                format!("{order}: the batches {one} and {other} ran at the same time, and both restarted run {run}")
            }));
        }
    }
    judged
}

/// What each batch tried to restart. An operator may ask for a failed run again.
fn tried(books: &Books) -> Tried<'_> {
    let mut tried = Tried::new();
    for story in &books.stories {
        for attempt in story.attempts.iter().filter(|attempt| !attempt.manual) {
            let of_batch = tried.entry(attempt.batch.as_str()).or_default();
            let of_order = of_batch.entry(&story.order.workflow_id).or_default();
            of_order.insert(&attempt.from_run);
        }
    }
    tried
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_by_two_batches_is_found_and_another_failure_is_not() {
        let (order, [one, other]) = (WorkflowId::from("o"), ["r1", "r2"].map(RunId::from));
        let tries = |run| HashMap::from([(&order, HashSet::from([run]))]);
        let tried = Tried::from([("a", tries(&one)), ("b", tries(&one)), ("c", tries(&other))]);
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        let found = judged(&[pair("a", "b")], &tried);
        assert_eq!((found.both_at_work, found.same_failure.len()), (1, 1));
        let fine = judged(&[pair("a", "c"), pair("a", "idle")], &tried);
        assert_eq!((fine.pairs, fine.both_at_work, fine.in_turn), (2, 1, 1));
        assert_eq!(fine.same_failure, Vec::<String>::new());
    }
}
