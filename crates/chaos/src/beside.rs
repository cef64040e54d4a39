//! Reading the ledger beside the product, which has no use for what is asked here.

use std::path::{Path, PathBuf};

use anyhow::Context;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::said::Claim;

/// The claims of all orders that are claimed. The numbers are cast, for the databases' integers differ in size.
const OPEN_CLAIMS: &str =
    "SELECT claim_batch, CAST(claim_chunk AS BIGINT) FROM orders WHERE state = 'claimed'";

/// Where the ledger is.
#[derive(Debug, Clone)]
pub(crate) enum Beside {
    /// In a file of SQLite.
    File(PathBuf),
    /// In a database, by its URL.
    Server(String),
}

impl Beside {
    /// The claim of each order that is claimed.
    pub async fn open_claims(&self) -> anyhow::Result<Vec<Claim>> {
        let found = match self {
            Self::File(path) => in_file(path).await,
            Self::Server(url) => on_server(url).await,
        };
        let claims = found.context("the open claims cannot be read")?;
        let claims = claims.into_iter().map(|(batch, chunk)| {
            Ok(Claim {
                batch,
                chunk: u32::try_from(chunk)?,
            })
        });
        claims.collect()
    }
}

async fn in_file(path: &Path) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let file = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut ledger = SqliteConnection::connect_with(&file).await?;
    let found = sqlx::query_as(OPEN_CLAIMS).fetch_all(&mut ledger).await?;
    ledger.close().await?;
    Ok(found)
}

async fn on_server(url: &str) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let mut ledger = PgConnection::connect(url).await?;
    let found = sqlx::query_as(OPEN_CLAIMS).fetch_all(&mut ledger).await?;
    ledger.close().await?;
    Ok(found)
}
