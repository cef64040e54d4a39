//! Claiming: what an earlier try of the chunk left, then orders whose turn it is.

use std::collections::HashSet;

use redrive_core::ids::Home;
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::contract::Result;
use crate::error::Doing;
use crate::folio::Folio;
use crate::record::{OrderRecord, micros};
use crate::sqlite::load::{self, Attempts};
use crate::sqlite::{SqliteLedger, write};
use crate::transition::claim::{Claiming, claim as claim_order, taken_over};
use crate::{ClaimRequest, Claimed, ClaimedOrder, OrderPk, rows, wire};

pub(super) async fn claim(
    ledger: &SqliteLedger,
    policy: &Policy,
    home: &Home,
    request: &ClaimRequest,
    moment: Moment,
) -> Result<Claimed> {
    let claiming = Claiming {
        policy,
        home,
        request,
        now: micros(moment.now),
    };
    let mut tx = ledger.begin().await?;
    let inherited = inherited(&mut tx, &claiming).await?;
    let done = done(&mut tx, request).await?;
    let room = (request.limit as usize).saturating_sub(done as usize + inherited.len());
    let fresh = fresh(&mut tx, &claiming, room).await?;
    tx.commit().await.doing("commit a claim")?;
    Ok(Claimed {
        inherited,
        fresh,
        done,
    })
}

/// The chunk's own claims, under new fences.
async fn inherited(
    conn: &mut SqliteConnection,
    claiming: &Claiming<'_>,
) -> Result<Vec<ClaimedOrder>> {
    let found = sqlx::query(
        "UPDATE orders SET fence = fence + 1, updated_at = $3
         WHERE state = 'claimed' AND claim_batch = $1 AND claim_chunk = $2 RETURNING *",
    )
    .bind(claiming.request.batch.as_str())
    .bind(claiming.request.chunk)
    .bind(claiming.now.as_microsecond())
    .fetch_all(&mut *conn)
    .await
    .doing("take over an earlier try's claims")?;
    let mut folios = load::with_attempts(conn, &found, Attempts::Open).await?;
    folios.sort_by_key(|folio| folio.order.row.pk);
    Ok(folios
        .iter_mut()
        .map(|folio| taken_over(folio, claiming.policy))
        .collect())
}

/// How many orders of the chunk have their verdict, and are not claimed any more.
async fn done(conn: &mut SqliteConnection, request: &ClaimRequest) -> Result<u32> {
    sqlx::query_scalar(
        "SELECT count(*) FROM verdicts AS v INDEXED BY verdicts_by_chunk JOIN orders AS o ON o.id = v.order_pk
         WHERE v.batch_id = $1 AND v.chunk = $2 AND o.claim_batch IS NOT v.batch_id",
    )
    .bind(request.batch.as_str())
    .bind(request.chunk)
    .fetch_one(conn)
    .await
    .doing("count what an earlier try has done")
}

/// Up to `room` orders, claimed now. Candidates that are passed over make place for others.
async fn fresh(
    conn: &mut SqliteConnection,
    claiming: &Claiming<'_>,
    room: usize,
) -> Result<Vec<ClaimedOrder>> {
    let mut claimed = Vec::new();
    while claimed.len() < room {
        let wanted = room - claimed.len();
        let mut folios = candidates(conn, claiming.request, wanted).await?;
        let found = folios.len();
        let started = started(conn, &folios).await?;
        for folio in &mut folios {
            claimed.extend(claim_order(
                folio,
                started.contains(&folio.order.row.pk),
                claiming,
            )?);
        }
        write::folios(conn, &folios, claiming.now).await?;
        if found < wanted {
            break;
        }
    }
    Ok(claimed)
}

/// The orders whose failed run was started again already.
async fn started(conn: &mut SqliteConnection, folios: &[Folio]) -> Result<HashSet<OrderPk>> {
    let pks: Vec<OrderPk> = folios.iter().map(|folio| folio.order.row.pk).collect();
    let found: Vec<OrderPk> = sqlx::query_scalar(
        "SELECT o.id FROM json_each($1) AS j JOIN orders AS o ON o.id = j.value
         WHERE EXISTS (SELECT 1 FROM attempts AS a
                       WHERE a.order_pk = o.id AND a.from_run_id = o.failed_run_id AND a.run_id IS NOT NULL)",
    )
    .bind(wire::list(&pks))
    .fetch_all(conn)
    .await
    .doing("look for restarts made already")?;
    Ok(found.into_iter().collect())
}

/// Up to `limit` orders that may be claimed, an operator's retries first, then the longest due.
async fn candidates(
    conn: &mut SqliteConnection,
    request: &ClaimRequest,
    limit: usize,
) -> Result<Vec<Folio>> {
    let records = if let Some(workflow_id) = &request.only {
        let query = sqlx::query(ONLY)
            .bind(request.batch.as_str())
            .bind(request.due_by.as_microsecond());
        records(
            &query
                .bind(workflow_id.as_str())
                .fetch_all(conn)
                .await
                .doing("look for the order")?,
        )?
    } else if request.rules.failure_statuses.is_empty() {
        due(conn, DUE, request, limit).await?
    } else {
        of_statuses(conn, request, limit).await?
    };
    // A waiting order has no open attempt.
    Ok(records
        .into_iter()
        .map(|record| Folio::stored(record, Vec::new()))
        .collect())
}

async fn due(
    conn: &mut SqliteConnection,
    statement: &'static str,
    request: &ClaimRequest,
    limit: usize,
) -> Result<Vec<OrderRecord>> {
    let query = sqlx::query(statement)
        .bind(request.batch.as_str())
        .bind(request.due_by.as_microsecond());
    records(
        &query
            .bind(limit as i64)
            .fetch_all(conn)
            .await
            .doing("look for orders that are due")?,
    )
}

/// As [`due`], for the batch's own statuses: each status is an index of its own.
async fn of_statuses(
    conn: &mut SqliteConnection,
    request: &ClaimRequest,
    limit: usize,
) -> Result<Vec<OrderRecord>> {
    let mut manual = due(conn, DUE_MANUAL, request, limit).await?;
    let statuses: HashSet<&String> = request.rules.failure_statuses.iter().collect();
    let mut others = Vec::new();
    for status in statuses {
        let query = sqlx::query(DUE_BY_STATUS)
            .bind(request.batch.as_str())
            .bind(request.due_by.as_microsecond());
        let query = query.bind(limit as i64).bind(status);
        others.extend(records(
            &query
                .fetch_all(&mut *conn)
                .await
                .doing("look for orders of a status")?,
        )?);
    }
    others.sort_by_key(|record| (record.row.due_at, record.row.pk));
    manual.extend(others);
    manual.truncate(limit);
    Ok(manual)
}

fn records(found: &[SqliteRow]) -> Result<Vec<OrderRecord>> {
    found.iter().map(rows::order).collect()
}

pub(super) const DUE: &str = "\
SELECT * FROM orders INDEXED BY orders_due
WHERE state = 'failed' AND (eligible = 1 OR manual = 1) AND due_at <= $2 AND last_batch IS NOT $1
ORDER BY manual DESC, due_at LIMIT $3";

pub(super) const DUE_MANUAL: &str = "\
SELECT * FROM orders INDEXED BY orders_due
WHERE state = 'failed' AND (eligible = 1 OR manual = 1) AND manual = 1 AND due_at <= $2 AND last_batch IS NOT $1
ORDER BY due_at LIMIT $3";

pub(super) const DUE_BY_STATUS: &str = "\
SELECT * FROM orders INDEXED BY orders_due_by_status
WHERE state = 'failed' AND failure_status = $4 AND manual = 0 AND due_at <= $2 AND last_batch IS NOT $1
ORDER BY due_at LIMIT $3";

const ONLY: &str = "\
SELECT * FROM orders
WHERE workflow_id = $3 AND state = 'failed' AND last_batch IS NOT $1 AND (manual = 1 OR due_at <= $2)";
