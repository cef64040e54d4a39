//! The worker: polls our task queue and runs our workflows and activities, on a thread of its own.
//!
//! The SDK's worker cannot move between threads; the rest of the process goes on beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use redrive_flows::{
    DeadLetterOperationWorkflow, ReprocessingBatchWorkflow, ReprocessingOrchestrationWorkflow,
};
use temporalio_client::Client;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tokio::sync::oneshot;

use crate::activities::Activities;
use crate::engine::Engine;

/// How long activities may finish after a stop: a chunk gives back what it has not touched within one start.
const GRACE: Duration = Duration::from_secs(10);
/// A cancelled or halted chunk hears of it with its next heartbeat, so heartbeats are not held back for long.
const HEARTBEAT_THROTTLE: Duration = Duration::from_secs(1);

type Stop = Box<dyn Fn() + Send + Sync>;

/// Why a worker cannot run.
#[derive(Debug, thiserror::Error)]
#[error("the worker of task queue {task_queue:?} cannot {what}: {reason}")]
pub struct WorkerError {
    task_queue: String,
    what: &'static str,
    reason: String,
}

/// A running worker. [`RunningWorker::stop`] ends it in order; dropping it asks it to stop, without waiting.
pub struct RunningWorker {
    stop: Stop,
    stopping: Arc<AtomicBool>,
    done: Option<oneshot::Receiver<Result<(), WorkerError>>>,
}

/// Starts a worker for the engine's task queue, after bringing waiting orders in line with the policy. Returns when it is
/// about to poll.
pub async fn run_worker(engine: Engine, client: Client) -> Result<RunningWorker, WorkerError> {
    let task_queue = engine.settings.task_queue.clone();
    let problem = Problem { task_queue };
    let (started, starting) = oneshot::channel();
    let (ended, mut done) = oneshot::channel();
    let within = problem.clone();
    let applied = engine.ledger.apply_policy(&engine.policy).await;
    applied.map_err(|error| problem.to("apply the policy", error))?;
    let stopping = Arc::new(AtomicBool::new(false));
    let activities = Activities::new(engine, Arc::clone(&stopping));
    thread::Builder::new()
        .name("redrive-worker".to_owned())
        .spawn(move || {
            // The receiver is gone only when nobody waits for the end any more.
            drop(ended.send(run(activities, client, &within, started)));
        })
        .map_err(|error| problem.to("get a thread", error))?;
    match starting.await {
        Ok(stop) => Ok(RunningWorker {
            stop,
            stopping,
            done: Some(done),
        }),
        Err(_) => Err(ended_with(&mut done)
            .await
            .err()
            .unwrap_or_else(|| problem.to("start", "its thread has ended"))),
    }
}

impl RunningWorker {
    /// Stops polling, lets what is under way finish, and returns when the worker has ended.
    pub async fn stop(mut self) -> Result<(), WorkerError> {
        self.ask_to_stop();
        self.ended().await
    }

    fn ask_to_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        (self.stop)();
    }

    /// Returns when the worker has ended by itself. Who gives up waiting can wait again.
    pub async fn ended(&mut self) -> Result<(), WorkerError> {
        let Some(done) = self.done.as_mut() else {
            return Ok(());
        };
        let ended = ended_with(done).await;
        self.done = None;
        ended
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}

#[derive(Clone)]
struct Problem {
    task_queue: String,
}

impl Problem {
    fn to(&self, what: &'static str, reason: impl ToString) -> WorkerError {
        WorkerError {
            task_queue: self.task_queue.clone(),
            what,
            reason: reason.to_string(),
        }
    }
}

async fn ended_with(
    done: &mut oneshot::Receiver<Result<(), WorkerError>>,
) -> Result<(), WorkerError> {
    // A thread that ends without a word has panicked, and said so on stderr.
    done.await.unwrap_or(Ok(()))
}

fn run(
    activities: Activities,
    client: Client,
    problem: &Problem,
    started: oneshot::Sender<Stop>,
) -> Result<(), WorkerError> {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| problem.to("get a runtime", error))?;
    tokio.block_on(async {
        let runtime = Runtime::from_current_tokio(Default::default())
            .map_err(|error| problem.to("get a runtime", error))?;
        let options = options(activities, &problem.task_queue)
            .map_err(|error| problem.to("register its workflows", error))?;
        let mut worker =
            Worker::new(&runtime, client, options).map_err(|error| problem.to("start", error))?;
        drop(started.send(Box::new(worker.shutdown_handle())));
        worker
            .run()
            .await
            .map_err(|error| problem.to("go on", error))
    })
}

fn options(
    activities: Activities,
    task_queue: &str,
) -> Result<WorkerOptions, temporalio_sdk::WorkflowRegistrationError> {
    Ok(WorkerOptions::new(task_queue)
        .register_activities(activities)
        .register_workflow::<ReprocessingBatchWorkflow>()?
        .register_workflow::<ReprocessingOrchestrationWorkflow>()?
        .register_workflow::<DeadLetterOperationWorkflow>()?
        .graceful_shutdown_period(GRACE)
        .max_heartbeat_throttle_interval(HEARTBEAT_THROTTLE)
        .default_heartbeat_throttle_interval(HEARTBEAT_THROTTLE)
        .build())
}
