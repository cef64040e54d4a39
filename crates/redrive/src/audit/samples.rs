//! Samples of what the audit reads, for tests: each with as little in it as there can be.

use jiff::{SignedDuration, Timestamp};
use redrive_core::decide::{DeadLetterReason, RunStatus};
use redrive_core::ids::{BatchId, RunId, WorkflowId};
use redrive_core::report::{BatchStatus, ReprocessingResult};
use redrive_core::states::State;
use redrive_engine::gateway::RestartMemo;
use redrive_fulfillment::{Performed, Stage};
use redrive_ledger::{
    Attempt, AttemptOutcome, BatchRow, DeadLetter, EscalationLevel, OrderRow, Story,
};

use super::records::Run;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
}

pub(crate) fn run(
    order: &str,
    run: &str,
    first: &str,
    status: RunStatus,
    second: i64,
    memo: Option<RestartMemo>,
) -> Run {
    Run {
        workflow_id: order.into(),
        run_id: run.into(),
        first_run_id: first.into(),
        status,
        started_at: at(second),
        memo,
    }
}

pub(crate) fn memo(batch: &str, attempt: u32, from_run: &str) -> Option<RestartMemo> {
    Some(RestartMemo {
        batch: batch.into(),
        generation: 1,
        attempt,
        from_run: from_run.into(),
    })
}

pub(crate) fn done(order: &str, run: &str) -> Performed {
    Performed {
        at: at(2),
        order_id: order.into(),
        workflow_id: order.into(),
        run_id: run.into(),
        first_run_id: None,
        stage: Stage::Planning,
        attempt: 1,
    }
}

pub(crate) fn verdict(
    batch: &str,
    kind: &str,
    second: i64,
) -> (BatchId, String, Option<String>, Timestamp) {
    (batch.into(), kind.into(), None, at(second))
}

pub(crate) fn attempt(
    number: u32,
    batch: &str,
    from: &str,
    run: &str,
    outcome: AttemptOutcome,
) -> Attempt {
    Attempt {
        generation: 1,
        number,
        from_run: from.into(),
        request_id: "ab352c15-cfd5-5344-9fe4-66819b789b07".parse().unwrap(),
        batch: batch.into(),
        manual: false,
        intent_at: at(10),
        run: Some(run.into()),
        started_at: Some(at(11)),
        outcome: Some(outcome),
        note: None,
        settled_at: Some(at(20)),
    }
}

pub(crate) fn dead_letter(order: &str, batch: &str) -> DeadLetter {
    DeadLetter {
        id: 1,
        workflow_id: order.into(),
        order_id: order.into(),
        customer_id: None,
        generation: 1,
        reason: DeadLetterReason::BudgetSpent,
        failure_status: "slam_failed".into(),
        failure_reason: "no label".into(),
        retry_count: 1,
        escalation_level: EscalationLevel::Normal,
        batch: Some(batch.into()),
        created_at: at(21),
        updated_at: at(21),
        resolved_at: None,
        resolution: None,
        resolved_by: None,
        notes: None,
    }
}

/// A finished batch: `[found, restarted, dlq]`, `[recovered, failed again]`.
pub(crate) fn batch(
    id: &str,
    [found, restarted, dlq]: [u64; 3],
    [recovered, failed_again]: [u64; 2],
) -> BatchRow {
    BatchRow {
        workflow_id: format!("reprocessing-batch-{id}"),
        status: BatchStatus::Completed,
        started_at: at(10),
        one_order: false,
        result: ReprocessingResult {
            found_count: found,
            restarted_count: restarted,
            dlq_count: dlq,
            recovered_count: recovered,
            failed_again_count: failed_again,
            batch_id: id.into(),
            ..Default::default()
        },
        error: None,
        alerts: Vec::new(),
    }
}

pub(crate) fn story(order: &str, state: State, failed_run: &str) -> Story {
    let order = OrderRow {
        pk: 1,
        workflow_id: WorkflowId::from(order),
        order_id: order.into(),
        customer_id: None,
        workflow_type: "OrderFulfillmentWorkflow".into(),
        state,
        generation: 1,
        retry_count: 1,
        item_errors: 0,
        failed_run: RunId::from(failed_run),
        failed_at: at(15),
        failure_status: "slam_failed".into(),
        fingerprint: "0".into(),
        failure_reason: "no label".into(),
        has_parent: false,
        eligible: true,
        manual: false,
        due_at: at(16),
        followed_run: None,
        next_check_at: None,
        closed_at: None,
        resolution: None,
        created_at: at(9),
    };
    Story {
        order,
        failures: Vec::new(),
        attempts: Vec::new(),
        dead_letters: Vec::new(),
        verdicts: Vec::new(),
        audit: Vec::new(),
    }
}
