//! A PostgreSQL database of its own for one test or measurement, on the server that `scripts/with-postgres` has started.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

/// Where the server is: a URL of a user who may make databases.
const SERVER: &str = "REDRIVE_TEST_POSTGRES";

/// Connections that one test's ledger may have: many tests run at once.
const MAX_CONNECTIONS: u32 = 4;

/// An empty database. It is dropped with this value.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes one for a test.
    ///
    /// # Panics
    ///
    /// Where there is no server, with what to do.
    pub async fn new() -> Self {
        Self::on(server()).await
    }

    /// Makes one on the server at that URL, of a user who may make databases.
    ///
    /// # Panics
    ///
    /// Where that fails.
    pub async fn on(server: String) -> Self {
        let name = format!("redrive_{}", Uuid::new_v4().simple());
        administer(&server, &format!("CREATE DATABASE {name}")).await;
        Self { server, name }
    }

    /// Its URL, for a test: with few connections.
    pub fn url(&self) -> String {
        format!("{}?max_connections={MAX_CONNECTIONS}", self.whole_url())
    }

    /// Its URL, with as many connections as usual.
    pub fn whole_url(&self) -> String {
        at(&self.server, &self.name)
    }
}

impl Drop for Database {
    // A test's runtime may be gone already, and waits for nobody here.
    fn drop(&mut self) {
        let server = self.server.clone();
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime of one thread");
            runtime.block_on(administer(&server, &statement));
        });
        // Where it fails, the server goes with the run.
        drop(dropping.join());
    }
}

/// The URL of the server's own database.
///
/// # Panics
///
/// Where there is no server, with what to do.
pub fn server() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the environment where the server is"
    )]
    let url = std::env::var(SERVER);
    url.unwrap_or_else(|_| {
        panic!(
            "{SERVER} is not set: run the tests through `scripts/with-postgres COMMAND`, or `make test`. It needs the \
             programs of PostgreSQL 15 or later (Debian: apt-get install postgresql)."
        )
    })
}

/// The URL of the database `name` on a server.
fn at(server: &str, name: &str) -> String {
    let (place, _) = server
        .rsplit_once('/')
        .expect("the server's URL names a database");
    format!("{place}/{name}")
}

async fn administer(server: &str, statement: &str) {
    let mut conn = PgConnection::connect(server)
        .await
        .unwrap_or_else(|error| panic!("cannot reach the server of databases: {error}"));
    conn.execute(AssertSqlSafe(statement))
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
    conn.close().await.expect("the connection ends in order");
}
