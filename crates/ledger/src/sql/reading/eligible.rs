//! The orders that a batch would restart now, in its order: an operator's retries first, then the longest due.
//!
//! As for a batch, each failure status is read from its own stretch of an index, and all of them together from another.

use crate::contract::Result;
use crate::db::{Conn, Query, Value};
use crate::error::Doing;
use crate::rows::{self, Fields};
use crate::sql::SqlLedger;
use crate::{COUNTED, EligibleFilter, OrderRow, Total};

pub(super) async fn list(
    ledger: &SqlLedger,
    filter: &EligibleFilter,
    limit: u32,
) -> Result<(Vec<OrderRow>, Total)> {
    // No order was restarted less often than never: looking for one would go through them all.
    if filter.max_retries == 0 {
        return Ok((Vec::new(), Total::of(0)));
    }
    let mut conn = ledger.read().await?;
    let (mut orders, mut count) = (Vec::new(), 0);
    for stretch in stretches(filter) {
        let mut query = Query::new("SELECT *");
        stretch.push(&mut query, filter);
        query.push(stretch.order()).push(" LIMIT ").bind(limit);
        let (statement, args) = query.build();
        let found = conn.all(statement, args).await;
        for row in &found.doing("list orders that are due")? {
            orders.push(rows::order(row)?.row);
        }
        count += self::count(&mut conn, &stretch, filter).await?;
    }
    orders.sort_by_key(|order| (!order.manual, order.due_at));
    orders.truncate(limit as usize);
    Ok((orders, Total::of(count)))
}

async fn count(conn: &mut Conn, stretch: &Stretch<'_>, filter: &EligibleFilter) -> Result<u64> {
    let mut query = Query::new("SELECT count(*) AS count FROM (SELECT 1");
    stretch.push(&mut query, filter);
    let limit = i64::try_from(COUNTED).unwrap_or(i64::MAX) + 1;
    query.push(" LIMIT ").bind(limit).push(") AS due");
    let (statement, args) = query.build();
    let found = conn.one(statement, args).await;
    found.doing("count orders that are due")?.count("count")
}

/// A part of the orders that lies together in an index.
enum Stretch<'a> {
    /// All of them.
    All,
    /// An operator's retries of those statuses.
    Manual(&'a [String]),
    /// The others of one status.
    OfStatus(&'a str),
}

fn stretches(filter: &EligibleFilter) -> Vec<Stretch<'_>> {
    let statuses = &filter.failure_statuses;
    if statuses.is_empty() {
        return vec![Stretch::All];
    }
    let others = statuses.iter().map(|status| Stretch::OfStatus(status));
    std::iter::once(Stretch::Manual(statuses))
        .chain(others)
        .collect()
}

impl Stretch<'_> {
    /// Where its orders are, and which they are.
    fn push(&self, query: &mut Query, filter: &EligibleFilter) {
        match self {
            Self::All => {
                query.push(
                    " FROM orders INDEXED BY orders_due WHERE state = 'failed' AND (eligible = 1 OR manual = 1)",
                );
            }
            Self::Manual(statuses) => {
                query.push(
                    " FROM orders INDEXED BY orders_due WHERE state = 'failed' AND (eligible = 1 OR manual = 1)
                      AND manual = 1 AND failure_status IN (SELECT value FROM json_each(",
                );
                query.bind(Value::texts(*statuses)).push("))");
            }
            Self::OfStatus(status) => {
                query.push(
                    " FROM orders INDEXED BY orders_due_by_status WHERE state = 'failed' AND eligible = 1 AND manual = 0
                      AND failure_status = ",
                );
                query.bind((*status).to_owned());
            }
        }
        query
            .push(" AND due_at <= ")
            .bind(filter.due_by.as_microsecond());
        query.push(" AND retry_count < ").bind(filter.max_retries);
    }

    /// The order of the index.
    fn order(&self) -> &'static str {
        match self {
            Self::All => " ORDER BY manual DESC, due_at",
            Self::Manual(_) | Self::OfStatus(_) => " ORDER BY due_at",
        }
    }
}
