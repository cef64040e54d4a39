//! The checker has teeth: with any one piece of the protocol taken away, walks break a rule.

use crate::flaw::Flaw;
use crate::walks::explore;

/// Seeds within which a missing piece must be seen.
const WITHIN: u64 = 1500;

/// Walks without a piece until a rule is broken, and says which.
fn seen(flaw: Flaw) -> String {
    let reports = explore(0..WITHIN, flaw, |report| !report.problems.is_empty());
    let broken = reports.iter().find(|report| !report.problems.is_empty());
    let broken = broken.unwrap_or_else(|| panic!("{WITHIN} walks with {flaw:?} break no rule"));
    println!(
        "{flaw:?}: seed {} breaks a rule: {}",
        broken.seed,
        broken.problems.join("; ")
    );
    broken.problems.join("; ")
}

#[test]
fn without_the_description_orders_are_started_that_must_not_be() {
    let broken = seen(Flaw::NoDescribe);
    assert!(
        broken.contains("stopped") || broken.contains("latest") || broken.contains("out of date"),
        "{broken}"
    );
}

#[test]
fn without_the_look_back_a_start_is_named_by_no_attempt() {
    seen(Flaw::NoLookBack);
}

#[test]
fn without_the_fence_a_late_commit_is_believed() {
    seen(Flaw::NoFence);
}

#[test]
fn without_the_intent_a_start_is_named_by_no_attempt() {
    seen(Flaw::LateIntent);
}
