//! The schema's version: what a ledger has, what this binary knows, and the migrations between.

use serde::Serialize;
use sqlx::migrate::{MigrateError, Migrator};

use super::SqlLedger;
use crate::LedgerError;
use crate::contract::Result;
use crate::db::{Conn, Statement, args};
use crate::error::Doing;
use crate::rows::Fields;

/// The migrations that this binary knows: the same steps for either database.
static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Where a ledger's schema stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The ledger's last migration; 0 where it has none, or is not there.
    pub found: i64,
    /// The last migration that this binary knows.
    pub known: i64,
    /// What the ledger lacks, in the order of application.
    pub pending: Vec<Migration>,
}

/// One step of the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Migration {
    /// Its number.
    pub version: i64,
    /// What it does, in a word or two.
    pub description: String,
}

impl Schema {
    /// The schema of a ledger that is not there yet.
    pub(super) fn missing() -> Self {
        Self::after(0)
    }

    fn after(found: i64) -> Self {
        let pending = SQLITE
            .iter()
            .filter(|migration| migration.version > found)
            .map(|migration| Migration {
                version: migration.version,
                description: migration.description.to_string(),
            });
        Self {
            found,
            known: known(),
            pending: pending.collect(),
        }
    }
}

/// Makes the schema where there is none.
///
/// Errors: [`LedgerError::Behind`] where there is an older one.
pub(super) async fn make(ledger: &SqlLedger) -> Result<()> {
    let mut conn = ledger.read().await?;
    let schema = read(&mut conn).await?;
    usable(&schema)?;
    if schema.found > 0 {
        return as_applied(&mut conn).await;
    }
    drop(conn);
    migrate(ledger).await?;
    Ok(())
}

/// Whether what was applied is what this binary has under those numbers.
async fn as_applied(conn: &mut Conn) -> Result<()> {
    let migrator = match conn {
        Conn::Sqlite(_) => &SQLITE,
        Conn::Postgres(_) => &POSTGRES,
    };
    let applied = conn
        .all("SELECT version, checksum FROM _sqlx_migrations", args![])
        .await
        .doing("read the migrations")?;
    for row in &applied {
        let (version, checksum) = (row.int("version")?, row.bytes("checksum")?);
        let known = migrator.iter().find(|known| known.version == version);
        match known {
            Some(known) if *known.checksum == *checksum => {}
            Some(_) => return Err(LedgerError::Migrate(MigrateError::VersionMismatch(version))),
            None => return Err(LedgerError::Migrate(MigrateError::VersionMissing(version))),
        }
    }
    Ok(())
}

/// Whether a ledger is new or up to date: only who asks for it migrates one that others may be using.
///
/// Errors: [`LedgerError::Behind`].
pub(super) fn usable(schema: &Schema) -> Result<()> {
    if schema.found == 0 || schema.pending.is_empty() {
        return Ok(());
    }
    Err(LedgerError::Behind {
        found: schema.found,
        known: schema.known,
    })
}

/// Brings the schema to this binary's, all migrations in one transaction. Returns what it was before.
pub(super) async fn migrate(ledger: &SqlLedger) -> Result<Schema> {
    migrate_to(ledger, None).await
}

/// The same, as far as that migration.
pub(super) async fn migrate_to(ledger: &SqlLedger, last: Option<i64>) -> Result<Schema> {
    let mut tx = ledger.begin().await?;
    tx.lock("migrate").await.doing("begin the migration")?;
    let before = read(&mut tx).await?;
    match &mut *tx {
        // Not `run`: a future with its `Acquire` cannot be sent between threads.
        Conn::Sqlite(held) => SQLITE.run_direct(last, held.conn(), false).await,
        Conn::Postgres(held) => POSTGRES.run_direct(last, held.conn(), false).await,
    }
    .map_err(LedgerError::Migrate)?;
    tx.commit().await.doing("commit the migration")?;
    Ok(before)
}

/// Where the schema stands.
///
/// Errors: [`LedgerError::Newer`].
pub(super) async fn read(conn: &mut Conn) -> Result<Schema> {
    let found = last_migration(conn).await?;
    let known = known();
    if found > known {
        return Err(LedgerError::Newer { found, known });
    }
    Ok(Schema::after(found))
}

fn known() -> i64 {
    let versions = SQLITE.iter().map(|migration| migration.version);
    versions.max().unwrap_or(0)
}

async fn last_migration(conn: &mut Conn) -> Result<i64> {
    const MIGRATED: Statement = Statement::each(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations') AS migrated",
        "SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS migrated",
    );
    let migrated = conn
        .one(MIGRATED, args![])
        .await
        .doing("look for migrations")?;
    if !migrated.flag("migrated")? {
        return Ok(0);
    }
    conn.one(
        "SELECT coalesce(max(version), 0) AS version FROM _sqlx_migrations",
        args![],
    )
    .await
    .doing("read the last migration")?
    .int("version")
}
