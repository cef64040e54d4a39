//! The product's verbs, each written once: the CLI, the API and the pages call these.

mod batch;
mod bulk;
mod control;
mod dead_letters;
mod follow;
mod halt;
mod limits;
mod operations;
mod orders;
mod queue;
mod records;
mod rehearse;
mod reports;
mod scan_back;
mod schedule;
mod tokens;

use redrive_ledger::LedgerError;
use temporalio_client::Client;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::failed_run::NoFailedRun;
use crate::gateway::GatewayError;

pub use batch::{RunRequest, Running, may_run};
pub use bulk::{BulkReport, LookedAt, Many, Named, NotDone, SHOWN, Told};
pub use control::{Control, Controlled, only};
pub use dead_letters::{Decision, Retried, RetryEnd};
pub use follow::{OrderEnd, Standing, WaitsFor};
pub use limits::Limit;
pub use operations::{Answered, Tell};
pub use orders::OrderDeed;
pub use records::Records;
pub use redrive_flows::orchestration::Progress;
pub use rehearse::{Pace, Rehearsal, Rehearsed, VERDICTS};
pub use reports::Report;
pub use scan_back::{Older, OlderGroup, TakenIn};
pub use schedule::Triggered;
pub use tokens::{SESSION, Secret, token_name};

/// The verbs, over an engine and a client of its namespace.
#[derive(Clone)]
pub struct Ops {
    /// The engine.
    pub engine: Engine,
    /// The client that starts and follows our workflows.
    pub client: Client,
    /// The verbs that need the ledger only.
    pub records: Records,
}

/// Why a verb did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    /// The ledger or a call failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// There is no such order.
    #[error(
        "no order {id:?} is known: check the id, or wait for the next batch if it failed just now"
    )]
    NoSuchOrder {
        /// What was asked for.
        id: String,
    },
    /// There is no such failed run.
    #[error("no failed run {run:?} is known: `redrive failures list` shows those that are")]
    NoSuchFailure {
        /// What was asked for.
        run: String,
    },
    /// Many failure groups are asked for at once.
    #[error(
        "more than {most} failure groups begin with {beginning:?}: give more of the fingerprint, as `redrive failures groups` \
         shows it"
    )]
    ManyGroups {
        /// How their fingerprints begin.
        beginning: String,
        /// So many may be asked for.
        most: u32,
    },
    /// There is no schedule of that id.
    #[error(
        "there is no schedule {id:?}: `redrive schedule apply` creates it, as does a worker when it starts"
    )]
    NoSchedule {
        /// Its id.
        id: String,
    },
    /// No batch runs.
    #[error("no batch runs now: `redrive batches list` shows those that ended")]
    NoBatchRuns,
    /// Several run, and none was named.
    #[error("several batches run: name one of {ids}")]
    SeveralBatchesRun {
        /// Their workflow ids.
        ids: String,
    },
    /// It has ended.
    #[error("the batch {workflow_id} has ended: `redrive batches show {workflow_id}` tells how")]
    BatchEnded {
        /// Its workflow id.
        workflow_id: String,
    },
    /// There is no such batch.
    #[error(
        "no batch {id:?} is known: `redrive batches list` shows those that are; a new one is, once a worker has taken it up"
    )]
    NoSuchBatch {
        /// What was asked for.
        id: String,
    },
    /// There is no such operation.
    #[error("no operation {id:?} is known: `redrive dlq operations list` shows those that are")]
    NoSuchOperation {
        /// What was asked for.
        id: String,
    },
    /// The batch is that of an operation.
    #[error(
        "that batch works for an operation on dead letters: `redrive dlq operations pause {id}`, `resume` and `stop` \
         steer it"
    )]
    IsAnOperation {
        /// The operation's id.
        id: String,
    },
    /// It has ended for good.
    #[error(
        "operation {id} has ended: `redrive dlq operations show {id}` tells how; what is still in the queue is retried by a \
         new one"
    )]
    OperationEnded {
        /// Its id.
        id: String,
    },
    /// Its workflow has ended before its time.
    #[error(
        "operation {id} does not run: `redrive dlq operations resume {id}` takes it up again, and `stop` ends it"
    )]
    OperationDoesNotRun {
        /// Its id.
        id: String,
    },
    /// The order is not in the dead letter queue.
    #[error(
        "order {id:?} is not in the dead letter queue: `redrive orders show {id}` tells where it stands"
    )]
    NotDeadLettered {
        /// What was asked for.
        id: String,
    },
    /// There is a token of that name.
    #[error(
        "there is a token {name:?}: take another name, or `redrive token revoke` that one first"
    )]
    TokenExists {
        /// Its name.
        name: String,
    },
    /// There is no token of that name.
    #[error("there is no token {name:?}: `redrive token list` shows those that are")]
    NoSuchToken {
        /// What was asked for.
        name: String,
    },
    /// The run that is meant did not fail, or is not there.
    #[error(transparent)]
    NotFailed(NoFailedRun),
    /// The server did not start a batch's workflow, or did not say so.
    #[error("the batch {workflow_id} could not be started: {error}")]
    NotStarted {
        /// Its workflow id.
        workflow_id: String,
        /// Why.
        error: GatewayError,
    },
    /// A batch could not be started, or did not end well.
    #[error("the batch {workflow_id} {what}")]
    Batch {
        /// Its workflow id.
        workflow_id: String,
        /// What went wrong.
        what: String,
    },
    /// There is no place for the copy that a rehearsal works on.
    #[error("a folder for the ledger's copy cannot be made: {0}. TMPDIR says where there is room.")]
    NoFolder(#[source] std::io::Error),
}

impl From<LedgerError> for OpsError {
    fn from(error: LedgerError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<GatewayError> for OpsError {
    fn from(error: GatewayError) -> Self {
        Self::Engine(error.into())
    }
}

/// What every verb returns.
pub type Result<T> = std::result::Result<T, OpsError>;
