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
        Some(DeadLetterEdit::Open { reason, batch, at }) => Some(dead_letter_line(
            folio,
            reason.as_str(),
            batch.as_ref().map(|batch| batch.as_str()),
            *at,
        )),
        _ => None,
    }))
}

/// Open dead letters that take over what went wrong last.
pub(crate) fn followed_dead_letters(folios: &[Folio]) -> Option<String> {
    array(folios.iter().filter_map(|folio| match &folio.dead_letter {
        Some(DeadLetterEdit::Follow { at }) => Some(dead_letter_line(folio, "", None, *at)),
        _ => None,
    }))
}

fn dead_letter_line<'a>(
    folio: &'a Folio,
    reason: &'a str,
    batch_id: Option<&'a str>,
    at: Timestamp,
) -> DeadLetterLine<'a> {
    let row = &folio.order.row;
    DeadLetterLine {
        order_pk: row.pk,
        generation: row.generation,
        reason,
        failure_status: &row.failure_status,
        failure_reason: &row.failure_reason,
        retry_count: row.retry_count,
        batch_id,
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
