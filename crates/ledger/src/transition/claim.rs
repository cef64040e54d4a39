//! Claiming: a waiting order is taken by a chunk, with what is to be done with it.

use jiff::Timestamp;
use redrive_core::decide::{Candidate, DeadLetterReason, Verdict, decide};
use redrive_core::ids::{Home, request_id};
use redrive_core::policy::Policy;
use redrive_core::states::Event;

use crate::folio::Folio;
use crate::record::{AttemptRecord, ChunkOf, micros};
use crate::{Attempt, ClaimRequest, ClaimedOrder, LedgerError, Plan};

/// Under what orders are claimed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claiming<'a> {
    pub policy: &'a Policy,
    pub home: &'a Home,
    pub request: &'a ClaimRequest,
    pub now: Timestamp,
}

/// Claims a waiting order, or passes it over for this batch: then `None`. A failed run that was started again already is
/// started a second time only if an operator asks for it.
pub(crate) fn claim(
    folio: &mut Folio,
    claiming: &Claiming<'_>,
) -> Result<Option<ClaimedOrder>, LedgerError> {
    let Claiming {
        policy,
        request,
        now,
        ..
    } = claiming;
    let started = folio.has_started(&folio.order.row.failed_run) && !folio.order.row.manual;
    folio.order.last_batch = Some(request.batch.clone());
    folio.changed = true;
    let plan = match decide(&candidate(folio), policy, &request.rules, *now) {
        Verdict::Wait { .. } | Verdict::Skip(_) => return Ok(None),
        Verdict::Restart { .. } if started => Plan::DeadLetter(DeadLetterReason::OutcomeUnknown),
        Verdict::Restart { attempt } => intend(folio, attempt, claiming),
        Verdict::DeadLetter(reason) => Plan::DeadLetter(reason),
    };
    folio.go(Event::Claim)?;
    folio.order.claim = Some(ChunkOf {
        batch: request.batch.clone(),
        chunk: request.chunk,
    });
    folio.order.fence += 1;
    Ok(Some(claimed(folio, plan)))
}

/// Writes the intent: from now on the restart may have happened.
fn intend(folio: &mut Folio, number: u32, claiming: &Claiming<'_>) -> Plan {
    let row = &folio.order.row;
    let request_id = request_id(claiming.home, &row.workflow_id, &row.failed_run);
    let intent_at = micros(claiming.now);
    let attempt = Attempt {
        generation: row.generation,
        number,
        from_run: row.failed_run.clone(),
        request_id,
        batch: claiming.request.batch.clone(),
        manual: row.manual,
        intent_at,
        run: None,
        started_at: None,
        outcome: None,
        note: None,
        settled_at: None,
    };
    folio.attempts.push(AttemptRecord {
        id: None,
        attempt,
        settled_batch: None,
        changed: true,
        deleted: false,
    });
    Plan::Restart {
        attempt: number,
        request_id,
        intent_at,
    }
}

/// A claimed order that changes hands: its open intent is finished; without one it is to be dead-lettered.
pub(crate) fn taken_over(folio: &mut Folio, policy: &Policy) -> ClaimedOrder {
    let plan = match folio.open_attempt() {
        Some(AttemptRecord { attempt, .. }) => Plan::Restart {
            attempt: attempt.number,
            request_id: attempt.request_id,
            intent_at: attempt.intent_at,
        },
        None => Plan::DeadLetter(reason_to_bury(folio, policy)),
    };
    claimed(folio, plan)
}

fn reason_to_bury(folio: &Folio, policy: &Policy) -> DeadLetterReason {
    let row = &folio.order.row;
    if row.item_errors >= policy.max_item_errors {
        DeadLetterReason::CannotStart
    } else if folio.has_started(&row.failed_run) {
        DeadLetterReason::OutcomeUnknown
    } else {
        DeadLetterReason::BudgetSpent
    }
}

fn candidate(folio: &Folio) -> Candidate {
    let row = &folio.order.row;
    Candidate {
        failure_status: row.failure_status.clone(),
        retry_count: row.retry_count,
        item_errors: row.item_errors,
        due_at: row.due_at,
        has_parent: row.has_parent,
        manual: row.manual,
    }
}

fn claimed(folio: &Folio, plan: Plan) -> ClaimedOrder {
    let row = &folio.order.row;
    ClaimedOrder {
        pk: row.pk,
        workflow_id: row.workflow_id.clone(),
        from_run: row.failed_run.clone(),
        failed_at: row.failed_at,
        fence: folio.order.fence,
        generation: row.generation,
        manual: row.manual,
        plan,
        start_request: None,
    }
}
