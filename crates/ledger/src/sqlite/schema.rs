//! The schema's version: what a ledger has, what this binary knows, and the migrations between.

use serde::Serialize;
use sqlx::SqliteConnection;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqlitePool;

use crate::LedgerError;
use crate::contract::Result;
use crate::error::Doing;

/// The migrations that this binary knows.
static MIGRATOR: Migrator = sqlx::migrate!("migrations/sqlite");

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
        let pending = MIGRATOR
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

/// Brings the schema to this binary's, all migrations in one transaction. Returns what it was before.
pub(super) async fn migrate(writer: &SqlitePool) -> Result<Schema> {
    let mut tx = writer
        .begin_with("BEGIN IMMEDIATE")
        .await
        .doing("begin the migration")?;
    let before = read(&mut tx).await?;
    MIGRATOR.run(&mut *tx).await.map_err(LedgerError::Migrate)?;
    tx.commit().await.doing("commit the migration")?;
    Ok(before)
}

/// Where the schema stands.
///
/// Errors: [`LedgerError::Newer`].
pub(super) async fn read(conn: &mut SqliteConnection) -> Result<Schema> {
    let found = last_migration(conn).await?;
    let known = known();
    if found > known {
        return Err(LedgerError::Newer { found, known });
    }
    Ok(Schema::after(found))
}

fn known() -> i64 {
    let versions = MIGRATOR.iter().map(|migration| migration.version);
    versions.max().unwrap_or(0)
}

async fn last_migration(conn: &mut SqliteConnection) -> Result<i64> {
    let migrated: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')",
    )
    .fetch_one(&mut *conn)
    .await
    .doing("look for migrations")?;
    if !migrated {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
        .fetch_one(conn)
        .await
        .doing("read the last migration")
}
