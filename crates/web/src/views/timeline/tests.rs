//! A story with one of everything, as the timeline tells it.

use redrive_core::decide::DeadLetterReason;
use redrive_core::states::State;
use redrive_ledger::{EscalationLevel, OrderRow};
use uuid::Uuid;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn order() -> OrderRow {
    OrderRow {
        pk: 1,
        workflow_id: "order-fulfillment-X".into(),
        order_id: "X".to_owned(),
        customer_id: None,
        workflow_type: "OrderFulfillmentWorkflow".to_owned(),
        state: State::Recovered,
        generation: 2,
        retry_count: 1,
        item_errors: 0,
        failed_run: "run-2".into(),
        failed_at: at(30),
        failure_status: "shipping_failed".to_owned(),
        fingerprint: "f".to_owned(),
        failure_reason: "no carrier".to_owned(),
        has_parent: false,
        eligible: true,
        manual: false,
        due_at: at(0),
        followed_run: None,
        next_check_at: None,
        closed_at: Some(at(70)),
        resolution: None,
        created_at: at(11),
    }
}

fn failed(run: &str, second: i64, timed_out: bool) -> FailureRow {
    FailureRow {
        run_id: run.into(),
        first_run_id: run.into(),
        timed_out,
        failure_status: "shipping_failed".to_owned(),
        fingerprint: "f".to_owned(),
        reason: "no carrier".to_owned(),
        closed_at: at(second),
        observed_at: at(second + 1),
    }
}

fn attempt(
    generation: u32,
    number: u32,
    started: Option<i64>,
    outcome: Option<(AttemptOutcome, i64)>,
) -> Attempt {
    Attempt {
        generation,
        number,
        from_run: "run-1".into(),
        request_id: Uuid::nil(),
        batch: "batch".into(),
        manual: generation > 1,
        intent_at: at(started.unwrap_or(15)),
        run: started.map(|_| "run-2".into()),
        started_at: started.map(at),
        outcome: outcome.map(|(outcome, _)| outcome),
        note: Some("already_running".to_owned()).filter(|_| started.is_none() && outcome.is_some()),
        settled_at: outcome.map(|(_, second)| at(second)),
    }
}

fn story() -> Story {
    Story {
        order: order(),
        failures: vec![failed("run-1", 10, false), failed("run-2", 30, true)],
        attempts: vec![
            attempt(1, 1, None, Some((AttemptOutcome::NotStarted, 16))),
            attempt(1, 2, Some(20), Some((AttemptOutcome::FailedAgain, 31))),
            attempt(2, 1, Some(60), Some((AttemptOutcome::Recovered, 70))),
            attempt(2, 2, None, None),
        ],
        dead_letters: vec![DeadLetter {
            id: 1,
            workflow_id: "order-fulfillment-X".into(),
            order_id: "X".to_owned(),
            customer_id: None,
            generation: 1,
            reason: DeadLetterReason::BudgetSpent,
            failure_status: "shipping_failed".to_owned(),
            failure_reason: "no carrier".to_owned(),
            retry_count: 1,
            escalation_level: EscalationLevel::Normal,
            batch: Some("batch".into()),
            created_at: at(40),
            updated_at: at(50),
            resolved_at: Some(at(50)),
            resolution: Some(Resolution::ManualRetry),
            resolved_by: Some("ann".to_owned()),
            notes: Some("again".to_owned()),
        }],
        verdicts: vec![
            ("batch".into(), "restarted".to_owned(), None, at(20)),
            (
                "batch".into(),
                "skipped".to_owned(),
                Some("already_running".to_owned()),
                at(21),
            ),
        ],
        audit: vec![AuditEvent {
            at: at(50),
            actor: "ann".to_owned(),
            action: "manual_retry".to_owned(),
            reason: "again".to_owned(),
        }],
    }
}

#[test]
fn everything_is_told_once_in_its_order_of_time() {
    let told: Vec<String> = of(&story())
        .into_iter()
        .map(|event| {
            format!(
                "{} {} | {}",
                event.at.as_second(),
                event.event,
                event.detail
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "10 failed | shipping_failed: no carrier",
            "15 starting | restart 2 of generation 2, asked for by an operator: the server's answer is not known yet",
            "16 not started | restart 1: already running",
            "20 restarted | restart 2",
            "21 skipped | already running",
            "30 timed out | shipping_failed: no carrier",
            "40 dead-lettered | restarts used up, after 1 restart",
            "50 manual retry | again",
            "60 restarted | restart 1 of generation 2, asked for by an operator",
            "70 recovered | its run completed",
        ]
    );
}

#[test]
fn an_entry_that_nobody_decided_says_how_it_closed() {
    let mut story = story();
    story.dead_letters[0].resolution = Some(Resolution::RecoveredElsewhere);
    let told = of(&story);
    assert!(
        told.iter()
            .any(|event| event.event == "resolved" && event.at == at(50))
    );
}
