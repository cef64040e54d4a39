//! The dead letter queue, and the queue in numbers.

use sqlx::{QueryBuilder, Sqlite};

use super::{beginning_with, overview};
use crate::contract::Result;
use crate::error::Doing;
use crate::rows::Fields;
use crate::sqlite::SqliteLedger;
use crate::{DeadLetter, DeadLetterFilter, DeadLetterStats, Resolution, rows};

pub(super) async fn list(
    ledger: &SqliteLedger,
    filter: &DeadLetterFilter,
    limit: u32,
) -> Result<Vec<DeadLetter>> {
    let found = select(filter, limit)
        .build()
        .fetch_all(&mut *ledger.read().await?)
        .await
        .doing("list dead letters")?;
    found.iter().map(rows::dead_letter).collect()
}

fn select(filter: &DeadLetterFilter, limit: u32) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "SELECT d.*, o.workflow_id, o.order_id, o.customer_id FROM dead_letters AS d JOIN orders AS o ON o.id = d.order_pk WHERE ",
    );
    query.push(match filter.resolved {
        Some(false) => "d.resolved_at IS NULL",
        Some(true) => "d.resolved_at IS NOT NULL",
        None => "true",
    });
    if let Some(status) = &filter.failure_status {
        query
            .push(" AND d.failure_status = ")
            .push_bind(status.clone());
    }
    if let Some(group) = &filter.group {
        let (from, before) = beginning_with(group);
        query.push(" AND o.fingerprint >= ").push_bind(from);
        query.push(" AND o.fingerprint < ").push_bind(before);
    }
    if let Some(customer) = &filter.customer_id {
        query
            .push(" AND o.customer_id = ")
            .push_bind(customer.clone());
    }
    if let Some(before) = filter.before {
        query
            .push(" AND d.created_at < ")
            .push_bind(before.as_microsecond());
    }
    if let Some((created_at, id)) = filter.after {
        query
            .push(" AND (d.created_at, d.id) > (")
            .push_bind(created_at.as_microsecond());
        query.push(", ").push_bind(id).push(")");
    }
    query
        .push(" ORDER BY d.created_at, d.id LIMIT ")
        .push_bind(limit);
    query
}

pub(super) async fn stats(ledger: &SqliteLedger) -> Result<DeadLetterStats> {
    let mut conn = ledger.read().await?;
    let found =
        sqlx::query("SELECT * FROM dead_letter_counts WHERE entries > 0 ORDER BY entries DESC")
            .fetch_all(&mut *conn)
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
