//! The orders whose turn it is, read from the indexes that hold them in that order.

use std::collections::BTreeSet;

use crate::ClaimRequest;
use crate::contract::Result;
use crate::db::{Conn, Row, Statement, args};
use crate::error::Doing;
use crate::folio::Folio;
use crate::rows::Fields;
use crate::sql::load::{self, Attempts};

/// Up to `limit` orders that may be claimed, an operator's retries first, then the longest due.
pub(super) async fn page(
    conn: &mut Conn,
    request: &ClaimRequest,
    limit: usize,
) -> Result<Vec<Folio>> {
    let found = match (&request.only, &request.operation) {
        (Some(only), _) => select(conn, ONLY, request, limit, only.as_str()).await?,
        (None, Some(operation)) => select(conn, TAKEN, request, limit, operation.as_str()).await?,
        (None, None) if request.rules.failure_statuses.is_empty() => {
            select(conn, DUE, request, limit, "").await?
        }
        (None, None) => of_statuses(conn, request, limit).await?,
    };
    load::with_attempts(conn, &found, Attempts::OfFailedRun).await
}

/// For a batch with statuses of its own: each is read from its own stretch of an index.
async fn of_statuses(conn: &mut Conn, request: &ClaimRequest, limit: usize) -> Result<Vec<Row>> {
    let mut found = select(conn, DUE_MANUAL, request, limit, "").await?;
    let statuses: BTreeSet<&String> = request.rules.failure_statuses.iter().collect();
    let mut others = Vec::new();
    for status in statuses {
        for row in select(conn, DUE_BY_STATUS, request, limit, status).await? {
            others.push((row.int("due_at")?, row));
        }
    }
    others.sort_by_key(|(due_at, _)| *due_at);
    found.extend(others.into_iter().map(|(_, row)| row));
    found.truncate(limit);
    Ok(found)
}

async fn select(
    conn: &mut Conn,
    statement: &'static str,
    request: &ClaimRequest,
    limit: usize,
    which: &str,
) -> Result<Vec<Row>> {
    // Orders that somebody is deciding about just then are not waited for.
    let statement = Statement::both(statement).locked("FOR NO KEY UPDATE OF o SKIP LOCKED");
    conn.all(
        statement,
        args![
            request.batch.as_str(),
            request.due_by.as_microsecond(),
            limit as i64,
            which
        ],
    )
    .await
    .doing("look for orders whose turn it is")
}

/// `last_batch` keeps a batch from an order that it has passed over; its verdict from one that it has handled, also where
/// another batch has handled it since.
///
/// That verdict is one of the few that the order has, and it is looked up among those. PostgreSQL's statistics do not know of a
/// batch that has just begun: with NOT EXISTS, or by an index that begins with the batch (which `|| ''` keeps it from), it
/// reads for each order all that the batch has done; and with IS NULL it takes nearly every order for handled, and sorts the
/// backlog for a page of it.
macro_rules! turn {
    ($from:literal, $which:literal, $order:literal) => {
        concat!(
            "SELECT * FROM orders AS o ",
            $from,
            " WHERE state = 'failed' AND ",
            $which,
            " AND last_batch IS DISTINCT FROM $1
                AND coalesce((SELECT 1 FROM verdicts AS v WHERE v.order_pk = o.id AND v.batch_id || '' = $1), 0) <> 1 ",
            $order,
            " LIMIT $3"
        )
    };
}

// In all of them: $1 the batch, $2 due by when, $3 how many, $4 the order, the status or the operation.

const DUE: &str = turn!(
    "INDEXED BY orders_due",
    "(eligible = 1 OR manual = 1) AND due_at <= $2 AND $4 = ''",
    "ORDER BY manual DESC, due_at"
);

const DUE_MANUAL: &str = turn!(
    "INDEXED BY orders_due",
    "(eligible = 1 OR manual = 1) AND manual = 1 AND due_at <= $2 AND $4 = ''",
    "ORDER BY due_at"
);

const DUE_BY_STATUS: &str = turn!(
    "INDEXED BY orders_due_by_status",
    "failure_status = $4 AND manual = 0 AND due_at <= $2",
    "ORDER BY due_at"
);

const ONLY: &str = turn!("", "workflow_id = $4 AND (manual = 1 OR due_at <= $2)", "");

/// What an operation has taken: a page of it at most.
const TAKEN: &str = "\
SELECT o.* FROM operation_items AS i INDEXED BY operation_items_waiting JOIN orders AS o ON o.id = i.order_pk
WHERE i.operation_id = $4 AND i.state = 'resolved' AND o.state = 'failed' AND o.manual = 1 AND o.generation = i.generation
    AND (o.item_errors = 0 OR o.due_at <= $2) AND o.last_batch IS DISTINCT FROM $1
    AND coalesce((SELECT 1 FROM verdicts AS v WHERE v.order_pk = o.id AND v.batch_id || '' = $1), 0) <> 1
ORDER BY i.order_pk LIMIT $3";

/// The statements that must be answered from an index in its order.
#[cfg(test)]
pub(super) const INDEXED: [&str; 3] = [DUE, DUE_MANUAL, DUE_BY_STATUS];
