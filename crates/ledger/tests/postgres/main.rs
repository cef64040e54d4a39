//! The conformance suite on PostgreSQL, each test with a database of its own, and what only a server can get wrong.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../conformance/mod.rs"]
mod conformance;
mod copy;
mod mirror;
mod opening;
mod spec;
mod workers;

/// How this driver makes a ledger for one test.
mod factory {
    use redrive_ledger::{LedgerUrl, SqlLedger};
    use redrive_test_postgres::Database;

    use crate::conformance::world::{Made, made};

    /// How many sequences of steps the model plays: fewer than on SQLite, for the protocol is the same and a database takes
    /// longer to make.
    pub const CASES: u32 = 8;

    /// A new ledger.
    pub async fn ledger() -> Made {
        let database = Database::new().await;
        let ledger = open(&database).await;
        made(&ledger, database)
    }

    /// The ledger in that database, with connections of its own: as another process opens it.
    pub async fn open(database: &Database) -> SqlLedger {
        let url = LedgerUrl::parse(&database.url()).unwrap();
        SqlLedger::open(url).await.unwrap()
    }
}
