//! A full disk, for tests: while the fail point `ledger-full` is set, the file may not grow by a page.

use sqlx::{AssertSqlSafe, SqlitePool};

/// The limit that SQLite has by itself.
const NO_LIMIT: u32 = 0xffff_fffe;

/// Sets the limit on the connection that writes: SQLite keeps it for each by itself, and never below the file's size.
pub(super) async fn limit(writer: &SqlitePool) -> Result<(), sqlx::Error> {
    let pages = if is_full() { 1 } else { NO_LIMIT };
    let limit = AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::query(limit).execute(writer).await?;
    Ok(())
}

fn is_full() -> bool {
    fail::fail_point!("ledger-full", |_| true);
    false
}
