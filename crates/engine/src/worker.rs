//! The worker: polls our task queue and runs our workflows and activities, on a thread of its own.
//!
//! The SDK's worker cannot move between threads; the rest of the process goes on beside it.

use std::thread;

use temporalio_client::Client;
use temporalio_sdk::Runtime;
use temporalio_sdk::runtime::RuntimeOptions;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::activities::Activities;
use crate::chunk::chunks_at_once;
use crate::engine::Engine;
use crate::polling::{Polled, Polling, Stop};
use crate::sdk_metrics::SdkMetrics;

/// Why a worker cannot run.
#[derive(Debug, thiserror::Error)]
#[error("the worker of task queue {task_queue:?} cannot {what}: {reason}")]
pub struct WorkerError {
    task_queue: String,
    what: &'static str,
    reason: String,
}

/// A thread for a worker, and a runtime that only it drives.
///
/// A connection belongs to the runtime that it is made on. What the worker calls through is best made here: then no other thread
/// is woken up for an answer. All of it ends with the worker.
pub struct WorkerThread {
    runtime: Handle,
    work: oneshot::Sender<Work>,
    metrics: Option<SdkMetrics>,
}

/// A running worker. [`RunningWorker::stop`] ends it in order; dropping it asks it to stop, without waiting.
pub struct RunningWorker {
    stop: Stop,
    done: Option<oneshot::Receiver<Result<(), WorkerError>>>,
}

/// What a worker's thread is given to do.
struct Work {
    polled: Polled,
    client: Client,
    metrics: Option<SdkMetrics>,
    problem: Problem,
    started: oneshot::Sender<Stop>,
    ended: oneshot::Sender<Result<(), WorkerError>>,
}

/// Runs a worker on a thread of its own, over a `client` and an engine that were made elsewhere. See [`WorkerThread::work`].
pub async fn run_worker(engine: Engine, client: Client) -> Result<RunningWorker, WorkerError> {
    let thread =
        WorkerThread::start().map_err(|error| Problem::of(&engine).to("get a thread", error))?;
    thread.work(engine, client).await
}

impl WorkerThread {
    /// Starts the thread, which waits for work.
    pub fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (work, given) = oneshot::channel::<Work>();
        thread::Builder::new()
            .name("redrive-worker".to_owned())
            .spawn(move || runtime.block_on(work_as_given(given)))?;
        Ok(Self {
            runtime: handle,
            work,
            metrics: None,
        })
    }

    /// What the SDK counts of the worker goes there; without, it is not counted.
    #[must_use]
    pub fn metered(mut self, metrics: SdkMetrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// What `making` makes, on this thread.
    pub async fn make<T: Send + 'static>(
        &self,
        making: impl Future<Output = T> + Send + 'static,
    ) -> T {
        match self.runtime.spawn(making).await {
            Ok(made) => made,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => unreachable!("nobody cancels it, and the thread lives: {error}"),
            },
        }
    }

    /// Starts a worker for the engine's task queue, after bringing waiting orders in line with the policy. Returns when it is
    /// about to poll.
    pub async fn work(self, engine: Engine, client: Client) -> Result<RunningWorker, WorkerError> {
        let problem = Problem::of(&engine);
        let applied = engine.ledger.apply_policy(&engine.policy).await;
        applied.map_err(|error| problem.to("apply the policy", error))?;
        let (started, starting) = oneshot::channel();
        let (ended, mut done) = oneshot::channel();
        let work = Work {
            polled: Polled {
                task_queue: engine.settings.task_queue.clone(),
                chunks_at_once: chunks_at_once(engine.settings.orders_at_once),
                activities: Activities::new(engine),
            },
            client,
            metrics: self.metrics,
            problem: problem.clone(),
            started,
            ended,
        };
        // A thread that has ended drops the work, and is heard of below.
        drop(self.work.send(work));
        match starting.await {
            Ok(stop) => Ok(RunningWorker {
                stop,
                done: Some(done),
            }),
            Err(_) => Err(ended_with(&mut done)
                .await
                .err()
                .unwrap_or_else(|| problem.to("start", "its thread has ended"))),
        }
    }
}

impl RunningWorker {
    /// Stops polling, lets what is under way finish, and returns when the worker has ended.
    pub async fn stop(mut self) -> Result<(), WorkerError> {
        (self.stop)();
        self.ended().await
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
        (self.stop)();
    }
}

#[derive(Clone)]
struct Problem {
    task_queue: String,
}

impl Problem {
    fn of(engine: &Engine) -> Self {
        Self {
            task_queue: engine.settings.task_queue.clone(),
        }
    }

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

/// The life of a worker's thread: its work, or nothing where none is given.
async fn work_as_given(given: oneshot::Receiver<Work>) {
    let Ok(work) = given.await else { return };
    let ended = run(
        work.polled,
        work.client,
        work.metrics,
        &work.problem,
        work.started,
    )
    .await;
    // The receiver is gone only when nobody waits for the end any more.
    drop(work.ended.send(ended));
}

async fn run(
    polled: Polled,
    client: Client,
    metrics: Option<SdkMetrics>,
    problem: &Problem,
    started: oneshot::Sender<Stop>,
) -> Result<(), WorkerError> {
    let counted = metrics.map_or_else(
        || Ok(RuntimeOptions::default()),
        |metrics| metrics.runtime(),
    );
    let runtime = counted.map_err(|error| problem.to("be counted", error))?;
    let runtime =
        Runtime::from_current_tokio(runtime).map_err(|error| problem.to("get a runtime", error))?;
    let polling =
        Polling::new(&runtime, client, polled).map_err(|error| problem.to("start", error))?;
    drop(started.send(polling.stop()));
    let ended = polling.run().await;
    ended.map_err(|error| problem.to("go on", error))
}
