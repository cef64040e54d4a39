//! What can go wrong with a ledger, each with what to do about it.

use std::io;
use std::path::PathBuf;

use redrive_core::ids::{BatchId, OperationId, WorkflowId};
use redrive_core::states::{Event, State};

/// An error of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database cannot be opened.
    #[error(
        "cannot open the ledger {place}: {source}. Check that the path exists and that this user may write there."
    )]
    Open {
        /// The path or URL.
        place: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The URL is of no known kind.
    #[error(
        "{url:?} is no ledger: write a file path, sqlite:PATH, or postgres://USER@HOST/DATABASE."
    )]
    UnknownKind {
        /// What was given, without a password.
        url: String,
    },
    /// The URL of a database cannot be read.
    #[error("ledger.url {url} cannot be read: {why}.")]
    BadUrl {
        /// What was given, without a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database server cannot be reached, or lets nobody in.
    #[error("cannot open the ledger {place}: {source}. {hint}")]
    Server {
        /// The URL, without a password.
        place: String,
        /// What to do.
        hint: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// The database server is too old.
    #[error("the ledger's server is PostgreSQL {found}; Redrive needs PostgreSQL 15 or later.")]
    OldServer {
        /// Its major version.
        found: u32,
    },
    /// The ledger lacks migrations, and only `redrive migrate` applies them.
    #[error(
        "the ledger's schema (migration {found}) is older than this redrive (migration {known}): run `redrive migrate`; \
         nothing was changed."
    )]
    Behind {
        /// The ledger's last migration.
        found: i64,
        /// The last one this binary knows.
        known: i64,
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
    #[error(
        "cannot migrate the ledger: {0}. It is as it was before; mend the cause and start again."
    )]
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
    #[error(
        "the ledger holds {what} that this redrive cannot read: {value:?}. Was it written by hand?"
    )]
    Corrupt {
        /// Which column.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// The file that keeps a ledger to one process cannot be made.
    #[error("cannot lock the ledger with {}: {source}. Check that this user may write there.", .path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A start request cannot be compressed or read back.
    #[error("a start request cannot be compressed or read back: {0}.")]
    StartRequest(#[source] io::Error),
    /// A batch was never opened.
    #[error("the ledger has no batch {0}: was it opened?")]
    NoSuchBatch(BatchId),
    /// A batch that has ended wants to go on; its numbers stand.
    #[error("batch {0} has ended, and others go on with its work: nothing was written for it.")]
    BatchEnded(BatchId),
    /// There is no such operation.
    #[error("the ledger has no operation {0}.")]
    NoSuchOperation(OperationId),
    /// The table of states forbids it.
    #[error(
        "order {workflow_id} is {state}, and {event} is refused there. This is a mistake in redrive: please report it."
    )]
    Refused {
        /// The order.
        workflow_id: WorkflowId,
        /// Where it stands.
        state: State,
        /// What was to happen to it.
        event: Event,
    },
    /// A caller broke the contract.
    #[error(
        "the ledger was given {what} for order {workflow_id}. This is a mistake in redrive: please report it."
    )]
    Impossible {
        /// The order.
        workflow_id: WorkflowId,
        /// What was given.
        what: &'static str,
    },
}

impl LedgerError {
    /// Whether the transaction lost against another one, so that nothing of it was done and it may be tried again:
    /// PostgreSQL's `serialization_failure` and `deadlock_detected`.
    pub(crate) fn is_conflict(&self) -> bool {
        let Self::Sql {
            source: sqlx::Error::Database(error),
            ..
        } = self
        else {
            return false;
        };
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }
}

/// Says of a failed statement what it was to do.
pub(crate) trait Doing<T> {
    /// `doing` completes "the ledger failed while trying to ...".
    fn doing(self, doing: &'static str) -> Result<T, LedgerError>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T, LedgerError> {
        self.map_err(|source| LedgerError::Sql { doing, source })
    }
}
