//! Rows become domain types here and nowhere else, whichever database they come from.

use jiff::Timestamp;
use redrive_core::ids::BatchId;
use redrive_core::report::ReprocessingResult;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;
use uuid::Uuid;

use crate::record::{AttemptRecord, ChunkOf, OrderRecord, Seen};
use crate::transition::operation::Facts;
use crate::{
    Attempt, AuditEvent, BatchRow, Check, DeadLetter, FailureRow, LedgerError, NotStarted,
    Operation, OrderRow, ScanWindow,
};

type Result<T> = std::result::Result<T, LedgerError>;

/// A row of either database, read by the names of its columns.
pub(crate) trait Fields {
    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>>;
    fn maybe_text(&self, column: &'static str) -> Result<Option<String>>;

    fn int(&self, column: &'static str) -> Result<i64> {
        self.maybe_int(column)?.ok_or_else(|| missing(column))
    }

    fn text(&self, column: &'static str) -> Result<String> {
        self.maybe_text(column)?.ok_or_else(|| missing(column))
    }

    fn flag(&self, column: &'static str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    fn number(&self, column: &'static str) -> Result<u32> {
        let value = self.int(column)?;
        u32::try_from(value).map_err(|_| corrupt(column, value))
    }

    fn count(&self, column: &'static str) -> Result<u64> {
        let value = self.int(column)?;
        u64::try_from(value).map_err(|_| corrupt(column, value))
    }

    fn time(&self, column: &'static str) -> Result<Timestamp> {
        time(column, self.int(column)?)
    }

    fn maybe_time(&self, column: &'static str) -> Result<Option<Timestamp>> {
        self.maybe_int(column)?
            .map(|value| time(column, value))
            .transpose()
    }

    fn id<T: From<String>>(&self, column: &'static str) -> Result<T> {
        self.text(column).map(T::from)
    }

    fn maybe_id<T: From<String>>(&self, column: &'static str) -> Result<Option<T>> {
        Ok(self.maybe_text(column)?.map(T::from))
    }

    /// The value of an enum, by its name.
    fn named<T: for<'de> Deserialize<'de>>(&self, column: &'static str) -> Result<T> {
        named(column, self.text(column)?)
    }

    fn maybe_named<T: for<'de> Deserialize<'de>>(&self, column: &'static str) -> Result<Option<T>> {
        self.maybe_text(column)?
            .map(|value| named(column, value))
            .transpose()
    }
}

fn missing(column: &'static str) -> LedgerError {
    corrupt(column, "NULL")
}

fn corrupt(what: &'static str, value: impl ToString) -> LedgerError {
    LedgerError::Corrupt {
        what,
        value: value.to_string(),
    }
}

fn time(column: &'static str, value: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(value).map_err(|_| corrupt(column, value))
}

fn named<T: for<'de> Deserialize<'de>>(column: &'static str, value: String) -> Result<T> {
    let read: std::result::Result<T, NameError> =
        T::deserialize(value.as_str().into_deserializer());
    read.map_err(|_| corrupt(column, &value))
}

/// A row of `orders`.
pub(crate) fn order(fields: &impl Fields) -> Result<OrderRecord> {
    let claim = match (
        fields.maybe_id("claim_batch")?,
        fields.maybe_int("claim_chunk")?,
    ) {
        (Some(batch), Some(_)) => Some(ChunkOf {
            batch,
            chunk: fields.number("claim_chunk")?,
        }),
        _ => None,
    };
    Ok(OrderRecord {
        row: order_row(fields)?,
        last_batch: fields.maybe_id("last_batch")?,
        claim,
        fence: fields.int("fence")?,
        followed_since: fields.maybe_time("followed_since")?,
        checks: fields.number("checks")?,
    })
}

fn order_row(fields: &impl Fields) -> Result<OrderRow> {
    Ok(OrderRow {
        pk: fields.int("id")?,
        workflow_id: fields.id("workflow_id")?,
        order_id: fields.text("order_id")?,
        customer_id: fields.maybe_text("customer_id")?,
        workflow_type: fields.text("workflow_type")?,
        state: fields.named("state")?,
        generation: fields.number("generation")?,
        retry_count: fields.number("retry_count")?,
        item_errors: fields.number("item_errors")?,
        failed_run: fields.id("failed_run_id")?,
        failed_at: fields.time("failed_at")?,
        failure_status: fields.text("failure_status")?,
        fingerprint: fields.text("fingerprint")?,
        failure_reason: fields.text("failure_reason")?,
        has_parent: fields.flag("has_parent")?,
        eligible: fields.flag("eligible")?,
        manual: fields.flag("manual")?,
        due_at: fields.time("due_at")?,
        followed_run: fields.maybe_id("followed_run_id")?,
        next_check_at: fields.maybe_time("next_check_at")?,
        closed_at: fields.maybe_time("closed_at")?,
        resolution: fields.maybe_text("resolution")?,
        created_at: fields.time("created_at")?,
    })
}

/// A row of `attempts`.
pub(crate) fn attempt(fields: &impl Fields) -> Result<AttemptRecord> {
    let attempt = Attempt {
        generation: fields.number("generation")?,
        number: fields.number("number")?,
        from_run: fields.id("from_run_id")?,
        request_id: uuid("request_id", &fields.text("request_id")?)?,
        batch: fields.id("batch_id")?,
        manual: fields.flag("manual")?,
        intent_at: fields.time("intent_at")?,
        run: fields.maybe_id("run_id")?,
        started_at: fields.maybe_time("started_at")?,
        outcome: fields.maybe_named("outcome")?,
        note: fields.maybe_text("note")?,
        settled_at: fields.maybe_time("settled_at")?,
    };
    let settled_batch = fields.maybe_id("settled_batch")?;
    Ok(AttemptRecord {
        id: Some(fields.int("id")?),
        attempt,
        settled_batch,
        changed: false,
        deleted: false,
    })
}

fn uuid(column: &'static str, text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| corrupt(column, text))
}

/// A row of `failures`, for a story.
pub(crate) fn failure(fields: &impl Fields) -> Result<FailureRow> {
    Ok(FailureRow {
        run_id: fields.id("run_id")?,
        first_run_id: fields.id("first_run_id")?,
        timed_out: fields.text("run_status")? == "timed_out",
        failure_status: fields.text("failure_status")?,
        fingerprint: fields.text("fingerprint")?,
        reason: fields.text("reason")?,
        closed_at: fields.time("closed_at")?,
        observed_at: fields.time("observed_at")?,
    })
}

/// A row of `failures` that is pending; its start request is stored already.
pub(crate) fn seen(fields: &impl Fields) -> Result<Seen> {
    Ok(Seen {
        row: failure(fields)?,
        has_parent: fields.flag("has_parent")?,
        from_run: fields.maybe_id("from_run_id")?,
        request: None,
    })
}

/// A row of `orders` that is due to be described.
pub(crate) fn check(fields: &impl Fields) -> Result<Check> {
    Ok(Check {
        pk: fields.int("id")?,
        workflow_id: fields.id("workflow_id")?,
        state: fields.named("state")?,
        failed_run: fields.id("failed_run_id")?,
        failed_at: fields.time("failed_at")?,
        given_up: fields
            .maybe_text("given_up")?
            .map(|id| uuid("given_up", &id))
            .transpose()?,
        followed_run: fields.maybe_id("followed_run_id")?,
        has_attempt: fields.flag("has_attempt")?,
    })
}

/// A row of `dead_letters` with its order's ids.
pub(crate) fn dead_letter(fields: &impl Fields) -> Result<DeadLetter> {
    Ok(DeadLetter {
        id: fields.int("id")?,
        workflow_id: fields.id("workflow_id")?,
        order_id: fields.text("order_id")?,
        customer_id: fields.maybe_text("customer_id")?,
        generation: fields.number("generation")?,
        reason: fields.named("reason")?,
        failure_status: fields.text("failure_status")?,
        failure_reason: fields.text("failure_reason")?,
        retry_count: fields.number("retry_count")?,
        escalation_level: fields.named("escalation_level")?,
        batch: fields.maybe_id("batch_id")?,
        created_at: fields.time("created_at")?,
        updated_at: fields.time("updated_at")?,
        resolved_at: fields.maybe_time("resolved_at")?,
        resolution: fields.maybe_named("resolution")?,
        resolved_by: fields.maybe_text("resolved_by")?,
        notes: fields.maybe_text("notes")?,
    })
}

/// A row of `reprocessing_results`.
pub(crate) fn batch(fields: &impl Fields) -> Result<BatchRow> {
    let alerts = fields.text("alerts")?;
    Ok(BatchRow {
        workflow_id: fields.text("workflow_id")?,
        status: fields.named("status")?,
        started_at: fields.time("started_at")?,
        one_order: fields.flag("one_order")?,
        result: ReprocessingResult {
            processed_at: fields.time("processed_at")?,
            found_count: fields.count("found_count")?,
            restarted_count: fields.count("restarted_count")?,
            dlq_count: fields.count("dlq_count")?,
            error_count: fields.count("error_count")?,
            skipped_count: fields.count("skipped_count")?,
            recovered_count: fields.count("recovered_count")?,
            failed_again_count: fields.count("failed_again_count")?,
            backlog_count: fields.count("backlog_count")?,
            truncated: fields.flag("truncated")?,
            batch_id: fields.text("batch_id")?,
        },
        error: fields.maybe_text("error")?,
        alerts: serde_json::from_str(&alerts).map_err(|_| corrupt("alerts", &alerts))?,
    })
}

/// A row of `operations`.
pub(crate) fn operation(fields: &impl Fields) -> Result<Operation> {
    let filter = fields.maybe_text("filter")?;
    Ok(Operation {
        id: fields.id("id")?,
        status: fields.named("status")?,
        actor: fields.text("actor")?,
        reason: fields.text("reason")?,
        filter: filter
            .map(|json| serde_json::from_str(&json).map_err(|_| corrupt("filter", json)))
            .transpose()?,
        per_second: fields
            .maybe_int("per_1000_seconds")?
            .map(|starts| starts as f64 / 1_000.0),
        batch: fields.maybe_id("batch_id")?,
        matched: fields.count("matched")?,
        waiting: fields.count("waiting")?,
        started: fields.count("started")?,
        failed: fields.count("failed")?,
        skipped: fields.count("skipped")?,
        pages: fields.number("pages")?,
        exhausted: fields.flag("exhausted")?,
        error: fields.maybe_text("error")?,
        created_at: fields.time("created_at")?,
        updated_at: fields.time("updated_at")?,
        ended_at: fields.maybe_time("ended_at")?,
    })
}

/// A row of `operation_items` that was not started, with its order's ids.
pub(crate) fn not_started(fields: &impl Fields) -> Result<NotStarted> {
    Ok(NotStarted {
        pk: fields.int("order_pk")?,
        workflow_id: fields.id("workflow_id")?,
        order_id: fields.text("order_id")?,
        failed: fields.text("state")? == "failed",
        reason: fields.text("reason")?,
    })
}

/// A row of `operation_items` that is resolved, with what other tables tell of its order.
pub(crate) fn facts(fields: &impl Fields) -> Result<Facts> {
    Ok(Facts {
        pk: fields.int("order_pk")?,
        generation: fields.number("generation")?,
        current: fields.flag("is_current")?,
        state: fields.named("state")?,
        item_errors: fields.number("item_errors")?,
        looked_at: fields.flag("looked_at")?,
        run: fields.maybe_id("run_id")?,
        said: fields.maybe_text("said")?,
        said_last: fields.maybe_text("said_last")?,
    })
}

/// A row of `scan_windows`.
pub(crate) fn scan_window(fields: &impl Fields) -> Result<ScanWindow> {
    Ok(ScanWindow {
        workflow_type: fields.text("workflow_type")?,
        first_look_at: fields.time("first_look_at")?,
        older_count: fields.count("older_count")?,
        watermark: fields.time("watermark")?,
        swept_at: fields.time("swept_at")?,
    })
}

/// A row of `audit_events`.
pub(crate) fn audit_event(fields: &impl Fields) -> Result<AuditEvent> {
    Ok(AuditEvent {
        at: fields.time("at")?,
        actor: fields.text("actor")?,
        action: fields.text("action")?,
        reason: fields.text("reason")?,
    })
}

/// A row of `verdicts`, as a story tells it: batch, verdict, reason, when.
pub(crate) fn verdict(
    fields: &impl Fields,
) -> Result<(BatchId, String, Option<String>, Timestamp)> {
    Ok((
        fields.id("batch_id")?,
        fields.text("verdict")?,
        fields.maybe_text("reason")?,
        fields.time("at")?,
    ))
}
