//! A ledger on a PostgreSQL server: its pool, and what to do where it cannot be reached.

use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Error, Executor};

use crate::LedgerError;
use crate::contract::Result;
use crate::url::{LedgerUrl, ServerUrl};

/// The oldest server that is supported, as it numbers its versions.
const OLDEST: u32 = 15_00_00;

/// Connects to the database, once to learn whether and why not, then as often as is needed.
pub(super) async fn connect(server: &ServerUrl) -> Result<PgPool> {
    let failed = |source| unreachable(server, source);
    let first = PgConnection::connect_with(&server.options)
        .await
        .map_err(failed)?;
    let version = first.server_version_num();
    first.close().await.map_err(failed)?;
    supported(version)?;
    Ok(PgPoolOptions::new()
        .max_connections(server.max_connections)
        .acquire_timeout(server.connect_timeout)
        .after_connect(|conn, _| Box::pin(without_jit(conn)))
        .connect_lazy_with(server.options.clone()))
}

/// No statement of ours reads enough to earn what compiling it costs; the planner thinks so of a claim in a large backlog, and
/// took a tenth of a second for each.
async fn without_jit(conn: &mut PgConnection) -> std::result::Result<(), Error> {
    conn.execute("SET jit = off").await?;
    Ok(())
}

/// Whether a server of that version will do; one that does not tell, a pooler say, is believed in.
fn supported(version: Option<u32>) -> Result<()> {
    match version {
        Some(version) if version < OLDEST => Err(LedgerError::OldServer {
            found: version / 10_000,
        }),
        _ => Ok(()),
    }
}

/// That it cannot be reached, and what to do.
fn unreachable(server: &ServerUrl, source: Error) -> LedgerError {
    LedgerError::Server {
        place: LedgerUrl::Server(Box::new(server.clone())).to_string(),
        hint: hint(&source),
        source,
    }
}

/// What to do about an error while connecting. The codes are those of PostgreSQL's appendix A.
fn hint(error: &Error) -> &'static str {
    let code = match error {
        Error::Io(_) => {
            return "Check that PostgreSQL runs there, and the host and port in ledger.url.";
        }
        Error::Tls(_) => return "Check sslmode and sslrootcert in ledger.url.",
        Error::Database(error) => error.code(),
        _ => None,
    };
    match code.as_deref() {
        Some("28P01" | "28000") => {
            "Check the user and the password: in ledger.url, in PGPASSWORD, or in the password file."
        }
        Some("3D000") => "Make the database first, with createdb or CREATE DATABASE.",
        Some("53300") => {
            "Give the server more max_connections, or ledger.url a smaller max_connections."
        }
        Some("57P03") => "The server starts up or shuts down: try again.",
        _ => "Check ledger.url.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_too_old_is_refused() {
        assert!(supported(Some(OLDEST)).is_ok());
        assert!(supported(Some(18_00_03)).is_ok());
        assert!(supported(None).is_ok());
        let said = supported(Some(14_00_11)).unwrap_err().to_string();
        assert_eq!(
            said,
            "the ledger's server is PostgreSQL 14; Redrive needs PostgreSQL 15 or later."
        );
    }
}
