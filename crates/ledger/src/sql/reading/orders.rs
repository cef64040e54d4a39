//! Orders, those whose failed run closed last first.
//!
//! A list is merged from stretches of an index that are in the order of time already: one for each pair of state and
//! failure status, or one for each failure group. So it costs as much as it shows, however many orders there are.

use redrive_core::states::State;

use super::beginning_with;
use crate::contract::Result;
use crate::db::{Conn, Query, Row, Value, args};
use crate::error::Doing;
use crate::rows::{self, Fields};
use crate::sql::SqlLedger;
use crate::{OrderFilter, OrderRow};

pub(super) async fn list(
    ledger: &SqlLedger,
    filter: &OrderFilter,
    limit: u32,
) -> Result<Vec<OrderRow>> {
    let mut conn = ledger.read().await?;
    let mut found = Vec::new();
    match (&filter.customer_id, &filter.group) {
        (Some(customer), _) => {
            let query = of_customer(filter, customer);
            found.extend(read(&mut conn, query, filter, limit).await?);
        }
        (None, Some(group)) => {
            for (status, fingerprint) in groups(&mut conn, group).await? {
                if filter
                    .failure_status
                    .as_ref()
                    .is_none_or(|wanted| *wanted == status)
                {
                    let query = of_group(filter, &status, &fingerprint);
                    found.extend(read(&mut conn, query, filter, limit).await?);
                }
            }
        }
        (None, None) => {
            let states = if filter.states.is_empty() {
                State::ALL
            } else {
                &filter.states
            };
            for status in statuses(&mut conn, filter).await? {
                for state in states {
                    let query = of_state(*state, &status);
                    found.extend(read(&mut conn, query, filter, limit).await?);
                }
            }
        }
    }
    let mut orders = found
        .iter()
        .map(|row| Ok(rows::order(row)?.row))
        .collect::<Result<Vec<OrderRow>>>()?;
    orders.sort_by_key(|order| std::cmp::Reverse((order.failed_at, order.pk)));
    orders.truncate(limit as usize);
    Ok(orders)
}

/// The failure status and fingerprint of the groups whose fingerprint begins so.
pub(super) async fn groups(conn: &mut Conn, prefix: &str) -> Result<Vec<(String, String)>> {
    let (from, before) = beginning_with(prefix);
    let found = conn.all("SELECT DISTINCT failure_status, fingerprint FROM failure_groups WHERE fingerprint >= $1 AND fingerprint < $2", args![from, before])
    .await
    .doing("look for a failure group")?;
    found
        .iter()
        .map(|row| Ok((row.text("failure_status")?, row.text("fingerprint")?)))
        .collect()
}

/// How many fingerprints those groups have, counted up to `most`.
pub(super) async fn fingerprints_beginning(
    ledger: &SqlLedger,
    prefix: &str,
    most: u32,
) -> Result<u64> {
    let (from, before) = beginning_with(prefix);
    let statement = "SELECT count(*) AS count FROM
         (SELECT DISTINCT fingerprint FROM failure_groups WHERE fingerprint >= $1 AND fingerprint < $2 LIMIT $3) AS matching";
    let mut conn = ledger.read().await?;
    let found = conn.one(statement, args![from, before, i64::from(most)]);
    found
        .await
        .doing("look for a failure group")?
        .count("count")
}

/// The failure statuses that orders have, or the one that is asked for.
async fn statuses(conn: &mut Conn, filter: &OrderFilter) -> Result<Vec<String>> {
    if let Some(status) = &filter.failure_status {
        return Ok(vec![status.clone()]);
    }
    let found = conn
        .all(
            "SELECT DISTINCT failure_status FROM failure_groups",
            args![],
        )
        .await
        .doing("list failure statuses")?;
    found.iter().map(|row| row.text("failure_status")).collect()
}

fn of_state(state: State, status: &str) -> Query {
    let mut query = Query::new("SELECT * FROM orders INDEXED BY orders_listed WHERE state = ");
    query.bind(state.as_str());
    query.push(" AND failure_status = ").bind(status.to_owned());
    query
}

fn of_customer(filter: &OrderFilter, customer: &str) -> Query {
    let mut query =
        Query::new("SELECT * FROM orders INDEXED BY orders_by_customer WHERE customer_id = ");
    query.bind(customer.to_owned());
    if let Some(status) = &filter.failure_status {
        query.push(" AND failure_status = ").bind(status.clone());
    }
    if let Some(group) = &filter.group {
        let (from, before) = beginning_with(group);
        query.push(" AND fingerprint >= ").bind(from);
        query.push(" AND fingerprint < ").bind(before);
    }
    in_states(query, filter)
}

fn of_group(filter: &OrderFilter, status: &str, fingerprint: &str) -> Query {
    let mut query =
        Query::new("SELECT * FROM orders INDEXED BY orders_by_group WHERE failure_status = ");
    query.bind(status.to_owned());
    query
        .push(" AND fingerprint = ")
        .bind(fingerprint.to_owned());
    in_states(query, filter)
}

fn in_states(mut query: Query, filter: &OrderFilter) -> Query {
    if !filter.states.is_empty() {
        let states = filter.states.iter().map(|state| state.as_str());
        query
            .push(" AND state IN (SELECT value FROM json_each(")
            .bind(Value::texts(states))
            .push("))");
    }
    query
}

async fn read(
    conn: &mut Conn,
    mut query: Query,
    filter: &OrderFilter,
    limit: u32,
) -> Result<Vec<Row>> {
    if let Some(before) = filter.failed_before {
        query
            .push(" AND failed_at < ")
            .bind(before.as_microsecond());
    }
    if let Some((failed_at, pk)) = filter.after {
        query
            .push(" AND (failed_at, id) < (")
            .bind(failed_at.as_microsecond());
        query.push(", ").bind(pk).push(")");
    }
    query
        .push(" ORDER BY failed_at DESC, id DESC LIMIT ")
        .bind(limit);
    let (statement, args) = query.build();
    conn.all(statement, args).await.doing("list orders")
}
