//! How everything stands, in numbers.

use jiff::{SignedDuration, Timestamp};
use redrive_core::states::State;

use crate::Overview;
use crate::contract::Result;
use crate::db::{Conn, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::SqlLedger;

/// A counter's stretch of time, as the schema has it.
const QUARTER: SignedDuration = SignedDuration::from_mins(15);

pub(super) async fn overview(ledger: &SqlLedger, since: Timestamp) -> Result<Overview> {
    let mut conn = ledger.read().await?;
    let mut overview = Overview::default();
    let counts = conn
        .all(
            "SELECT state, CAST(sum(orders) AS BIGINT) AS count, CAST(sum(orders * backlog) AS BIGINT) AS backlog
             FROM order_counts GROUP BY state",
            args![],
        )
        .await
        .doing("count orders")?;
    for row in &counts {
        let count = row.count("count")?;
        match row.named("state")? {
            State::Failed => {
                overview.backlog = row.count("backlog")?;
                overview.left_alone = count.saturating_sub(overview.backlog);
            }
            State::InFlight => overview.in_flight = count,
            State::Claimed => overview.claimed = count,
            State::Held => overview.held = count,
            State::DeadLettered => overview.dead_lettered = count,
            State::Recovered | State::Resolved | State::Stopped => {}
        }
    }
    overview.oldest_dead_letter_at = oldest(&mut conn).await?;
    (overview.recovered, overview.failed_again) = learnt(&mut conn, since).await?;
    overview.older_failures = older(&mut conn).await?;
    Ok(overview)
}

/// Since when the oldest dead letter waits.
pub(super) async fn oldest(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let row = conn
        .one(
            "SELECT min(created_at) AS at FROM dead_letters INDEXED BY dead_letters_open WHERE resolved_at IS NULL",
            args![],
        )
        .await
        .doing("look for the oldest dead letter")?;
    row.maybe_time("at")
}

/// Failures that the first look left alone.
async fn older(conn: &mut Conn) -> Result<u64> {
    let row = conn
        .one(
            "SELECT CAST(coalesce(sum(older_count), 0) AS BIGINT) AS count FROM scan_windows",
            args![],
        )
        .await
        .doing("count older failures")?;
    row.count("count")
}

/// How many attempts are known since then to have recovered, and to have failed again: those of whole quarters of an hour
/// are counted already.
async fn learnt(conn: &mut Conn, since: Timestamp) -> Result<(u64, u64)> {
    let (since, quarter) = (since.as_microsecond(), QUARTER.as_micros() as i64);
    let first = since.div_euclid(quarter) + i64::from(since.rem_euclid(quarter) > 0);
    let found = conn
        .all(
            "SELECT outcome, CAST(sum(attempts) AS BIGINT) AS count FROM (
                 SELECT outcome, attempts FROM attempt_counts WHERE quarter >= $1
                 UNION ALL
                 SELECT outcome, 1 FROM attempts INDEXED BY attempts_by_end WHERE settled_at >= $2 AND settled_at < $3
             ) AS learnt
             WHERE outcome IN ('recovered', 'failed_again') GROUP BY outcome",
            args![first, since, first * quarter],
        )
        .await
        .doing("count what restarts came to")?;
    let (mut recovered, mut failed_again) = (0, 0);
    for row in &found {
        match row.text("outcome")?.as_str() {
            "recovered" => recovered = row.count("count")?,
            _ => failed_again = row.count("count")?,
        }
    }
    Ok((recovered, failed_again))
}
