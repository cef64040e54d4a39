//! What can go wrong with a ledger, each with what to do about it.

use std::path::PathBuf;

/// An error of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database cannot be opened.
    #[error("cannot open the ledger {place}: {source}. Check that the path exists and that this user may write there.")]
    Open {
        /// The path or URL.
        place: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The URL is of no known kind.
    #[error("{url:?} is no ledger: write a file path, or sqlite:PATH.")]
    UnknownKind {
        /// What was given.
        url: String,
    },
    /// The schema is newer than this binary.
    #[error(
        "the ledger's schema (migration {found}) is newer than this redrive (migration {known}): \
         run the newer redrive; nothing was changed."
    )]
    Newer {
        /// The ledger's last migration.
        found: i64,
        /// The last one this binary knows.
        known: i64,
    },
    /// A migration failed.
    #[error("cannot migrate the ledger: {0}. It is as it was before; mend the cause and start again.")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The ledger holds orders of another cluster or namespace.
    #[error(
        "this ledger belongs to namespace {ledger_namespace:?} of cluster {ledger_cluster}, but Temporal is namespace \
         {namespace:?} of cluster {cluster}: point ledger.url to another file, or TEMPORAL_ADDRESS and \
         TEMPORAL_NAMESPACE to where it belongs."
    )]
    OtherHome {
        /// Where the ledger belongs.
        ledger_cluster: String,
        /// Where the ledger belongs.
        ledger_namespace: String,
        /// What was connected to.
        cluster: String,
        /// What was connected to.
        namespace: String,
    },
    /// Another process holds this ledger for itself.
    #[error("another `redrive up` uses the ledger {}: stop it first, or give this one another ledger.url.", .0.display())]
    InUse(PathBuf),
    /// A statement failed.
    #[error("the ledger failed while trying to {doing}: {source}")]
    Sql {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: sqlx::Error,
    },
    /// A row holds what no version of Redrive writes.
    #[error("the ledger holds {what} that this redrive cannot read: {value:?}. Was it written by hand?")]
    Corrupt {
        /// Which column.
        what: &'static str,
        /// Its value.
        value: String,
    },
}
