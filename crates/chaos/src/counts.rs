//! The sums: what all batches' rows count together, against what Temporal has and what the ledger's attempts say.

use redrive::audit::{Books, Records};
use redrive_ledger::AttemptOutcome;
use serde::Serialize;

/// One thing, counted by several witnesses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    /// What.
    pub what: &'static str,
    /// By the batches' rows, together.
    pub rows: u64,
    /// By the ledger's orders: their attempts and dead letters.
    pub orders: u64,
    /// By Temporal, where it knows.
    pub temporal: Option<u64>,
}

impl Count {
    /// Whether all say the same.
    pub fn is_exact(&self) -> bool {
        self.rows == self.orders && self.temporal.is_none_or(|temporal| temporal == self.rows)
    }

    /// The count in a few words.
    pub fn told(&self) -> String {
        let Self {
            what,
            rows,
            orders,
            temporal,
        } = self;
        let temporal = temporal.map_or_else(String::new, |count| format!(" = {count} in Temporal"));
        match self.is_exact() {
            true => format!("{what} {rows} = {orders} by orders{temporal}"),
            false => format!("{what} {rows}, but {orders} by orders{temporal}"),
        }
    }
}

/// All of them.
pub(crate) fn counts(records: &Records, books: &Books) -> Vec<Count> {
    let rows = |of: fn(&redrive_core::report::ReprocessingResult) -> u64| {
        books.batches.iter().map(|row| of(&row.result)).sum()
    };
    let attempts = || books.stories.iter().flat_map(|story| &story.attempts);
    let ended = |outcome| {
        let ended = attempts().filter(|attempt| attempt.outcome == Some(outcome));
        ended.count() as u64
    };
    let started = attempts().filter(|attempt| attempt.run.is_some()).count() as u64;
    let letters = books.stories.iter().flat_map(|story| &story.dead_letters);
    let by_batches = letters.filter(|letter| letter.batch.is_some()).count() as u64;
    vec![
        Count {
            what: "restarted",
            rows: rows(|result| result.restarted_count),
            orders: started,
            temporal: Some(records.restarts().len() as u64),
        },
        Count {
            what: "dlq",
            rows: rows(|result| result.dlq_count),
            orders: by_batches,
            temporal: None,
        },
        Count {
            what: "recovered",
            rows: rows(|result| result.recovered_count),
            orders: ended(AttemptOutcome::Recovered),
            temporal: None,
        },
        Count {
            what: "failed again",
            rows: rows(|result| result.failed_again_count),
            orders: ended(AttemptOutcome::FailedAgain),
            temporal: None,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_exact_when_every_witness_agrees() {
        let count = |rows, orders, temporal| Count {
            what: "restarted",
            rows,
            orders,
            temporal,
        };
        assert!(count(3, 3, Some(3)).is_exact());
        assert!(count(3, 3, None).is_exact());
        assert!(!count(3, 2, Some(3)).is_exact());
        assert!(!count(3, 3, Some(4)).is_exact());
    }
}
