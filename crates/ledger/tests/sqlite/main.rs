//! The conformance suite on SQLite: each test has a file of its own.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../conformance/mod.rs"]
mod conformance;

/// How this driver makes a ledger for one test.
mod factory {
    use redrive_ledger::SqlLedger;

    use crate::conformance::world::{Made, made};

    /// How many sequences of steps the model plays. A defect of the protocol takes some hundreds to be found: play more after
    /// a change of it.
    pub const CASES: u32 = 40;

    /// A new ledger.
    pub async fn ledger() -> Made {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqlLedger::open(&folder.path().join("ledger.db"))
            .await
            .unwrap();
        made(&ledger, folder)
    }
}
