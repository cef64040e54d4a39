//! The shared start rate: one row says when the next start may happen, whoever starts it.

use jiff::Timestamp;

use crate::contract::Result;
use crate::error::Doing;
use crate::record::micros;
use crate::sqlite::SqliteLedger;

pub(super) async fn reserve_start(
    ledger: &SqliteLedger,
    per_second: f64,
    now: Timestamp,
) -> Result<Timestamp> {
    let mut tx = ledger.begin().await?;
    let slot: i64 = sqlx::query_scalar(
        "UPDATE start_rate SET next_at = max(next_at, $1) + $2 WHERE id = 1 RETURNING next_at - $2",
    )
    .bind(now.as_microsecond())
    .bind(crate::rate::gap_micros(per_second))
    .fetch_one(&mut *tx)
    .await
    .doing("reserve a start")?;
    tx.commit().await.doing("reserve a start")?;
    Ok(Timestamp::from_microsecond(slot).unwrap_or_else(|_| micros(now)))
}
