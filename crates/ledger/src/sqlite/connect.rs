//! Opening the file: its folder, its pragmas, and the lock that keeps it to one `redrive up`.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Sqlite, Transaction};

use super::schema::{self, Schema};
use crate::LedgerError;
use crate::contract::Result;
use crate::error::Doing;

/// How long a statement waits for another process's transaction. Ours take milliseconds; a backup may take seconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections that read. Reads are short, and SQLite's readers share one machine's cores with everything else.
const READERS: u32 = 4;

/// The ledger in an SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteLedger {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl SqliteLedger {
    /// Opens the ledger at `path`; makes the file, its folder and its schema where they are missing.
    ///
    /// Errors: [`LedgerError::Open`]; [`LedgerError::Newer`], with nothing changed; [`LedgerError::Migrate`].
    pub async fn open(path: &Path) -> Result<Self> {
        let (ledger, _) = Self::open_migrated(path).await?;
        Ok(ledger)
    }

    /// Brings the ledger at `path` to this binary's schema, as every opening does, and tells what it lacked.
    ///
    /// Errors: as [`SqliteLedger::open`].
    pub async fn migrate(path: &Path) -> Result<Schema> {
        let (ledger, before) = Self::open_migrated(path).await?;
        ledger.close().await;
        Ok(before)
    }

    /// What the ledger at `path` lacks to this binary's schema. Nothing is changed, and no file is made.
    ///
    /// Errors: [`LedgerError::Open`]; [`LedgerError::Newer`].
    pub async fn schema(path: &Path) -> Result<Schema> {
        if !path.exists() {
            return Ok(Schema::missing());
        }
        // A connection that may not write at all leaves files beside a ledger that was not closed in order.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("query_only", "on");
        let failed = |source| cannot_open(path, source);
        let mut conn = options.connect().await.map_err(failed)?;
        let schema = schema::read(&mut conn).await;
        conn.close().await.map_err(failed)?;
        match schema {
            Err(LedgerError::Sql { source, .. }) => Err(failed(source)),
            schema => schema,
        }
    }

    async fn open_migrated(path: &Path) -> Result<(Self, Schema)> {
        let failed = |source| cannot_open(path, source);
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            tokio::fs::create_dir_all(folder)
                .await
                .map_err(|error| failed(error.into()))?;
        }
        let ledger = Self::connect(path).await?;
        let before = schema::migrate(&ledger.writer).await?;
        Ok((ledger, before))
    }

    /// Connects to the file as it is: its schema must be this binary's.
    pub(super) async fn connect(path: &Path) -> Result<Self> {
        let failed = |source| cannot_open(path, source);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
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

    /// Keeps the ledger at `path` to this process while the guard lives. It stops a second `redrive up`; commands that
    /// only ask and decide do not take it.
    ///
    /// Errors: [`LedgerError::InUse`] where another process has it.
    pub fn lock(path: &Path) -> Result<LedgerLock> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let failed = |source| LedgerError::Lock {
            path: lock.clone(),
            source,
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(LedgerLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LedgerError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Closes the connections; what is written stays.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A transaction that writes: it has the file to itself from its beginning.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .doing("begin a change")
    }

    #[cfg(test)]
    pub(super) fn writer(&self) -> SqlitePool {
        self.writer.clone()
    }

    #[cfg(test)]
    pub(super) fn reader(&self) -> SqlitePool {
        self.reader.clone()
    }

    /// The connection that may write, outside of a transaction.
    pub(super) async fn unrestricted(&self) -> Result<PoolConnection<Sqlite>> {
        self.writer.acquire().await.doing("take the connection")
    }

    /// A connection that reads.
    pub(super) async fn read(&self) -> Result<PoolConnection<Sqlite>> {
        self.reader.acquire().await.doing("read")
    }
}

/// That no other process runs `up` on a ledger. It is released when dropped, or when the process ends, however it ends.
#[derive(Debug)]
pub struct LedgerLock {
    _file: File,
}

fn cannot_open(path: &Path, source: sqlx::Error) -> LedgerError {
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
}
