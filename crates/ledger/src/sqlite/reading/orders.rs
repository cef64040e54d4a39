//! Orders, those whose failed run closed last first.
//!
//! A list is merged from stretches of an index that are in the order of time already: one for each pair of state and
//! failure status, or one for each failure group. So it costs as much as it shows, however many orders there are.

use redrive_core::states::State;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::beginning_with;
use crate::contract::Result;
use crate::error::Doing;
use crate::sqlite::SqliteLedger;
use crate::{OrderFilter, OrderRow, rows};

pub(super) async fn list(
    ledger: &SqliteLedger,
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
async fn groups(conn: &mut SqliteConnection, prefix: &str) -> Result<Vec<(String, String)>> {
    let (from, before) = beginning_with(prefix);
    sqlx::query_as(
        "SELECT DISTINCT failure_status, fingerprint FROM failure_groups WHERE fingerprint >= $1 AND fingerprint < $2",
    )
    .bind(from)
    .bind(before)
    .fetch_all(conn)
    .await
    .doing("look for a failure group")
}

/// The failure statuses that orders have, or the one that is asked for.
async fn statuses(conn: &mut SqliteConnection, filter: &OrderFilter) -> Result<Vec<String>> {
    if let Some(status) = &filter.failure_status {
        return Ok(vec![status.clone()]);
    }
    sqlx::query_scalar("SELECT DISTINCT failure_status FROM failure_groups")
        .fetch_all(conn)
        .await
        .doing("list failure statuses")
}

fn of_state(state: State, status: &str) -> QueryBuilder<Sqlite> {
    let mut query =
        QueryBuilder::new("SELECT * FROM orders INDEXED BY orders_listed WHERE state = ");
    query.push_bind(state.as_str());
    query
        .push(" AND failure_status = ")
        .push_bind(status.to_owned());
    query
}

fn of_customer(filter: &OrderFilter, customer: &str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "SELECT * FROM orders INDEXED BY orders_by_customer WHERE customer_id = ",
    );
    query.push_bind(customer.to_owned());
    if let Some(status) = &filter.failure_status {
        query
            .push(" AND failure_status = ")
            .push_bind(status.clone());
    }
    if let Some(group) = &filter.group {
        let (from, before) = beginning_with(group);
        query.push(" AND fingerprint >= ").push_bind(from);
        query.push(" AND fingerprint < ").push_bind(before);
    }
    in_states(query, filter)
}

fn of_group(filter: &OrderFilter, status: &str, fingerprint: &str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "SELECT * FROM orders INDEXED BY orders_by_group WHERE failure_status = ",
    );
    query.push_bind(status.to_owned());
    query
        .push(" AND fingerprint = ")
        .push_bind(fingerprint.to_owned());
    in_states(query, filter)
}

fn in_states(mut query: QueryBuilder<Sqlite>, filter: &OrderFilter) -> QueryBuilder<Sqlite> {
    if !filter.states.is_empty() {
        let mut states = query.push(" AND state IN (").separated(", ");
        for state in &filter.states {
            states.push_bind(state.as_str());
        }
        query.push(")");
    }
    query
}

async fn read(
    conn: &mut SqliteConnection,
    mut query: QueryBuilder<Sqlite>,
    filter: &OrderFilter,
    limit: u32,
) -> Result<Vec<SqliteRow>> {
    if let Some(before) = filter.failed_before {
        query
            .push(" AND failed_at < ")
            .push_bind(before.as_microsecond());
    }
    query
        .push(" ORDER BY failed_at DESC LIMIT ")
        .push_bind(limit);
    query.build().fetch_all(conn).await.doing("list orders")
}
