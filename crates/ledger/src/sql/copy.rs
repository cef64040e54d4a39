//! A copy of a ledger for a rehearsal: always a file, whatever the ledger is in. The tables are the same.

use std::path::Path;
use std::sync::Arc;

use sqlx::postgres::PgPool;

use super::SqlLedger;
use super::connect::Place;
use crate::Copied;
use crate::contract::Result;
use crate::db::{Conn, Tx, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::url::LedgerUrl;

/// The copy's name in its folder.
const COPY: &str = "rehearsal.db";

/// Rows that are in memory at once.
const PAGE: usize = 1000;

/// Reads one moment of the ledger and writes nothing to it; others go on beside it.
pub(super) async fn copy_to(ledger: &SqlLedger, folder: &Path) -> Result<Copied> {
    let path = folder.join(COPY);
    let copy = match &ledger.place {
        Place::File(file) => {
            // Outside of a transaction, on the connection that may write.
            let conn = file.writer.acquire().await.doing("take the connection")?;
            Conn::sqlite(conn)
                .run("VACUUM INTO $1", args![path.to_string_lossy().as_ref()])
                .await
                .doing("copy itself for a rehearsal")?;
            SqlLedger::connect(&LedgerUrl::from(path)).await?
        }
        Place::Server(pool) => {
            let copy = SqlLedger::open_at(&LedgerUrl::from(path)).await?;
            fill(pool, &copy).await?;
            copy
        }
    };
    Ok(Copied {
        ledger: Arc::new(copy.clone()),
        reader: Arc::new(copy),
    })
}

/// Fills an empty ledger with what stands in the database at one moment. No right to write there is needed.
async fn fill(pool: &PgPool, copy: &SqlLedger) -> Result<()> {
    let snapshot = pool
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await;
    let mut from = Tx::postgres(snapshot.doing("begin to copy itself")?);
    let mut to = copy.begin().await?;
    // Rows refer to each other, and come table by table.
    to.run("PRAGMA defer_foreign_keys = on", args![])
        .await
        .doing("begin a copy")?;
    for table in tables(&mut to).await? {
        copy_table(&mut from, &mut to, &table).await?;
    }
    to.commit().await.doing("finish a copy")
}

/// The tables to be copied: all but the counters, which the copy's own triggers keep as far as a rehearsal asks for them, and what
/// is about people's access. Orders come first: triggers look at them.
async fn tables(to: &mut Conn) -> Result<Vec<String>> {
    let found = to
        .all(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
               AND name NOT IN ('order_counts', 'attempt_counts', 'failure_groups', 'failure_hours', 'dead_letter_counts',
                                'verdict_counts', 'outcome_counts', 'recovery_counts', 'open_orders', 'tokens',
                                'web_sessions', 'api_requests')
             ORDER BY name <> 'orders', name",
            args![],
        )
        .await
        .doing("list the tables")?;
    found.iter().map(|row| row.text("name")).collect()
}

/// Table and column names are the schema's, never a user's.
async fn copy_table(from: &mut Conn, to: &mut Conn, table: &str) -> Result<()> {
    let columns = to
        .all(
            "SELECT name FROM pragma_table_info($1) ORDER BY cid",
            args![table],
        )
        .await
        .doing("list the columns")?;
    let columns: Vec<String> = columns
        .iter()
        .map(|row| row.text("name"))
        .collect::<Result<_>>()?;
    let list = columns.join(", ");
    let numbers: Vec<String> = (1..=columns.len())
        .map(|number| format!("${number}"))
        .collect();
    // Some rows are there from the beginning.
    let insert = format!(
        "INSERT OR REPLACE INTO {table} ({list}) VALUES ({})",
        numbers.join(", ")
    );
    let declare = format!("DECLARE copy_{table} NO SCROLL CURSOR FOR SELECT {list} FROM {table}");
    from.run(declare, args![]).await.doing("read a table")?;
    loop {
        let fetch = format!("FETCH {PAGE} FROM copy_{table}");
        let page = from.all(fetch, args![]).await.doing("read a table")?;
        for row in &page {
            to.run(insert.clone(), row.copied()?)
                .await
                .doing("copy a row")?;
        }
        if page.len() < PAGE {
            return Ok(());
        }
    }
}
