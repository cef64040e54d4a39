//! A worker for the sample's task queue, on a thread of its own.
//!
//! The SDK's worker cannot move between threads, so it gets one, with a single-threaded runtime; the rest of the
//! process goes on undisturbed by what orders do.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use temporalio_client::Client;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tokio::sync::oneshot;

use crate::{
    Warehouse, activities::WarehouseActivities, warehouse::WarehouseError,
    workflow::OrderFulfillmentWorkflow,
};

/// How long activities may finish after a stop before they are cancelled: a stage takes milliseconds, and a stuck
/// one shall not hold up the stop.
const GRACE: Duration = Duration::from_millis(500);

/// Runs kept in memory between their workflow tasks; the default of 1,000 would be as good, an order is short.
const CACHED_RUNS: usize = 500;

type Stop = Box<dyn Fn() + Send + Sync>;

/// A running worker. [`FulfillmentWorker::stop`] ends it in order; dropping it asks it to stop, without waiting.
pub struct FulfillmentWorker {
    stop: Stop,
    done: Option<oneshot::Receiver<Result<(), WorkerError>>>,
}

/// Why a worker cannot run.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The warehouse's folder cannot be used.
    #[error("the warehouse cannot be opened")]
    Warehouse(#[from] WarehouseError),
    /// The SDK's worker does not start or stopped by itself.
    #[error("the fulfillment worker cannot {what}: {reason}")]
    Sdk {
        /// What it was about to do.
        what: &'static str,
        /// The SDK's words.
        reason: String,
    },
}

impl FulfillmentWorker {
    /// Starts a worker for `task_queue` with the warehouse of folder `warehouse_dir`, in the client's namespace.
    /// Returns when it is about to poll.
    ///
    /// # Errors
    /// If the warehouse cannot be opened, or the SDK refuses.
    pub async fn spawn(
        client: Client,
        task_queue: &str,
        warehouse_dir: &Path,
    ) -> Result<Self, WorkerError> {
        let warehouse = Arc::new(Warehouse::open(warehouse_dir)?);
        let (started, starting) = oneshot::channel();
        let (ended, done) = oneshot::channel();
        let queue = task_queue.to_owned();
        thread::Builder::new()
            .name("fulfillment-worker".to_owned())
            .spawn(move || {
                let result = run(client, &queue, warehouse, started);
                let _ = ended.send(result);
            })
            .map_err(|error| sdk("get a thread", error))?;
        match starting.await {
            Ok(stop) => Ok(Self {
                stop,
                done: Some(done),
            }),
            Err(_) => Err(outcome(done).await.err().unwrap_or_else(vanished)),
        }
    }

    /// Stops polling, lets what is under way finish, and returns when the worker has ended.
    ///
    /// # Errors
    /// If it had stopped by itself, why.
    pub async fn stop(mut self) -> Result<(), WorkerError> {
        (self.stop)();
        match self.done.take() {
            Some(done) => outcome(done).await,
            None => Ok(()),
        }
    }
}

impl Drop for FulfillmentWorker {
    fn drop(&mut self) {
        (self.stop)();
    }
}

fn run(
    client: Client,
    task_queue: &str,
    warehouse: Arc<Warehouse>,
    started: oneshot::Sender<Stop>,
) -> Result<(), WorkerError> {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| sdk("get a runtime", error))?;
    tokio.block_on(async {
        let runtime = Runtime::from_current_tokio(Default::default())
            .map_err(|error| sdk("get a runtime", error))?;
        let mut worker = Worker::new(&runtime, client, options(task_queue, warehouse)?)
            .map_err(|error| sdk("start", error))?;
        let _ = started.send(Box::new(worker.shutdown_handle()));
        worker.run().await.map_err(|error| sdk("go on", error))
    })
}

fn options(task_queue: &str, warehouse: Arc<Warehouse>) -> Result<WorkerOptions, WorkerError> {
    let options = WorkerOptions::new(task_queue)
        .register_activities(WarehouseActivities::new(warehouse))
        .register_workflow::<OrderFulfillmentWorkflow>()
        .map_err(|error| sdk("register the order workflow", error))?
        .max_cached_workflows(CACHED_RUNS)
        .graceful_shutdown_period(GRACE)
        .build();
    Ok(options)
}

async fn outcome(done: oneshot::Receiver<Result<(), WorkerError>>) -> Result<(), WorkerError> {
    done.await.unwrap_or_else(|_| Err(vanished()))
}

/// The thread ended without a word: it panicked.
fn vanished() -> WorkerError {
    sdk("go on", "its thread has ended")
}

fn sdk(what: &'static str, reason: impl std::fmt::Display) -> WorkerError {
    WorkerError::Sdk {
        what,
        reason: reason.to_string(),
    }
}
