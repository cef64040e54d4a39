//! Opening a ledger, and its connections.

use sqlx::postgres::PgPool;

use super::file::{self, File};
use super::schema::{self, Schema};
use super::{LedgerLock, server};
use crate::LedgerError;
use crate::contract::Result;
use crate::db::{Conn, Tx};
use crate::error::Doing;
use crate::url::LedgerUrl;

/// A ledger in a database of either kind.
#[derive(Debug, Clone)]
pub struct SqlLedger {
    pub(super) place: Place,
}

/// Where it is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    File(File),
    Server(PgPool),
}

impl SqlLedger {
    /// Opens the ledger that `url` names. One that is not there yet is made: a file with its folder, or the tables in an empty
    /// database.
    ///
    /// Errors: [`LedgerError::Open`] or [`LedgerError::Server`]; [`LedgerError::Newer`] and [`LedgerError::Behind`], with
    /// nothing changed; [`LedgerError::Migrate`].
    pub async fn open(url: impl Into<LedgerUrl>) -> Result<Self> {
        Self::open_at(&url.into()).await
    }

    /// As [`SqlLedger::open`].
    pub(super) async fn open_at(url: &LedgerUrl) -> Result<Self> {
        let ledger = Self::connect(url).await?;
        schema::make(&ledger).await?;
        Ok(ledger)
    }

    /// Brings the ledger to this binary's schema, and tells what it lacked.
    ///
    /// Errors: as [`SqlLedger::open`], but for [`LedgerError::Behind`].
    pub async fn migrate(url: impl Into<LedgerUrl>) -> Result<Schema> {
        let ledger = Self::connect(&url.into()).await?;
        let before = schema::migrate(&ledger).await?;
        ledger.close().await;
        Ok(before)
    }

    /// What the ledger lacks to this binary's schema. Nothing is changed, and no file is made.
    ///
    /// Errors: [`LedgerError::Open`] or [`LedgerError::Server`]; [`LedgerError::Newer`].
    pub async fn schema(url: impl Into<LedgerUrl>) -> Result<Schema> {
        let url = url.into();
        let place = match &url {
            LedgerUrl::File(path) if !path.exists() => return Ok(Schema::missing()),
            LedgerUrl::File(path) => Place::File(File::look(path).await?),
            LedgerUrl::Server(server) => Place::Server(server::connect(server).await?),
        };
        let ledger = Self { place };
        let schema = match ledger.read().await {
            Ok(mut conn) => schema::read(&mut conn).await,
            Err(error) => Err(error),
        };
        ledger.close().await;
        match (schema, url) {
            (Err(LedgerError::Sql { source, .. }), LedgerUrl::File(path)) => {
                Err(file::cannot_open(&path, source))
            }
            (schema, _) => schema,
        }
    }

    /// Keeps the ledger's file to this process: [`LedgerLock::take`].
    pub fn lock(path: &std::path::Path) -> Result<LedgerLock> {
        LedgerLock::take(path)
    }

    /// Connects to the ledger as it is: its schema must be this binary's.
    pub(super) async fn connect(url: &LedgerUrl) -> Result<Self> {
        let place = match url {
            LedgerUrl::File(path) => Place::File(File::connect(path).await?),
            LedgerUrl::Server(server) => Place::Server(server::connect(server).await?),
        };
        Ok(Self { place })
    }

    /// Closes the connections; what is written stays.
    pub async fn close(&self) {
        match &self.place {
            Place::File(file) => file.close().await,
            Place::Server(pool) => pool.close().await,
        }
    }

    /// A transaction that writes. In a file it is the only one from its beginning; on a server it locks what it reads to
    /// change it.
    pub(super) async fn begin(&self) -> Result<Tx> {
        match &self.place {
            Place::File(file) => {
                #[cfg(feature = "failpoints")]
                super::full_disk::limit(&file.writer)
                    .await
                    .doing("begin a change")?;
                let begun = file.writer.begin_with("BEGIN IMMEDIATE").await;
                begun.map(Tx::sqlite)
            }
            Place::Server(pool) => {
                let begun = pool
                    .begin_with("BEGIN ISOLATION LEVEL READ COMMITTED")
                    .await;
                begun.map(Tx::postgres)
            }
        }
        .doing("begin a change")
    }

    /// A connection that reads.
    pub(super) async fn read(&self) -> Result<Conn> {
        match &self.place {
            Place::File(file) => file.reader.acquire().await.map(Conn::sqlite),
            Place::Server(pool) => pool.acquire().await.map(Conn::postgres),
        }
        .doing("read")
    }
}
