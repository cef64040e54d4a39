//! Adopting: a chunk takes over the claims of a batch that has closed. An order that the adopting batch has restarted or
//! buried itself is left to the next one: a batch counts one thing of an order.

use redrive_core::ids::BatchId;
use redrive_core::policy::Policy;

use crate::ClaimedOrder;
use crate::contract::Result;
use crate::db::{Statement, args};
use crate::error::Doing;
use crate::sql::load::{self, Attempts};
use crate::sql::{SqlLedger, batch};
use crate::transition::claim::taken_over;

pub(super) async fn adopt(
    ledger: &SqlLedger,
    policy: &Policy,
    from: &BatchId,
    to: &BatchId,
    chunk: u32,
    limit: u32,
) -> Result<Vec<ClaimedOrder>> {
    let mut tx = ledger.begin().await?;
    tx.lock(&format!("adopt {from}"))
        .await
        .doing("wait for another adopter")?;
    batch::goes_on(&mut tx, to).await?;
    let found = tx
        .all(ADOPT, args![from.as_str(), to.as_str(), chunk, limit])
        .await
        .doing("adopt claims")?;
    let mut folios = load::with_attempts(&mut tx, &found, Attempts::OfFailedRun).await?;
    tx.commit().await.doing("commit adopted claims")?;
    folios.sort_by_key(|folio| folio.order.row.pk);
    Ok(folios
        .iter_mut()
        .map(|folio| taken_over(folio, policy))
        .collect())
}

/// $1 from, $2 to, $3 the chunk, $4 how many.
macro_rules! adopt {
    ($begin:literal, $hint:literal, $end:literal) => {
        concat!(
            "UPDATE orders SET claim_batch = $2, claim_chunk = $3, fence = fence + 1, last_batch = $2 WHERE ",
            $begin,
            "SELECT id FROM orders",
            $hint,
            " WHERE state = 'claimed' AND claim_batch = $1 AND NOT ($1 = $2 AND claim_chunk = $3)
                AND coalesce((SELECT 1 FROM verdicts AS v WHERE v.order_pk = orders.id AND v.batch_id || '' = $2
                     AND v.verdict IN ('restarted', 'dlq')), 0) <> 1
              ORDER BY claim_chunk, id LIMIT $4",
            $end,
            " RETURNING *"
        )
    };
}

// PostgreSQL evaluates an array of rows once, and might evaluate a list of them, with its limit, several times.
const ADOPT: Statement = Statement::each(
    adopt!("id IN (", " INDEXED BY orders_claimed", ")"),
    adopt!("id = ANY(ARRAY(", "", " FOR NO KEY UPDATE))"),
);
