//! A ledger in a file of SQLite: its folder, its pragmas, its two pools.

use std::path::Path;
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};

use crate::LedgerError;
use crate::contract::Result;

/// How long a statement waits for another process's transaction. Ours take milliseconds; a backup may take seconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pages of the log after which what it holds is written into the file itself, 16 MB: what many orders change, a page of an index, is
/// written there once for all of them.
const CHECKPOINT_AFTER: &str = "4000";

/// Connections that read. Reads are short, and SQLite's readers share one machine's cores with everything else.
const READERS: u32 = 4;

/// The file's connections: one that writes, several that read.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub writer: SqlitePool,
    pub reader: SqlitePool,
}

impl File {
    /// Connects to the file, and makes it and its folder where they are missing.
    pub async fn connect(path: &Path) -> Result<Self> {
        let failed = |source| cannot_open(path, source);
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            tokio::fs::create_dir_all(folder)
                .await
                .map_err(|error| failed(error.into()))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .pragma("wal_autocheckpoint", CHECKPOINT_AFTER);
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        let reader = pool(READERS)
            .connect_with(options.pragma("query_only", "on"))
            .await
            .map_err(failed)?;
        Ok(Self { writer, reader })
    }

    /// Connects only to look: nothing is changed, and nothing left beside the file.
    pub async fn look(path: &Path) -> Result<Self> {
        // A connection that may not write at all leaves files beside a ledger that was not closed in order.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("query_only", "on");
        let only = pool(1)
            .connect_with(options)
            .await
            .map_err(|source| cannot_open(path, source))?;
        Ok(Self {
            writer: only.clone(),
            reader: only,
        })
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// That the file cannot be opened.
pub(super) fn cannot_open(path: &Path, source: sqlx::Error) -> LedgerError {
    LedgerError::Open {
        place: path.display().to_string(),
        source,
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    // The file does not hang up, so connections are neither tested nor replaced.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(|conn, _| Box::pin(is_usable(conn)))
}

/// Whether a connection that comes back can be used again. Where SQLite has ended a transaction by itself, as it may when
/// the disk is full, the rollback after it fails, and the connection takes itself to be in that transaction for ever.
async fn is_usable(conn: &mut SqliteConnection) -> std::result::Result<bool, sqlx::Error> {
    // Its rollback waits in its queue, before this.
    conn.ping().await?;
    Ok(!conn.is_in_transaction())
}
