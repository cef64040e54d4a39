//! Gives a failed run its failure status and its fingerprint.
//!
//! The *failure status* says what went wrong and decides whether and how the order is reprocessed. It is, in this
//! order: what the first matching rule of the policy says; `workflow_timed_out` for a run that timed out; the type of
//! the outermost application failure; `unclassified`.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::failure::{FailureFacts, FailureKind};
use crate::fingerprint::fingerprint;
use crate::policy::Policy;

/// The status of a run that timed out.
pub const WORKFLOW_TIMED_OUT: &str = "workflow_timed_out";

/// The status of a failure that names none and that no rule knows.
pub const UNCLASSIFIED: &str = "unclassified";

/// The longest message kept, in characters: enough for a telling stack trace, small enough for a row.
pub const MAX_MESSAGE_CHARS: usize = 2_000;

/// The longest failure status kept, in characters: a name, and short enough for every index of either ledger.
pub const MAX_STATUS_CHARS: usize = 200;

/// What a failed run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// The failure status, e.g. `shipping_failed`; never blank, a failure type's cut to [`MAX_STATUS_CHARS`].
    pub status: String,
    /// What gave it that status.
    pub matched: Matched,
    /// The failure group's fingerprint, 16 hex digits.
    pub fingerprint: String,
    /// The most telling message, cut to [`MAX_MESSAGE_CHARS`].
    pub message: String,
}

/// What gave a failure its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Matched {
    /// A rule of the policy.
    Rule {
        /// Its place in the policy, from 0.
        index: usize,
        /// Its name.
        name: String,
    },
    /// The type of the outermost application failure.
    FailureType,
    /// The run's own timeout.
    RunTimeout,
    /// Nothing: the failure is unclassified.
    Nothing,
}

impl fmt::Display for Matched {
    /// For people, so rules count from 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule { index, name } => write!(f, "rule {} ({name})", index + 1),
            Self::FailureType => f.write_str("failure type"),
            Self::RunTimeout => f.write_str("run timeout"),
            Self::Nothing => f.write_str("nothing"),
        }
    }
}

/// Classifies the failure of a run of this workflow type.
pub fn classify(policy: &Policy, workflow_type: &str, facts: &FailureFacts) -> Classification {
    let (status, matched) =
        by_rule(policy, workflow_type, facts).unwrap_or_else(|| by_itself(facts));
    // The fingerprint is taken from the message that is kept, so that it can be computed again from the ledger.
    let message = cut(facts.message(), MAX_MESSAGE_CHARS);
    let fingerprint = fingerprint(workflow_type, &status, &message);
    Classification {
        status,
        matched,
        fingerprint,
        message,
    }
}

fn by_rule(
    policy: &Policy,
    workflow_type: &str,
    facts: &FailureFacts,
) -> Option<(String, Matched)> {
    let mut rules = policy.rules.iter().enumerate();
    let (index, rule) = rules.find(|(_, rule)| rule.matches(workflow_type, facts))?;
    let name = rule.name.clone();
    Some((rule.status.clone(), Matched::Rule { index, name }))
}

fn by_itself(facts: &FailureFacts) -> (String, Matched) {
    if facts.kind == FailureKind::WorkflowTimeout {
        return (WORKFLOW_TIMED_OUT.to_owned(), Matched::RunTimeout);
    }
    let named = facts
        .outermost_application()
        .and_then(|cause| cause.failure_type.as_deref());
    match named.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => (cut(name, MAX_STATUS_CHARS), Matched::FailureType),
        None => (UNCLASSIFIED.to_owned(), Matched::Nothing),
    }
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::failure::{Cause, CauseKind, TimeoutKind};

    const TYPE: &str = "OrderFulfillmentWorkflow";

    fn activity_timeout() -> FailureFacts {
        FailureFacts::new(vec![
            Cause::activity("buy_label", "activity error"),
            Cause::timeout(TimeoutKind::StartToClose, "activity StartToClose timeout"),
        ])
    }

    fn with_rules(rules: &str) -> Policy {
        toml::from_str(rules).unwrap()
    }

    #[test]
    fn a_failure_that_no_rule_knows_speaks_for_itself() {
        let below_a_wrapper = vec![
            Cause::activity("ship", "activity error"),
            Cause::application("shipping_failed", "no carrier"),
        ];
        let outer_without_type = vec![
            Cause::application("", "gave up"),
            Cause::application("shipping_failed", "no carrier"),
        ];
        let table = [
            (
                FailureFacts::application("shipping_failed", "x"),
                "shipping_failed",
                Matched::FailureType,
            ),
            (
                FailureFacts::application(" slam_failed ", "x"),
                "slam_failed",
                Matched::FailureType,
            ),
            (
                FailureFacts::application("", "x"),
                UNCLASSIFIED,
                Matched::Nothing,
            ),
            (
                FailureFacts::new(below_a_wrapper),
                "shipping_failed",
                Matched::FailureType,
            ),
            (
                FailureFacts::new(outer_without_type),
                UNCLASSIFIED,
                Matched::Nothing,
            ),
            (
                FailureFacts::run_timed_out(),
                WORKFLOW_TIMED_OUT,
                Matched::RunTimeout,
            ),
            (activity_timeout(), UNCLASSIFIED, Matched::Nothing),
            (
                FailureFacts::new(vec![Cause::new(CauseKind::Server, "x")]),
                UNCLASSIFIED,
                Matched::Nothing,
            ),
            (FailureFacts::new(vec![]), UNCLASSIFIED, Matched::Nothing),
        ];
        for (facts, status, matched) in table {
            let found = classify(&Policy::default(), TYPE, &facts);
            assert_eq!(
                (found.status.as_str(), found.matched),
                (status, matched),
                "{facts:?}"
            );
        }
    }

    #[test]
    fn a_type_made_of_spaces_is_no_status() {
        let mut facts = FailureFacts::application("x", "y");
        facts.chain[0].failure_type = Some("  ".to_owned());
        assert_eq!(
            classify(&Policy::default(), TYPE, &facts).status,
            UNCLASSIFIED
        );
    }

    #[test]
    fn the_first_matching_rule_wins_over_everything() {
        let policy = with_rules(
            "[[rules]]\nname = 'refunds'\nworkflow_type = 'Refund'\nstatus = 'refund_failed'\n\
             [[rules]]\nname = 'labels'\nactivity_type = 'buy_label'\ntimeout = 'start_to_close'\n\
             status = 'shipping_failed'\n\
             [[rules]]\nname = 'any timeout'\nmessage = 'time(d )?out'\nstatus = 'some_timeout'\n\
             [[rules]]\nname = 'renamed'\nfailure_type = 'OldName'\nstatus = 'new_name'\n",
        );
        let table = [
            ("Refund", activity_timeout(), "refund_failed", 0, "refunds"),
            (TYPE, activity_timeout(), "shipping_failed", 1, "labels"),
            (
                TYPE,
                FailureFacts::run_timed_out(),
                "some_timeout",
                2,
                "any timeout",
            ),
            (
                TYPE,
                FailureFacts::application("OldName", "x"),
                "new_name",
                3,
                "renamed",
            ),
        ];
        for (workflow_type, facts, status, index, name) in table {
            let found = classify(&policy, workflow_type, &facts);
            let name = name.to_owned();
            assert_eq!(
                (found.status.as_str(), found.matched),
                (status, Matched::Rule { index, name })
            );
        }
        let unmatched = classify(
            &policy,
            TYPE,
            &FailureFacts::application("slam_failed", "x"),
        );
        assert_eq!(unmatched.matched, Matched::FailureType);
    }

    #[test]
    fn what_matched_is_told_in_words() {
        let rule = Matched::Rule {
            index: 1,
            name: "labels".to_owned(),
        };
        assert_eq!(rule.to_string(), "rule 2 (labels)");
        assert_eq!(Matched::RunTimeout.to_string(), "run timeout");
    }

    #[test]
    fn the_message_is_the_telling_one_and_cut_between_characters() {
        let found = classify(&Policy::default(), TYPE, &activity_timeout());
        assert_eq!(found.message, "activity StartToClose timeout");
        let found = classify(
            &Policy::default(),
            TYPE,
            &FailureFacts::application("a", "é".repeat(3_000)),
        );
        assert_eq!(found.message, "é".repeat(MAX_MESSAGE_CHARS));
    }

    #[test]
    fn a_type_that_is_no_name_is_cut() {
        let facts = FailureFacts::application(&"é".repeat(3_000), "why");
        let found = classify(&Policy::default(), TYPE, &facts);
        assert_eq!(found.status, "é".repeat(MAX_STATUS_CHARS));
    }

    #[test]
    fn a_timeout_by_rule_and_a_failure_by_name_share_a_status_but_no_group() {
        let policy = with_rules(
            "[[rules]]\nname = 'labels'\nactivity_type = 'buy_label'\nstatus = 'shipping_failed'\n",
        );
        let by_rule = classify(&policy, TYPE, &activity_timeout());
        let by_name = classify(
            &policy,
            TYPE,
            &FailureFacts::application("shipping_failed", "no carrier"),
        );
        assert_eq!(by_rule.status, by_name.status);
        assert_ne!(by_rule.fingerprint, by_name.fingerprint);
    }

    proptest! {
        #[test]
        fn every_failure_gets_a_status_and_a_fingerprint(failure_type in ".{0,20}", message in "(?s).{0,3000}") {
            let found = classify(&Policy::default(), TYPE, &FailureFacts::application(&failure_type, message));
            prop_assert!(!found.status.trim().is_empty());
            prop_assert!(found.message.chars().count() <= MAX_MESSAGE_CHARS);
            prop_assert_eq!(&found.fingerprint, &fingerprint(TYPE, &found.status, &found.message));
        }
    }
}
