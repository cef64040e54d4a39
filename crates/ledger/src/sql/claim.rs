//! Claiming: what an earlier try of the chunk left, then orders whose turn it is.

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
use crate::{ClaimRequest, Claimed, ClaimedOrder};

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
    let fresh = fresh(&mut tx, &claiming, room).await?;
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
