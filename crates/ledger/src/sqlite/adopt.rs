//! Adopting: a chunk takes over the claims of a batch that has closed. An order that the adopting batch has restarted or
//! buried itself is left to the next one: a batch counts one thing of an order.

use redrive_core::ids::BatchId;
use redrive_core::policy::Policy;

use crate::ClaimedOrder;
use crate::contract::Result;
use crate::error::Doing;
use crate::sqlite::load::{self, Attempts};
use crate::sqlite::{SqliteLedger, batch};
use crate::transition::claim::taken_over;

pub(super) async fn adopt(
    ledger: &SqliteLedger,
    policy: &Policy,
    from: &BatchId,
    to: &BatchId,
    chunk: u32,
    limit: u32,
) -> Result<Vec<ClaimedOrder>> {
    let mut tx = ledger.begin().await?;
    batch::goes_on(&mut tx, to).await?;
    let found = sqlx::query(
        "UPDATE orders SET claim_batch = $2, claim_chunk = $3, fence = fence + 1, last_batch = $2
         WHERE id IN (SELECT id FROM orders INDEXED BY orders_claimed
                      WHERE state = 'claimed' AND claim_batch = $1 AND NOT ($1 = $2 AND claim_chunk = $3)
                        AND NOT EXISTS (SELECT 1 FROM verdicts AS v WHERE v.batch_id = $2 AND v.order_pk = orders.id
                                        AND v.verdict IN ('restarted', 'dlq'))
                      ORDER BY claim_chunk, id LIMIT $4)
         RETURNING *",
    )
    .bind(from.as_str())
    .bind(to.as_str())
    .bind(chunk)
    .bind(limit)
    .fetch_all(&mut *tx)
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
