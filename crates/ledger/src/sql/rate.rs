//! The shared start rate: one row says when the next start may happen, whoever starts it.

use jiff::Timestamp;

use crate::contract::Result;
use crate::db::args;
use crate::error::Doing;
use crate::record::micros;
use crate::rows::Fields;
use crate::sql::SqlLedger;

pub(super) async fn reserve_start(
    ledger: &SqlLedger,
    per_second: f64,
    now: Timestamp,
) -> Result<Timestamp> {
    let mut tx = ledger.begin().await?;
    // A slot that a crash of the database forgets costs at most one start too many.
    tx.may_be_lost().await.doing("reserve a start")?;
    let row = tx
        .one(
            "UPDATE start_rate SET next_at = CASE WHEN next_at > $1 THEN next_at ELSE $1 END + $2
         WHERE id = 1 RETURNING next_at - $2 AS slot",
            args![now.as_microsecond(), crate::rate::gap_micros(per_second)],
        )
        .await
        .doing("reserve a start")?;
    tx.commit().await.doing("reserve a start")?;
    Ok(Timestamp::from_microsecond(row.int("slot")?).unwrap_or_else(|_| micros(now)))
}
