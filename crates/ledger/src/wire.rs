//! Changed folios as JSON, one array a table: a driver writes each array with one statement, however many orders it holds.
//!
//! The keys are the names of the columns. Start requests are bytes, which JSON cannot hold, and travel beside their lines.

mod orders;
mod requests;
mod sayings;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::db::storable;
use crate::folio::Folio;
use crate::record::{AttemptRecord, micros};
use crate::{AttemptOutcome, OrderPk};

pub(crate) use orders::{changed_orders, new_orders};
pub(crate) use requests::{requests, saved_requests};
pub(crate) use sayings::{
    closed_dead_letters, followed_dead_letters, opened_dead_letters, verdicts,
};

/// The array, or `None` where it would be empty: there is nothing to write.
pub(crate) fn array<T: Serialize>(lines: impl IntoIterator<Item = T>) -> Option<String> {
    let lines: Vec<T> = lines.into_iter().collect();
    (!lines.is_empty()).then(|| list(&lines))
}

/// The array, also where it is empty.
pub(crate) fn list<T: Serialize>(lines: &[T]) -> String {
    let written = "lines are texts, numbers and maps of them";
    let text = serde_json::to_string(lines).expect(written);
    if !text.contains("\\u0000") {
        return text;
    }
    let mut lines = serde_json::to_value(lines).expect(written);
    make_storable(&mut lines);
    lines.to_string()
}

/// Takes out of every text what PostgreSQL cannot store.
fn make_storable(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => *text = storable(text),
        serde_json::Value::Array(values) => values.iter_mut().for_each(make_storable),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(make_storable),
        _ => {}
    }
}

/// A flag, as the columns have it.
fn flag(flag: bool) -> u8 {
    flag.into()
}

/// One object.
pub(crate) fn object<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is stored as JSON is texts, numbers and maps of them")
}

fn micro(at: Timestamp) -> i64 {
    micros(at).as_microsecond()
}

#[derive(Serialize)]
struct AttemptLine<'a> {
    id: Option<i64>,
    order_pk: OrderPk,
    generation: u32,
    number: u32,
    from_run_id: &'a str,
    request_id: Uuid,
    batch_id: &'a str,
    manual: u8,
    intent_at: i64,
    run_id: Option<&'a str>,
    started_at: Option<i64>,
    outcome: Option<AttemptOutcome>,
    note: Option<&'a str>,
    settled_at: Option<i64>,
    settled_batch: Option<&'a str>,
}

/// Attempts to insert (`new`), or to update.
pub(crate) fn attempts(folios: &[Folio], new: bool) -> Option<String> {
    let written =
        |record: &&AttemptRecord| record.changed && !record.deleted && record.id.is_none() == new;
    array(folios.iter().flat_map(|folio| {
        folio
            .attempts
            .iter()
            .filter(written)
            .map(|record| attempt_line(folio.order.row.pk, record))
    }))
}

fn attempt_line(order_pk: OrderPk, record: &AttemptRecord) -> AttemptLine<'_> {
    let attempt = &record.attempt;
    AttemptLine {
        id: record.id,
        order_pk,
        generation: attempt.generation,
        number: attempt.number,
        from_run_id: attempt.from_run.as_str(),
        request_id: attempt.request_id,
        batch_id: attempt.batch.as_str(),
        manual: flag(attempt.manual),
        intent_at: micro(attempt.intent_at),
        run_id: attempt.run.as_ref().map(|run| run.as_str()),
        started_at: attempt.started_at.map(micro),
        outcome: attempt.outcome,
        note: attempt.note.as_deref(),
        settled_at: attempt.settled_at.map(micro),
        settled_batch: record.settled_batch.as_ref().map(|batch| batch.as_str()),
    }
}

/// The keys of attempts to delete.
pub(crate) fn deleted_attempts(folios: &[Folio]) -> Vec<i64> {
    let attempts = folios.iter().flat_map(|folio| &folio.attempts);
    attempts
        .filter(|record| record.deleted)
        .filter_map(|record| record.id)
        .collect()
}

#[derive(Serialize)]
struct FailureLine<'a> {
    run_id: &'a str,
    order_pk: OrderPk,
    first_run_id: &'a str,
    run_status: &'static str,
    failure_status: &'a str,
    fingerprint: &'a str,
    reason: &'a str,
    has_parent: u8,
    from_run_id: Option<&'a str>,
    closed_at: i64,
    observed_at: i64,
    pending: u8,
}

/// Failures to insert; one that stands already only changes whether it is pending.
pub(crate) fn failures(folios: &[Folio]) -> Option<String> {
    array(folios.iter().flat_map(|folio| {
        folio.failures.iter().map(|(seen, pending)| FailureLine {
            run_id: seen.row.run_id.as_str(),
            order_pk: folio.order.row.pk,
            first_run_id: seen.row.first_run_id.as_str(),
            run_status: if seen.row.timed_out {
                "timed_out"
            } else {
                "failed"
            },
            failure_status: &seen.row.failure_status,
            fingerprint: &seen.row.fingerprint,
            reason: &seen.row.reason,
            has_parent: flag(seen.has_parent),
            from_run_id: seen.from_run.as_ref().map(|run| run.as_str()),
            closed_at: micro(seen.row.closed_at),
            observed_at: micro(seen.row.observed_at),
            pending: flag(*pending),
        })
    }))
}
