//! The conformance suite on SQLite: each test has a file of its own.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../conformance/mod.rs"]
mod conformance;

/// How this driver makes a ledger for one test.
mod factory {
    use std::any::Any;
    use std::sync::Arc;

    use redrive_ledger::{Ledger, Reader, SqliteLedger};

    /// A new ledger by its two sides, and what keeps it alive.
    pub async fn ledger() -> (Arc<dyn Ledger>, Arc<dyn Reader>, Box<dyn Any + Send + Sync>) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(&folder.path().join("ledger.db"))
            .await
            .unwrap();
        (Arc::new(ledger.clone()), Arc::new(ledger), Box::new(folder))
    }
}
