//! Claiming: what an earlier try of the chunk left, then orders whose turn it is.

use std::collections::HashMap;

use redrive_core::ids::Home;
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;

use crate::contract::Result;
use crate::db::{Conn, args};
use crate::error::Doing;
use crate::record::micros;
use crate::rows::Fields;
use crate::sql::load::{self, Attempts};
use crate::sql::{SqlLedger, batch, candidates, write};
use crate::transition::claim::{Claiming, claim as claim_order, taken_over};
use crate::{ClaimRequest, Claimed, ClaimedOrder, OrderPk, Plan, StoredRequest};

/// How many candidates are read at least: most may be passed over when only little room is left.
const SMALLEST_PAGE: usize = 100;

pub(super) async fn claim(
    ledger: &SqlLedger,
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
    // A chunk that gets less than it asks for is its batch's last, so it must not miss orders only because another claim has
    // locked more than it takes: claims take turns. Each takes milliseconds, for a hundred orders or more.
    tx.lock("claim").await.doing("wait for another claim")?;
    batch::goes_on(&mut tx, &request.batch).await?;
    let inherited = inherited(&mut tx, &claiming).await?;
    let done = done(&mut tx, request).await?;
    let room = (request.limit as usize).saturating_sub(done as usize + inherited.len());
    let mut fresh = fresh(&mut tx, &claiming, room).await?;
    with_start_requests(&mut tx, &mut fresh).await?;
    tx.commit().await.doing("commit a claim")?;
    Ok(Claimed {
        inherited,
        fresh,
        done,
    })
}

/// The chunk's own claims, under new fences.
async fn inherited(conn: &mut Conn, claiming: &Claiming<'_>) -> Result<Vec<ClaimedOrder>> {
    let found = conn
        .all(
            "UPDATE orders SET fence = fence + 1, updated_at = $3
         WHERE state = 'claimed' AND claim_batch = $1 AND claim_chunk = $2 RETURNING *",
            args![
                claiming.request.batch.as_str(),
                claiming.request.chunk,
                claiming.now.as_microsecond()
            ],
        )
        .await
        .doing("take over an earlier try's claims")?;
    let mut folios = load::with_attempts(conn, &found, Attempts::OfFailedRun).await?;
    folios.sort_by_key(|folio| folio.order.row.pk);
    Ok(folios
        .iter_mut()
        .map(|folio| taken_over(folio, claiming.policy))
        .collect())
}

/// How many orders of the chunk have their verdict, and are not claimed any more.
async fn done(conn: &mut Conn, request: &ClaimRequest) -> Result<u32> {
    let found = conn.one("SELECT count(*) AS count FROM verdicts AS v INDEXED BY verdicts_by_chunk JOIN orders AS o ON o.id = v.order_pk
         WHERE v.batch_id = $1 AND v.chunk = $2 AND o.claim_batch IS DISTINCT FROM v.batch_id", args![request.batch.as_str(), request.chunk])
    .await
    .doing("count what an earlier try has done")?;
    found.number("count")
}

/// Gives those that are to be started again their start requests, by one statement instead of one for each.
async fn with_start_requests(conn: &mut Conn, claimed: &mut [ClaimedOrder]) -> Result<()> {
    let restarts = claimed
        .iter()
        .filter(|order| matches!(order.plan, Plan::Restart { .. }));
    let pks: Vec<OrderPk> = restarts.map(|order| order.pk).collect();
    if pks.is_empty() {
        return Ok(());
    }
    let found = conn
        .all(START_REQUESTS, args![pks, MOST_BYTES])
        .await
        .doing("read start requests")?;
    let mut requests = HashMap::new();
    for row in &found {
        requests.insert(
            row.int("order_pk")?,
            StoredRequest::new(row.bytes("request")?),
        );
    }
    for order in claimed {
        order.start_request = requests.remove(&order.pk);
    }
    Ok(())
}

/// A start request is short up to so many bytes, compressed. Those of a sample's order are a twentieth of it.
const MOST_BYTES: i64 = 16 << 10;

const START_REQUESTS: &str = "\
SELECT s.order_pk, s.request FROM json_each($1) AS j JOIN orders AS o ON o.id = j.value
JOIN start_requests AS s ON s.order_pk = o.id AND s.run_id = o.failed_run_id WHERE length(s.request) <= $2";

/// Up to `room` orders, claimed now. Candidates that are passed over make place for others.
async fn fresh(conn: &mut Conn, claiming: &Claiming<'_>, room: usize) -> Result<Vec<ClaimedOrder>> {
    let mut claimed = Vec::new();
    while claimed.len() < room {
        let page = (room - claimed.len()).max(SMALLEST_PAGE);
        let mut folios = candidates::page(conn, claiming.request, page).await?;
        for folio in &mut folios {
            if claimed.len() < room {
                claimed.extend(claim_order(folio, claiming)?);
            }
        }
        write::folios(conn, &folios, claiming.now).await?;
        if folios.len() < page {
            break;
        }
    }
    Ok(claimed)
}
