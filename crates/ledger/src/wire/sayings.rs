//! The lines of `dead_letters` and `verdicts`.

use jiff::Timestamp;
use serde::Serialize;

use crate::OrderPk;
use crate::edit::DeadLetterEdit;
use crate::folio::Folio;
use crate::wire::{array, micro};

#[derive(Serialize)]
struct DeadLetterLine<'a> {
    order_pk: OrderPk,
    generation: u32,
    reason: &'a str,
    escalation_level: &'a str,
    failure_status: &'a str,
    failure_reason: &'a str,
    retry_count: u32,
    batch_id: Option<&'a str>,
    created_at: i64,
    updated_at: i64,
}

/// Dead letters to open.
pub(crate) fn opened_dead_letters(folios: &[Folio]) -> Option<String> {
    array(folios.iter().filter_map(|folio| match &folio.dead_letter {
        Some(DeadLetterEdit::Open {
            reason,
            batch,
            level,
            failure,
            at,
        }) => {
            let line = dead_letter_line(folio, *at);
            let own = (line.failure_status, line.failure_reason);
            let told = failure.as_ref();
            let (failure_status, failure_reason) =
                told.map_or(own, |(status, reason)| (status, reason));
            Some(DeadLetterLine {
                reason: reason.as_str(),
                escalation_level: level.as_str(),
                batch_id: batch.as_ref().map(|batch| batch.as_str()),
                failure_status,
                failure_reason,
                ..line
            })
        }
        _ => None,
    }))
}

/// Open dead letters that take over what went wrong last.
pub(crate) fn followed_dead_letters(folios: &[Folio]) -> Option<String> {
    array(folios.iter().filter_map(|folio| match &folio.dead_letter {
        Some(DeadLetterEdit::Follow { at }) => Some(dead_letter_line(folio, *at)),
        _ => None,
    }))
}

/// What an entry takes over from its order.
fn dead_letter_line(folio: &Folio, at: Timestamp) -> DeadLetterLine<'_> {
    let row = &folio.order.row;
    DeadLetterLine {
        order_pk: row.pk,
        generation: row.generation,
        reason: "",
        escalation_level: "",
        failure_status: &row.failure_status,
        failure_reason: &row.failure_reason,
        retry_count: row.retry_count,
        batch_id: None,
        created_at: micro(at),
        updated_at: micro(at),
    }
}

#[derive(Serialize)]
struct ClosedLine<'a> {
    order_pk: OrderPk,
    resolution: &'a str,
    resolved_by: &'a str,
    notes: &'a str,
    resolved_at: i64,
    updated_at: i64,
}

/// Open dead letters to close.
pub(crate) fn closed_dead_letters(folios: &[Folio]) -> Option<String> {
    array(folios.iter().filter_map(|folio| match &folio.dead_letter {
        Some(DeadLetterEdit::Close {
            resolution,
            by,
            notes,
            at,
        }) => Some(ClosedLine {
            order_pk: folio.order.row.pk,
            resolution: resolution.as_str(),
            resolved_by: by,
            notes,
            resolved_at: micro(*at),
            updated_at: micro(*at),
        }),
        _ => None,
    }))
}

#[derive(Serialize)]
struct VerdictLine<'a> {
    batch_id: &'a str,
    order_pk: OrderPk,
    chunk: Option<u32>,
    verdict: &'a str,
    reason: Option<&'a str>,
    at: i64,
}

/// What a batch did with the orders.
pub(crate) fn verdicts(folios: &[Folio]) -> Option<String> {
    array(folios.iter().filter_map(|folio| {
        folio.verdict.as_ref().map(|verdict| VerdictLine {
            batch_id: verdict.batch.as_str(),
            order_pk: folio.order.row.pk,
            chunk: verdict.chunk,
            verdict: verdict.kind.as_str(),
            reason: verdict.reason.as_deref(),
            at: micro(verdict.at),
        })
    }))
}
