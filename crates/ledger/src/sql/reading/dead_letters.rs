//! The dead letter queue, and the queue in numbers.

use super::{beginning_with, overview};
use crate::contract::Result;
use crate::db::{Conn, Query, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::SqlLedger;
use crate::{DeadLetter, DeadLetterFilter, DeadLetterStats, Resolution, rows};

pub(super) async fn list(
    ledger: &SqlLedger,
    filter: &DeadLetterFilter,
    limit: u32,
) -> Result<Vec<DeadLetter>> {
    let (statement, args) = select(filter, limit).build();
    let found = ledger
        .read()
        .await?
        .all(statement, args)
        .await
        .doing("list dead letters")?;
    found.iter().map(rows::dead_letter).collect()
}

/// How many entries match, whatever page is asked for.
pub(in crate::sql) async fn count(conn: &mut Conn, filter: &DeadLetterFilter) -> Result<u64> {
    let filter = DeadLetterFilter {
        after: None,
        ..filter.clone()
    };
    let mut query = Query::new(
        "SELECT count(*) AS count FROM dead_letters AS d JOIN orders AS o ON o.id = d.order_pk WHERE ",
    );
    narrow(&mut query, &filter);
    let (statement, args) = query.build();
    let found = conn.one(statement, args).await;
    found.doing("count dead letters")?.count("count")
}

/// The beginning of a statement that lists entries `d` of orders `o`; its condition follows.
pub(in crate::sql) const ENTRIES: &str = "\
SELECT d.*, o.workflow_id, o.order_id, o.customer_id FROM dead_letters AS d JOIN orders AS o ON o.id = d.order_pk WHERE ";

fn select(filter: &DeadLetterFilter, limit: u32) -> Query {
    let mut query = Query::new(ENTRIES);
    narrow(&mut query, filter);
    query
        .push(" ORDER BY d.created_at, d.id LIMIT ")
        .bind(limit);
    query
}

/// The condition that `filter` puts.
pub(in crate::sql) fn narrow(query: &mut Query, filter: &DeadLetterFilter) {
    query.push(match filter.resolved {
        Some(false) => "d.resolved_at IS NULL",
        Some(true) => "d.resolved_at IS NOT NULL",
        None => "true",
    });
    if let Some(status) = &filter.failure_status {
        query.push(" AND d.failure_status = ").bind(status.clone());
    }
    if let Some(group) = &filter.group {
        let (from, before) = beginning_with(group);
        query.push(" AND o.fingerprint >= ").bind(from);
        query.push(" AND o.fingerprint < ").bind(before);
    }
    if let Some(customer) = &filter.customer_id {
        query.push(" AND o.customer_id = ").bind(customer.clone());
    }
    if let Some(before) = filter.before {
        query
            .push(" AND d.created_at < ")
            .bind(before.as_microsecond());
    }
    if let Some((created_at, id)) = filter.after {
        query
            .push(" AND (d.created_at, d.id) > (")
            .bind(created_at.as_microsecond());
        query.push(", ").bind(id).push(")");
    }
}

/// Of PostgreSQL's counters there may be several rows, to be added up.
const COUNTS: &str = "\
SELECT failure_status, resolution, CAST(sum(entries) AS BIGINT) AS entries, CAST(sum(retries) AS BIGINT) AS retries
FROM dead_letter_counts GROUP BY failure_status, resolution HAVING sum(entries) > 0
ORDER BY sum(entries) DESC, failure_status, resolution";

pub(super) async fn stats(ledger: &SqlLedger) -> Result<DeadLetterStats> {
    let mut conn = ledger.read().await?;
    let found = conn
        .all(COUNTS, args![])
        .await
        .doing("count dead letters")?;
    let mut stats = DeadLetterStats::default();
    let mut retries = 0;
    for row in &found {
        let entries = row.count("entries")?;
        retries += row.count("retries")?;
        stats.total_entries += entries;
        match row.text("resolution")?.as_str() {
            "" => {
                stats.unresolved_count += entries;
                stats
                    .by_failure_status
                    .push((row.text("failure_status")?, entries));
            }
            _ => {
                stats.resolved_count += entries;
                add(&mut stats.by_resolution, row.named("resolution")?, entries);
            }
        }
    }
    if stats.total_entries > 0 {
        stats.average_retries = retries as f64 / stats.total_entries as f64;
    }
    stats.oldest_unresolved_at = overview::oldest(&mut conn).await?;
    Ok(stats)
}

fn add(counts: &mut Vec<(Resolution, u64)>, resolution: Resolution, entries: u64) {
    match counts.iter_mut().find(|(known, _)| *known == resolution) {
        Some((_, count)) => *count += entries,
        None => counts.push((resolution, entries)),
    }
}
