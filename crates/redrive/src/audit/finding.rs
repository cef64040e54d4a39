//! What the audit has to say: findings, each a sentence, and what was compared to arrive at them.

use std::fmt;

use serde::Serialize;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An order failed, and nothing will ever be done about it.
    Lost,
    /// Something was done twice that may be done once.
    Duplicated,
    /// The ledger and the records tell different stories.
    Unaccounted,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// What, with the ids to look it up by.
    pub sentence: String,
}

impl Finding {
    pub(super) fn lost(sentence: String) -> Self {
        let kind = Kind::Lost;
        Self { kind, sentence }
    }

    pub(super) fn duplicated(sentence: String) -> Self {
        let kind = Kind::Duplicated;
        Self { kind, sentence }
    }

    pub(super) fn unaccounted(sentence: String) -> Self {
        let kind = Kind::Unaccounted;
        Self { kind, sentence }
    }
}

/// How much was compared: an audit of nothing finds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// Orders that Temporal knows.
    pub orders: usize,
    /// Their runs.
    pub runs: usize,
    /// Those of them that Redrive started.
    pub restarts: usize,
    /// Stages that the warehouse did.
    pub stages: usize,
    /// Attempts that the ledger holds.
    pub attempts: usize,
    /// Batches that it holds.
    pub batches: usize,
}

/// The audit's result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// Orders that failed and are open nowhere.
    pub lost: usize,
    /// Things done twice.
    pub duplicated: usize,
    /// Where ledger and records differ.
    pub unaccounted: usize,
    /// Each of these, in a sentence.
    pub findings: Vec<Finding>,
    /// How much was compared.
    pub compared: Compared,
}

impl Audit {
    pub(super) fn of(mut findings: Vec<Finding>, compared: Compared) -> Self {
        findings.sort();
        let count = |kind| findings.iter().filter(|found| found.kind == kind).count();
        Self {
            lost: count(Kind::Lost),
            duplicated: count(Kind::Duplicated),
            unaccounted: count(Kind::Unaccounted),
            findings,
            compared,
        }
    }

    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Audit {
    /// The three numbers, in a line.
    pub fn numbers(&self) -> String {
        let Self {
            lost,
            duplicated,
            unaccounted,
            ..
        } = self;
        format!("lost {lost}, duplicated {duplicated}, unaccounted {unaccounted}")
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            orders,
            runs,
            restarts,
            stages,
            attempts,
            batches,
        } = self;
        write!(
            f,
            "Temporal's {runs} runs of {orders} orders ({restarts} of them restarts) and {stages} stages in the \
             warehouse's log with {attempts} attempts and {batches} batches in the ledger"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_counted_by_kind() {
        let findings = vec![
            Finding::unaccounted("b".into()),
            Finding::lost("a".into()),
            Finding::unaccounted("a".into()),
        ];
        let audit = Audit::of(findings, Compared::default());
        assert_eq!((audit.lost, audit.duplicated, audit.unaccounted), (1, 0, 2));
        assert!(!audit.passed());
        assert_eq!(audit.numbers(), "lost 1, duplicated 0, unaccounted 2");
        assert!(Audit::of(Vec::new(), Compared::default()).passed());
    }
}
