//! The one door: failures are recorded once each, and take effect now or when their order is free.

use std::collections::{BTreeSet, HashSet};

use redrive_core::ids::{BatchId, RunId, WorkflowId};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;

use crate::book::Book;
use crate::contract::Result;
use crate::db::{Conn, Value, args};
use crate::error::Doing;
use crate::folio::Learning;
use crate::record::Seen;
use crate::rows::Fields;
use crate::sql::load::{self, Attempts};
use crate::sql::{SqlLedger, batch, home, write};
use crate::transition::observe::{first, report as report_to};
use crate::{Failure, ObserveSummary, OrderPk, rows};

/// Whoever reports is no batch; nothing is written under this name.
const NO_BATCH: &str = "report";
/// How many pending failures one transaction takes up.
const PENDING_PAGE: usize = 1000;

pub(super) async fn unknown_runs(conn: &mut Conn, runs: &[RunId]) -> Result<Vec<RunId>> {
    let found = conn
        .all(
            "SELECT f.run_id FROM json_each($1) AS j JOIN failures AS f ON f.run_id = j.value",
            args![Value::texts(runs.iter().map(RunId::as_str))],
        )
        .await
        .doing("look for known runs")?;
    let known: HashSet<RunId> = found
        .iter()
        .map(|row| row.id("run_id"))
        .collect::<Result<_>>()?;
    let unknown = runs.iter().filter(|run| !known.contains(run));
    Ok(unknown.cloned().collect())
}

pub(super) async fn observe(
    ledger: &SqlLedger,
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
    // Two scans may see the same new order at once; there is no row yet that one could lock.
    tx.lock("observe").await.doing("wait for another scan")?;
    batch::goes_on(&mut tx, learning.batch).await?;
    home::written_by(&mut tx, learning.policy).await?;
    let mut folios = load::by_workflow(&mut tx, &orders, Attempts::All).await?;
    // Asked only now: a failure of a known order is recorded by whoever has locked the order.
    let unknown: HashSet<RunId> = unknown_runs(&mut tx, &runs).await?.into_iter().collect();
    if unknown.is_empty() {
        tx.end().await.doing("leave known failures")?;
        return Ok(ObserveSummary::default());
    }
    load::said(&mut tx, learning.batch, &mut folios).await?;
    let mut book = Book::new(folios);
    let last = last_order(&mut tx).await?;
    let summary = book.observe(failures.iter().zip(seen), unknown, last + 1.., learning)?;
    write::folios(&mut tx, &book.folios, learning.now()).await?;
    write::verdicts(&mut tx, &book.folios).await?;
    tx.commit().await.doing("commit observed failures")?;
    Ok(summary)
}

pub(super) async fn report(
    ledger: &SqlLedger,
    policy: &Policy,
    failure: &Failure,
    moment: Moment,
) -> Result<bool> {
    let learning = Learning {
        policy,
        batch: &BatchId::from(NO_BATCH),
        chunk: None,
        moment,
    };
    let seen = Seen::new(failure, policy.keep_start_requests, learning.now())?;
    let mut tx = ledger.begin().await?;
    tx.lock("observe").await.doing("wait for a scan")?;
    home::written_by(&mut tx, policy).await?;
    let mut folios = load::by_workflow(&mut tx, &[&failure.workflow_id], Attempts::All).await?;
    let run = std::slice::from_ref(&failure.run_id);
    if unknown_runs(&mut tx, run).await?.is_empty() {
        tx.end().await.doing("leave a known failure")?;
        return Ok(false);
    }
    match folios.first_mut() {
        Some(folio) => report_to(folio, seen, &learning)?,
        None => {
            let pk = last_order(&mut tx).await? + 1;
            folios.push(first(pk, failure, seen, &learning));
        }
    }
    write::folios(&mut tx, &folios, learning.now()).await?;
    tx.commit().await.doing("commit a reported failure")?;
    Ok(true)
}

async fn last_order(conn: &mut Conn) -> Result<OrderPk> {
    let last = conn
        .one("SELECT coalesce(max(id), 0) AS id FROM orders", args![])
        .await
        .doing("read the last order")?;
    last.int("id")
}

pub(super) async fn observe_pending(
    ledger: &SqlLedger,
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
    ledger: &SqlLedger,
    learning: &Learning<'_>,
) -> Result<(ObserveSummary, usize, u64)> {
    if pending(&mut ledger.read().await?).await?.is_empty() {
        return Ok(Default::default());
    }
    let mut tx = ledger.begin().await?;
    batch::goes_on(&mut tx, learning.batch).await?;
    home::written_by(&mut tx, learning.policy).await?;
    let pks: BTreeSet<OrderPk> = pending(&mut tx).await?.iter().map(|(pk, _)| *pk).collect();
    let locked: Vec<OrderPk> = pks.iter().copied().collect();
    let mut folios = load::by_pk(&mut tx, &locked, Attempts::All).await?;
    // Read again, now that nobody else changes these orders.
    let mut pending = pending(&mut tx).await?;
    let found = pending.len();
    pending.retain(|(pk, _)| pks.contains(pk));
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
async fn pending(conn: &mut Conn) -> Result<Vec<(OrderPk, Seen)>> {
    let found = conn.all("SELECT f.* FROM failures AS f INDEXED BY failures_pending JOIN orders AS o ON o.id = f.order_pk
         WHERE f.pending = 1 AND o.state <> 'claimed'
           AND (o.state <> 'in_flight' OR f.first_run_id = o.followed_run_id OR f.closed_at <= o.followed_since)
         ORDER BY f.closed_at LIMIT $1", args![PENDING_PAGE as i64])
    .await
    .doing("read pending failures")?;
    found
        .iter()
        .map(|row| Ok((row.int("order_pk")?, rows::seen(row)?)))
        .collect()
}
