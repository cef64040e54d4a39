//! Everything known of orders, a table at a time for many orders at once.

use std::collections::HashMap;

use redrive_core::ids::WorkflowId;

use crate::contract::Result;
use crate::db::{Conn, Row, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::SqlLedger;
use crate::sql::load::{self, Attempts};
use crate::{OrderPk, Story, rows};

pub(super) async fn story(ledger: &SqlLedger, workflow_id: &WorkflowId) -> Result<Option<Story>> {
    let mut conn = ledger.read().await?;
    let found = conn
        .all(
            "SELECT * FROM orders WHERE workflow_id = $1",
            args![workflow_id.as_str()],
        )
        .await
        .doing("read an order")?;
    Ok(stories(&mut conn, &found).await?.pop())
}

pub(super) async fn stories_after(
    ledger: &SqlLedger,
    after: Option<&WorkflowId>,
    limit: u32,
) -> Result<Vec<Story>> {
    let mut conn = ledger.read().await?;
    let found = conn
        .all(
            "SELECT * FROM orders WHERE workflow_id > $1 ORDER BY workflow_id LIMIT $2",
            args![after.map_or("", WorkflowId::as_str), limit],
        )
        .await
        .doing("read orders")?;
    stories(&mut conn, &found).await
}

async fn stories(conn: &mut Conn, found: &[Row]) -> Result<Vec<Story>> {
    let pks: Vec<OrderPk> = found
        .iter()
        .map(|row| row.int("id"))
        .collect::<Result<_>>()?;
    let mut failures = children(conn, &pks, FAILURES, rows::failure).await?;
    let mut attempts = load::attempts(conn, &pks, Attempts::All).await?;
    let mut dead_letters = children(conn, &pks, DEAD_LETTERS, rows::dead_letter).await?;
    let mut verdicts = children(conn, &pks, VERDICTS, rows::verdict).await?;
    let mut audit = children(conn, &pks, AUDIT, rows::audit_event).await?;
    let story = |(row, pk): (&Row, &OrderPk)| {
        let attempts = attempts.remove(pk).unwrap_or_default();
        Ok(Story {
            order: rows::order(row)?.row,
            failures: failures.remove(pk).unwrap_or_default(),
            attempts: attempts.into_iter().map(|record| record.attempt).collect(),
            dead_letters: dead_letters.remove(pk).unwrap_or_default(),
            verdicts: verdicts.remove(pk).unwrap_or_default(),
            audit: audit.remove(pk).unwrap_or_default(),
        })
    };
    found.iter().zip(&pks).map(story).collect()
}

async fn children<T>(
    conn: &mut Conn,
    pks: &[OrderPk],
    statement: &'static str,
    read: impl Fn(&Row) -> Result<T>,
) -> Result<HashMap<OrderPk, Vec<T>>> {
    let found = conn
        .all(statement, args![pks])
        .await
        .doing("read a story")?;
    let mut by_order: HashMap<OrderPk, Vec<T>> = HashMap::new();
    for row in &found {
        by_order
            .entry(row.int("order_pk")?)
            .or_default()
            .push(read(row)?);
    }
    Ok(by_order)
}

const FAILURES: &str = "\
SELECT f.* FROM json_each($1) AS j JOIN failures AS f ON f.order_pk = j.value ORDER BY f.closed_at, f.run_id";

const DEAD_LETTERS: &str = "\
SELECT d.*, o.workflow_id, o.order_id, o.customer_id
FROM json_each($1) AS j JOIN dead_letters AS d ON d.order_pk = j.value JOIN orders AS o ON o.id = d.order_pk
ORDER BY d.generation";

const VERDICTS: &str = "\
SELECT v.* FROM json_each($1) AS j JOIN verdicts AS v ON v.order_pk = j.value ORDER BY v.at, v.batch_id";

const AUDIT: &str = "\
SELECT a.* FROM json_each($1) AS j JOIN audit_events AS a ON a.order_pk = j.value ORDER BY a.id";
