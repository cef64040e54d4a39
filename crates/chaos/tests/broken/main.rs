//! Broken on purpose: each piece of the protocol is taken away around the real code, on a real server, and the audit must
//! see that it is missing. The same scenario with nothing taken away passes.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod gateway;
mod ledger;
mod scenarios;
mod world;

use redrive::audit::{Audit, Kind};

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// The description before a start: it always says that the failed run is the latest.
    NoDescribe,
    /// The look-back: it never finds anything.
    NoLookBack,
    /// The fence: whoever commits is believed.
    NoFence,
    /// The intent before the start: it is written with the outcome.
    LateIntent,
}

#[track_caller]
fn holds(audit: &Audit) {
    assert!(audit.passed(), "{:#?}", audit.findings);
    assert!(
        audit.compared.restarts >= 2 && audit.compared.stages >= 1,
        "{:?}",
        audit.compared
    );
}

#[track_caller]
fn finds(audit: &Audit, kind: Kind, words: &str) {
    let found = audit
        .findings
        .iter()
        .any(|found| found.kind == kind && found.sentence.contains(words));
    assert!(
        found,
        "no {kind:?} with {words:?} among {:#?}",
        audit.findings
    );
}

/// What the audit says of a restart that the ledger knows nothing of.
const UNNAMED: &str = "no attempt in the ledger names it";

#[tokio::test]
async fn without_describe_a_failure_is_restarted_twice() {
    let audit = scenarios::an_operator_comes_between(Flaw::NoDescribe).await;
    finds(&audit, Kind::Duplicated, "was restarted 2 times");
}

#[tokio::test]
async fn without_look_back_a_restart_is_forgotten() {
    let audit = scenarios::an_operator_comes_between(Flaw::NoLookBack).await;
    finds(&audit, Kind::Unaccounted, UNNAMED);
}

#[tokio::test]
async fn with_both_an_operator_may_come_between() {
    holds(&scenarios::an_operator_comes_between(Flaw::None).await);
}

#[tokio::test]
async fn without_the_fence_a_late_worker_overwrites_what_others_did() {
    let audit = scenarios::a_worker_comes_back_late(Flaw::NoFence).await;
    finds(&audit, Kind::Unaccounted, UNNAMED);
}

#[tokio::test]
async fn with_the_fence_a_worker_may_come_back_late() {
    holds(&scenarios::a_worker_comes_back_late(Flaw::None).await);
}

#[tokio::test]
async fn without_an_intent_before_the_start_a_killed_worker_takes_the_restart_with_it() {
    let audit = scenarios::a_worker_dies_and_its_restart_fails(Flaw::LateIntent).await;
    finds(&audit, Kind::Unaccounted, UNNAMED);
}

#[tokio::test]
async fn with_the_intent_a_worker_may_die_and_its_restart_fail() {
    holds(&scenarios::a_worker_dies_and_its_restart_fails(Flaw::None).await);
}
