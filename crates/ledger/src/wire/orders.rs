//! Lines of `orders`: whole ones to insert, and to update only what has changed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{array, flag, micro};
use crate::OrderPk;
use crate::folio::Folio;
use crate::record::OrderRecord;

#[derive(Serialize)]
struct OrderLine<'a> {
    id: OrderPk,
    workflow_id: &'a str,
    order_id: &'a str,
    customer_id: Option<&'a str>,
    workflow_type: &'a str,
    state: &'a str,
    generation: u32,
    retry_count: u32,
    item_errors: u32,
    failed_run_id: &'a str,
    failed_at: i64,
    failure_status: &'a str,
    fingerprint: &'a str,
    failure_reason: &'a str,
    has_parent: u8,
    eligible: u8,
    manual: u8,
    due_at: i64,
    last_batch: Option<&'a str>,
    claim_batch: Option<&'a str>,
    claim_chunk: Option<u32>,
    fence: i64,
    followed_run_id: Option<&'a str>,
    followed_since: Option<i64>,
    next_check_at: Option<i64>,
    checks: u32,
    closed_at: Option<i64>,
    resolution: Option<&'a str>,
    created_at: i64,
    updated_at: i64,
}

/// The columns that can change.
macro_rules! changing {
    ($($column:ident),*) => {
        impl OrderLine<'_> {
            /// Adds the columns in which this line is not as the other one.
            fn differing(&self, other: &Self, columns: &mut BTreeSet<&'static str>) {
                $(if self.$column != other.$column {
                    columns.insert(stringify!($column));
                })*
            }
        }

        impl Serialize for Part<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(self.columns.len() + 1))?;
                map.serialize_entry("id", &self.line.id)?;
                $(if self.columns.contains(stringify!($column)) {
                    map.serialize_entry(stringify!($column), &self.line.$column)?;
                })*
                map.end()
            }
        }
    };
}

changing!(
    state,
    generation,
    retry_count,
    item_errors,
    failed_run_id,
    failed_at,
    failure_status,
    fingerprint,
    failure_reason,
    has_parent,
    eligible,
    manual,
    due_at,
    last_batch,
    claim_batch,
    claim_chunk,
    fence,
    followed_run_id,
    followed_since,
    next_check_at,
    checks,
    closed_at,
    resolution,
    updated_at
);

/// A line's key, and some of its columns.
struct Part<'a> {
    line: &'a OrderLine<'a>,
    columns: &'a BTreeSet<&'static str>,
}

/// Orders to insert.
pub(crate) fn new_orders(folios: &[Folio], now: Timestamp) -> Option<String> {
    let new = folios.iter().filter(|folio| folio.new);
    array(new.map(|folio| line(&folio.order, now)))
}

/// Orders to update, and the columns in which any of them is not as it is stored: whatever is written is taken out of every
/// index that has it, and put in again, also where it is the same.
pub(crate) fn changed_orders(
    folios: &[Folio],
    now: Timestamp,
) -> Option<(BTreeSet<&'static str>, String)> {
    let mut columns = BTreeSet::from(["updated_at"]);
    let mut changed = Vec::new();
    for folio in folios.iter().filter(|folio| !folio.new && folio.changed) {
        let line = line(&folio.order, now);
        line.differing(&self::line(&folio.before, now), &mut columns);
        changed.push(line);
    }
    let part = |line| Part {
        line,
        columns: &columns,
    };
    let lines = array(changed.iter().map(part))?;
    Some((columns, lines))
}

fn line(order: &OrderRecord, now: Timestamp) -> OrderLine<'_> {
    let row = &order.row;
    OrderLine {
        id: row.pk,
        workflow_id: row.workflow_id.as_str(),
        order_id: &row.order_id,
        customer_id: row.customer_id.as_deref(),
        workflow_type: &row.workflow_type,
        state: row.state.as_str(),
        generation: row.generation,
        retry_count: row.retry_count,
        item_errors: row.item_errors,
        failed_run_id: row.failed_run.as_str(),
        failed_at: micro(row.failed_at),
        failure_status: &row.failure_status,
        fingerprint: &row.fingerprint,
        failure_reason: &row.failure_reason,
        has_parent: flag(row.has_parent),
        eligible: flag(row.eligible),
        manual: flag(row.manual),
        due_at: micro(row.due_at),
        last_batch: order.last_batch.as_ref().map(|batch| batch.as_str()),
        claim_batch: order.claim.as_ref().map(|claim| claim.batch.as_str()),
        claim_chunk: order.claim.as_ref().map(|claim| claim.chunk),
        fence: order.fence,
        followed_run_id: row.followed_run.as_ref().map(|run| run.as_str()),
        followed_since: order.followed_since.map(micro),
        next_check_at: row.next_check_at.map(micro),
        checks: order.checks,
        closed_at: row.closed_at.map(micro),
        resolution: row.resolution.as_deref(),
        created_at: micro(row.created_at),
        updated_at: micro(now),
    }
}
