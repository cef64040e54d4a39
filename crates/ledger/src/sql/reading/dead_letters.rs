//! The dead letter queue, and the queue in numbers.

use super::{beginning_with, overview};
use crate::contract::Result;
use crate::db::{Conn, Query, Row, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::SqlLedger;
use crate::{
    COUNTED, DeadLetter, DeadLetterFilter, DeadLetterOrder, DeadLetterStats, Resolution, Total,
    rows,
};

pub(super) async fn list(
    ledger: &SqlLedger,
    filter: &DeadLetterFilter,
    offset: u32,
    limit: u32,
) -> Result<Vec<DeadLetter>> {
    let mut query = selected(index(filter));
    narrow(&mut query, filter);
    query.push(sorted(filter.order)).push(" LIMIT ").bind(limit);
    query.push(" OFFSET ").bind(offset);
    let (statement, args) = query.build();
    let found = ledger
        .read()
        .await?
        .all(statement, args)
        .await
        .doing("list dead letters")?;
    found.iter().map(rows::dead_letter).collect()
}

/// How many entries match, as far as they are counted: by the queue's counters where they know.
pub(super) async fn total(ledger: &SqlLedger, filter: &DeadLetterFilter) -> Result<Total> {
    let mut conn = ledger.read().await?;
    let counted = filter.group.is_none() && filter.customer_id.is_none();
    if counted && filter.search.is_none() && filter.before.is_none() {
        let counts = counts(&mut conn).await?;
        let matching = counts.iter().filter(|count| count.matches(filter));
        return Ok(Total::Exactly(matching.map(|count| count.entries).sum()));
    }
    let mut query = Query::new("SELECT count(*) AS count FROM (SELECT 1 FROM dead_letters AS d");
    query.push(index(filter)).push(joined(filter));
    narrow(&mut query, &whole(filter));
    query
        .push(" LIMIT ")
        .bind(COUNTED as i64 + 1)
        .push(") AS matching");
    let (statement, args) = query.build();
    let found = conn.one(statement, args).await;
    let count = found.doing("count dead letters")?.count("count")?;
    Ok(Total::of(count))
}

/// Orders beside the entries that are counted, where the filter asks for what stands there.
fn joined(filter: &DeadLetterFilter) -> &'static str {
    if filter.group.is_some() || filter.customer_id.is_some() {
        " JOIN orders AS o ON o.id = d.order_pk WHERE "
    } else {
        " WHERE "
    }
}

/// Where the entries that are meant lie together in the queue's order. SQLite would choose by what its statistics say, and they may
/// be of a time when nothing was decided. A customer's are few, and found by their orders.
fn index(filter: &DeadLetterFilter) -> &'static str {
    if filter.customer_id.is_some() {
        return "";
    }
    match (filter.order, filter.resolved, &filter.failure_status) {
        (DeadLetterOrder::Retries, _, None) => " INDEXED BY dead_letters_open_by_retries",
        (DeadLetterOrder::Retries, _, Some(_)) => " INDEXED BY dead_letters_open_by_status_retries",
        (DeadLetterOrder::Decided, _, None) => " INDEXED BY dead_letters_by_decision",
        (_, Some(false), None) => " INDEXED BY dead_letters_open",
        (_, Some(false), Some(_)) => " INDEXED BY dead_letters_open_by_status",
        (_, Some(true), None) => " INDEXED BY dead_letters_decided",
        (_, Some(true), Some(_)) => " INDEXED BY dead_letters_decided_by_status",
        (_, None, None) => " INDEXED BY dead_letters_by_time",
        (_, None, Some(_)) => " INDEXED BY dead_letters_by_status",
    }
}

/// The filter without its page.
fn whole(filter: &DeadLetterFilter) -> DeadLetterFilter {
    DeadLetterFilter {
        after: None,
        ..filter.clone()
    }
}

/// How many entries match, whatever page is asked for.
pub(in crate::sql) async fn count(conn: &mut Conn, filter: &DeadLetterFilter) -> Result<u64> {
    let mut query = Query::new("SELECT count(*) AS count FROM dead_letters AS d");
    query.push(index(filter)).push(joined(filter));
    narrow(&mut query, &whole(filter));
    let (statement, args) = query.build();
    let found = conn.one(statement, args).await;
    found.doing("count dead letters")?.count("count")
}

/// The beginning of a statement that lists entries `d`, by way of an index, of orders `o`; its condition follows.
pub(in crate::sql) fn selected(index: &'static str) -> Query {
    let mut query =
        Query::new("SELECT d.*, o.workflow_id, o.order_id, o.customer_id FROM dead_letters AS d");
    query
        .push(index)
        .push(" JOIN orders AS o ON o.id = d.order_pk WHERE ");
    query
}

/// The order of a list.
fn sorted(order: DeadLetterOrder) -> &'static str {
    match order {
        DeadLetterOrder::Oldest => " ORDER BY d.created_at, d.id",
        DeadLetterOrder::Newest => " ORDER BY d.created_at DESC, d.id DESC",
        DeadLetterOrder::Decided => " ORDER BY d.resolved_at DESC, d.id DESC",
        DeadLetterOrder::Retries => " ORDER BY d.retry_count DESC, d.id DESC",
    }
}

/// What comes after a place in a list of that order; the place follows.
fn after(order: DeadLetterOrder) -> &'static str {
    match order {
        DeadLetterOrder::Oldest => " AND (d.created_at, d.id) > (",
        DeadLetterOrder::Newest => " AND (d.created_at, d.id) < (",
        DeadLetterOrder::Decided => " AND (d.resolved_at, d.id) < (",
        DeadLetterOrder::Retries => " AND (d.retry_count, d.id) < (",
    }
}

/// How many orders have an id that begins so.
pub(super) async fn orders_beginning(ledger: &SqlLedger, prefix: &str) -> Result<Total> {
    let (from, before) = beginning_with(prefix);
    let statement = "SELECT count(*) AS count FROM
         (SELECT 1 FROM orders WHERE order_id >= $1 AND order_id < $2 LIMIT $3) AS matching";
    let mut conn = ledger.read().await?;
    let found = conn.one(statement, args![from, before, COUNTED as i64 + 1]);
    let count = found.await.doing("count orders")?.count("count")?;
    Ok(Total::of(count))
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
    if let Some(search) = &filter.search {
        // The orders come first, each from an index; then their entries.
        let (from, before) = beginning_with(search);
        query
            .push(" AND d.order_pk IN (SELECT id FROM orders WHERE order_id >= ")
            .bind(from)
            .push(" AND order_id < ")
            .bind(before)
            .push(" UNION ALL SELECT id FROM orders WHERE workflow_id = ")
            .bind(search.clone())
            .push(" UNION ALL SELECT id FROM orders WHERE customer_id = ")
            .bind(search.clone())
            .push(")");
    }
    if let Some(before) = filter.before {
        query
            .push(" AND d.created_at < ")
            .bind(before.as_microsecond());
    }
    query.push(match filter.order {
        DeadLetterOrder::Oldest | DeadLetterOrder::Newest => "",
        DeadLetterOrder::Decided => " AND d.resolved_at IS NOT NULL",
        DeadLetterOrder::Retries => " AND d.resolved_at IS NULL",
    });
    if let Some((by, id)) = filter.after {
        query.push(after(filter.order)).bind(by);
        query.push(", ").bind(id).push(")");
    }
}

/// Of PostgreSQL's counters there may be several rows, to be added up.
const COUNTS: &str = "\
SELECT failure_status, resolution, CAST(sum(entries) AS BIGINT) AS entries, CAST(sum(retries) AS BIGINT) AS retries
FROM dead_letter_counts GROUP BY failure_status, resolution HAVING sum(entries) > 0
ORDER BY sum(entries) DESC, failure_status, resolution";

/// The entries of one failure status that were decided in one way, or wait.
struct Count {
    failure_status: String,
    resolution: Option<Resolution>,
    entries: u64,
    retries: u64,
}

impl Count {
    fn matches(&self, filter: &DeadLetterFilter) -> bool {
        let resolved = self.resolution.is_some();
        let status = filter.failure_status.as_ref();
        filter.resolved.is_none_or(|wanted| wanted == resolved)
            && status.is_none_or(|wanted| *wanted == self.failure_status)
    }
}

async fn counts(conn: &mut Conn) -> Result<Vec<Count>> {
    let found = conn.all(COUNTS, args![]).await;
    let found = found.doing("count dead letters")?;
    let count = |row: &Row| {
        Ok(Count {
            failure_status: row.text("failure_status")?,
            resolution: match row.text("resolution")?.as_str() {
                "" => None,
                _ => Some(row.named("resolution")?),
            },
            entries: row.count("entries")?,
            retries: row.count("retries")?,
        })
    };
    found.iter().map(count).collect()
}

pub(super) async fn stats(ledger: &SqlLedger) -> Result<DeadLetterStats> {
    let mut conn = ledger.read().await?;
    let mut stats = DeadLetterStats::default();
    let mut retries = 0;
    for count in counts(&mut conn).await? {
        retries += count.retries;
        stats.total_entries += count.entries;
        match count.resolution {
            None => {
                stats.unresolved_count += count.entries;
                let status = (count.failure_status, count.entries);
                stats.by_failure_status.push(status);
            }
            Some(resolution) => {
                stats.resolved_count += count.entries;
                add(&mut stats.by_resolution, resolution, count.entries);
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
