//! Tables and properties of the decisions about one order.

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn candidate() -> Candidate {
    Candidate {
        failure_status: "shipping_failed".into(),
        retry_count: 0,
        item_errors: 0,
        due_at: NOW,
        has_parent: false,
        manual: false,
    }
}

fn verdict(candidate: &Candidate, batch: &BatchRules) -> Verdict {
    decide(candidate, &Policy::default(), batch, NOW)
}

#[test]
fn five_attempts_then_the_dead_letter_queue() {
    for retry_count in 0..5 {
        let c = Candidate {
            retry_count,
            ..candidate()
        };
        assert_eq!(
            verdict(&c, &BatchRules::default()),
            Verdict::Restart {
                attempt: retry_count + 1
            }
        );
    }
    let spent = Candidate {
        retry_count: 5,
        ..candidate()
    };
    assert_eq!(
        verdict(&spent, &BatchRules::default()),
        Verdict::DeadLetter(DeadLetterReason::BudgetSpent)
    );
}

#[test]
fn an_order_in_backoff_waits() {
    let until = NOW + jiff::SignedDuration::from_secs(1);
    let c = Candidate {
        due_at: until,
        ..candidate()
    };
    assert_eq!(verdict(&c, &BatchRules::default()), Verdict::Wait { until });
}

#[test]
fn other_statuses_and_children_are_left_alone() {
    let other = Candidate {
        failure_status: "fraud_suspected".into(),
        ..candidate()
    };
    assert_eq!(
        verdict(&other, &BatchRules::default()),
        Verdict::Skip(SkipReason::NotReprocessable)
    );
    let child = Candidate {
        has_parent: true,
        ..candidate()
    };
    assert_eq!(
        verdict(&child, &BatchRules::default()),
        Verdict::Skip(SkipReason::HasParent)
    );
}

#[test]
fn a_batch_may_name_its_own_statuses() {
    let batch = BatchRules {
        failure_statuses: vec!["fraud_suspected".into()],
        max_retries: None,
    };
    let other = Candidate {
        failure_status: "fraud_suspected".into(),
        ..candidate()
    };
    assert_eq!(verdict(&other, &batch), Verdict::Restart { attempt: 1 });
    assert_eq!(
        verdict(&candidate(), &batch),
        Verdict::Skip(SkipReason::NotReprocessable)
    );
}

#[test]
fn a_lower_budget_of_a_batch_never_dead_letters_what_the_policy_allows() {
    let batch = BatchRules {
        max_retries: Some(2),
        ..Default::default()
    };
    let at = |retry_count| {
        verdict(
            &Candidate {
                retry_count,
                ..candidate()
            },
            &batch,
        )
    };
    assert_eq!(at(1), Verdict::Restart { attempt: 2 });
    assert_eq!(at(2), Verdict::Skip(SkipReason::BatchBudget));
    assert_eq!(at(5), Verdict::DeadLetter(DeadLetterReason::BudgetSpent));
}

#[test]
fn a_higher_budget_of_a_batch_beats_the_policy() {
    let batch = BatchRules {
        max_retries: Some(8),
        ..Default::default()
    };
    let at = |retry_count| {
        verdict(
            &Candidate {
                retry_count,
                ..candidate()
            },
            &batch,
        )
    };
    assert_eq!(at(7), Verdict::Restart { attempt: 8 });
    assert_eq!(at(8), Verdict::DeadLetter(DeadLetterReason::BudgetSpent));
}

#[test]
fn an_operators_retry_overrules_status_and_parent() {
    let c = Candidate {
        failure_status: "fraud_suspected".into(),
        has_parent: true,
        manual: true,
        ..candidate()
    };
    assert_eq!(
        verdict(&c, &BatchRules::default()),
        Verdict::Restart { attempt: 1 }
    );
}

#[test]
fn an_operators_retry_gets_one_start_even_without_a_budget() {
    let policy = Policy {
        max_retries: 0,
        ..Policy::default()
    };
    let rules = BatchRules::default();
    let at = |manual, retry_count| {
        let c = Candidate {
            manual,
            retry_count,
            ..candidate()
        };
        decide(&c, &policy, &rules, NOW)
    };
    let spent = Verdict::DeadLetter(DeadLetterReason::BudgetSpent);
    assert_eq!(at(false, 0), spent);
    assert_eq!(at(true, 0), Verdict::Restart { attempt: 1 });
    assert_eq!(at(true, 1), spent);
}

#[test]
fn five_refused_starts_running_are_a_dead_letter() {
    let at = |item_errors| {
        verdict(
            &Candidate {
                item_errors,
                ..candidate()
            },
            &BatchRules::default(),
        )
    };
    assert_eq!(at(4), Verdict::Restart { attempt: 1 });
    assert_eq!(at(5), Verdict::DeadLetter(DeadLetterReason::CannotStart));
}

fn latest(run: &str, first: &str, status: RunStatus, ours: bool) -> Latest {
    Latest {
        run_id: run.into(),
        first_run_id: first.into(),
        status,
        started_at: NOW,
        closed_at: Some(NOW),
        ours,
    }
}

#[test]
fn an_order_is_acted_on_only_while_the_failed_run_is_the_latest() {
    let from = RunId::from("r0");
    let after = |latest: Option<Latest>, manual| after_describe(&from, manual, latest.as_ref());
    assert_eq!(after(None, false), Step::Gone);
    for status in RunStatus::ALL {
        let acts = after(Some(latest("r0", "r0", *status, false)), false) == Step::Act;
        assert_eq!(acts, status.is_failure(), "{status}");
        let acts = after(Some(latest("r0", "r0", *status, false)), true) == Step::Act;
        assert_eq!(
            acts,
            status.is_failure() || status.is_stop(),
            "{status}, manual"
        );
        assert_eq!(
            after(Some(latest("r1", "r1", *status, false)), true),
            Step::LookBack
        );
        assert_eq!(
            after(Some(latest("r2", "r1", *status, true)), false),
            Step::Record("r1".into())
        );
    }
}

#[test]
fn every_status_of_a_later_run_has_one_reading() {
    for status in RunStatus::ALL {
        let reading = elsewhere(*status);
        assert_eq!(reading == Elsewhere::Failed, status.is_failure());
        assert_eq!(reading == Elsewhere::Stopped, status.is_stop());
    }
}

proptest! {
    #[test]
    fn a_restart_never_exceeds_the_budget(
        retry_count in 0_u32..20, item_errors in 0_u32..10, due in -100_i64..100,
        has_parent: bool, manual: bool, budget in proptest::option::of(0_u32..10),
    ) {
        let policy = Policy::default();
        let c = Candidate {
            retry_count, item_errors, has_parent, manual,
            due_at: NOW + jiff::SignedDuration::from_secs(due),
            ..candidate()
        };
        let batch = BatchRules { max_retries: budget, ..Default::default() };
        match decide(&c, &policy, &batch, NOW) {
            Verdict::Restart { attempt } => {
                prop_assert_eq!(attempt, retry_count + 1);
                let one = u32::from(manual);
                prop_assert!(attempt <= budget.unwrap_or(policy.max_retries).max(one));
                prop_assert!(due <= 0, "restarted before it was due");
            }
            Verdict::DeadLetter(DeadLetterReason::BudgetSpent) => prop_assert!(retry_count >= policy.max_retries),
            Verdict::DeadLetter(reason) => {
                prop_assert_eq!(reason, DeadLetterReason::CannotStart);
                prop_assert!(item_errors >= policy.max_item_errors);
            }
            Verdict::Wait { until } => prop_assert!(until > NOW),
            Verdict::Skip(_) => {}
        }
    }
}
