//! Open orders that are due to be described, and what the server said of them.

use jiff::Timestamp;

use crate::book::Book;
use crate::contract::Result;
use crate::db::args;
use crate::error::Doing;
use crate::folio::Learning;
use crate::sql::load::{self, Attempts};
use crate::sql::{SqlLedger, batch, home, write};
use crate::{Check, Checked, OrderPk, rows};

// What is looked up of an order is looked up among its own attempts: with EXISTS, or by `run_id IS NULL`, either database may
// read all open attempts or intents instead, for a page of orders.
pub(super) const DUE_CHECKS: &str = "\
SELECT o.id, o.workflow_id, o.state, o.failed_run_id, o.failed_at, o.followed_run_id,
    (SELECT a.request_id FROM attempts AS a
            WHERE a.order_pk = o.id AND a.from_run_id = o.failed_run_id AND coalesce(a.run_id, '') = '' AND a.outcome IS NOT NULL
            ORDER BY a.id DESC LIMIT 1) AS given_up,
    (SELECT 1 FROM attempts AS a WHERE a.order_pk = o.id AND a.outcome IS NULL
            AND a.run_id = o.followed_run_id) IS NOT NULL AS has_attempt
FROM orders AS o INDEXED BY orders_to_check
WHERE o.next_check_at IS NOT NULL AND o.next_check_at <= $1
ORDER BY o.next_check_at LIMIT $2";

pub(super) async fn due_checks(
    ledger: &SqlLedger,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Check>> {
    let found = ledger
        .read()
        .await?
        .all(DUE_CHECKS, args![now.as_microsecond(), limit])
        .await
        .doing("read which orders to describe")?;
    found.iter().map(rows::check).collect()
}

pub(super) async fn settle(
    ledger: &SqlLedger,
    checked: &[Checked],
    learning: &Learning<'_>,
) -> Result<u64> {
    if checked.is_empty() {
        return Ok(0);
    }
    let pks: Vec<OrderPk> = checked.iter().map(|checked| checked.check.pk).collect();
    let mut tx = ledger.begin().await?;
    batch::goes_on(&mut tx, learning.batch).await?;
    home::written_by(&mut tx, learning.policy).await?;
    let mut folios = load::by_pk(&mut tx, &pks, Attempts::All).await?;
    load::said(&mut tx, learning.batch, &mut folios).await?;
    let mut book = Book::new(folios);
    let ended = book.settle(checked, learning)?;
    write::folios(&mut tx, &book.folios, learning.now()).await?;
    write::verdicts(&mut tx, &book.folios).await?;
    tx.commit().await.doing("commit what was settled")?;
    Ok(ended)
}
