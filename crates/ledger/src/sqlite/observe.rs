//! The one door: failures are recorded once each, and take effect now or when their order is free.

use std::collections::{BTreeSet, HashSet};

use redrive_core::ids::{RunId, WorkflowId};
use sqlx::SqliteConnection;

use crate::book::Book;
use crate::contract::Result;
use crate::error::Doing;
use crate::folio::Learning;
use crate::record::Seen;
use crate::rows::Fields;
use crate::sqlite::load::{self, Attempts};
use crate::sqlite::{SqliteLedger, batch, write};
use crate::{Failure, ObserveSummary, OrderPk, rows, wire};

/// How many pending failures one transaction takes up.
const PENDING_PAGE: usize = 1000;

pub(super) async fn unknown_runs(
    conn: &mut SqliteConnection,
    runs: &[RunId],
) -> Result<Vec<RunId>> {
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT j.value FROM json_each($1) AS j
         WHERE NOT EXISTS (SELECT 1 FROM failures AS f WHERE f.run_id = j.value) ORDER BY j.key",
    )
    .bind(wire::list(runs))
    .fetch_all(conn)
    .await
    .doing("look for known runs")?;
    Ok(found.into_iter().map(RunId::from).collect())
}

pub(super) async fn observe(
    ledger: &SqliteLedger,
    failures: &[Failure],
    learning: &Learning<'_>,
) -> Result<ObserveSummary> {
    let keep = learning.policy.keep_start_requests;
    let seen: Vec<Seen> = failures
        .iter()
        .map(|failure| Seen::new(failure, keep, learning.now()))
        .collect::<Result<_>>()?;
    let runs: Vec<RunId> = failures
        .iter()
        .map(|failure| failure.run_id.clone())
        .collect();
    let orders: BTreeSet<&WorkflowId> = failures
        .iter()
        .map(|failure| &failure.workflow_id)
        .collect();
    let orders: Vec<&WorkflowId> = orders.into_iter().collect();

    let mut tx = ledger.begin().await?;
    batch::goes_on(&mut tx, learning.batch).await?;
    let unknown: HashSet<RunId> = unknown_runs(&mut tx, &runs).await?.into_iter().collect();
    if unknown.is_empty() {
        return Ok(ObserveSummary::default());
    }
    let mut folios = load::by_workflow(&mut tx, &orders, Attempts::All).await?;
    load::said(&mut tx, learning.batch, &mut folios).await?;
    let mut book = Book::new(folios);
    let last = last_order(&mut tx).await?;
    let summary = book.observe(failures.iter().zip(seen), unknown, last + 1.., learning)?;
    write::folios(&mut tx, &book.folios, learning.now()).await?;
    write::verdicts(&mut tx, &book.folios).await?;
    tx.commit().await.doing("commit observed failures")?;
    Ok(summary)
}

async fn last_order(conn: &mut SqliteConnection) -> Result<OrderPk> {
    sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM orders")
        .fetch_one(conn)
        .await
        .doing("read the last order")
}

pub(super) async fn observe_pending(
    ledger: &SqliteLedger,
    learning: &Learning<'_>,
) -> Result<ObserveSummary> {
    let mut sum = ObserveSummary::default();
    loop {
        let (summary, found, taken_up) = take_up(ledger, learning).await?;
        sum.failed_again += summary.failed_again;
        if found < PENDING_PAGE || taken_up == 0 {
            return Ok(sum);
        }
    }
}

async fn take_up(
    ledger: &SqliteLedger,
    learning: &Learning<'_>,
) -> Result<(ObserveSummary, usize, u64)> {
    if pending(&mut *ledger.read().await?).await?.is_empty() {
        return Ok(Default::default());
    }
    let mut tx = ledger.begin().await?;
    batch::goes_on(&mut tx, learning.batch).await?;
    let pending = pending(&mut tx).await?;
    let found = pending.len();
    let pks: BTreeSet<OrderPk> = pending.iter().map(|(pk, _)| *pk).collect();
    let pks: Vec<OrderPk> = pks.into_iter().collect();
    let mut folios = load::by_pk(&mut tx, &pks, Attempts::All).await?;
    load::said(&mut tx, learning.batch, &mut folios).await?;
    let mut book = Book::new(folios);
    let (summary, taken_up) = book.take_up(pending, learning)?;
    write::folios(&mut tx, &book.folios, learning.now()).await?;
    write::verdicts(&mut tx, &book.folios).await?;
    tx.commit().await.doing("commit pending failures")?;
    Ok((summary, found, taken_up))
}

/// Pending failures that need wait no longer, the earliest close first: all but those of claimed orders, and those that
/// closed beside a chain that is followed.
async fn pending(conn: &mut SqliteConnection) -> Result<Vec<(OrderPk, Seen)>> {
    let found = sqlx::query(
        "SELECT f.* FROM failures AS f INDEXED BY failures_pending JOIN orders AS o ON o.id = f.order_pk
         WHERE f.pending = 1 AND o.state <> 'claimed'
           AND (o.state <> 'in_flight' OR f.first_run_id = o.followed_run_id OR f.closed_at <= o.followed_since)
         ORDER BY f.closed_at LIMIT $1",
    )
    .bind(PENDING_PAGE as i64)
    .fetch_all(conn)
    .await
    .doing("read pending failures")?;
    found
        .iter()
        .map(|row| Ok((row.int("order_pk")?, rows::seen(row)?)))
        .collect()
}
