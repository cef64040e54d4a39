//! What polls for a worker: one of the SDK's workers for our workflows and activities, and a second one for the chunks of batches,
//! which takes no more of them than there is room for. What waits, waits on the server, where any worker may take it: a worker that
//! took all it could get would keep it from another that has nothing to do.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use redrive_flows::{
    DeadLetterOperationWorkflow, ReprocessingBatchWorkflow, ReprocessingOrchestrationWorkflow,
    chunk_queue,
};
use temporalio_client::Client;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};
use temporalio_sdk::{Runtime, Worker, WorkerOptions, WorkerRunError, WorkflowRegistrationError};

use crate::activities::Activities;

/// How long activities may finish after a stop: a chunk gives back what it has not touched within one start.
const GRACE: Duration = Duration::from_secs(10);
/// A cancelled or halted chunk hears of it with its next heartbeat, so heartbeats are not held back for long.
const HEARTBEAT_THROTTLE: Duration = Duration::from_secs(1);
/// Slots for tasks that never come.
const UNUSED: usize = 2;

/// Ends the activities and the polling, in order.
pub(crate) type Stop = Arc<dyn Fn() + Send + Sync>;

/// Both of them.
pub(crate) struct Polling {
    all: Worker,
    chunks: Worker,
    activities: Activities,
}

/// What they are made of.
pub(crate) struct Polled {
    /// The task queue of the batches.
    pub task_queue: String,
    /// What is done.
    pub activities: Activities,
    /// How many chunks at a time.
    pub chunks_at_once: usize,
}

impl Polling {
    /// Makes them. Nothing is polled yet.
    pub fn new(
        runtime: &Runtime,
        client: Client,
        polled: Polled,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let activities = polled.activities.clone();
        let chunks = timed(chunks(&polled));
        let all = timed(all(polled)?);
        Ok(Self {
            all: Worker::new(runtime, client.clone(), all)?,
            chunks: Worker::new(runtime, client, chunks)?,
            activities,
        })
    }

    /// What ends both.
    pub fn stop(&self) -> Stop {
        let (all, chunks) = (self.all.shutdown_handle(), self.chunks.shutdown_handle());
        let activities = self.activities.clone();
        Arc::new(move || {
            activities.stop();
            all();
            chunks();
        })
    }

    /// Polls, until both have ended; where one does, the other is asked to.
    pub async fn run(self) -> Result<(), WorkerRunError> {
        let stop = self.stop();
        let ending = [self.all, self.chunks].map(|mut worker| {
            let stop = &stop;
            async move {
                let ended = worker.run().await;
                stop();
                ended
            }
        });
        // Each is woken up for what it waits for itself.
        let mut running: FuturesUnordered<_> = ending.into_iter().collect();
        let mut both = Ok(());
        while let Some(ended) = running.next().await {
            both = both.and(ended);
        }
        both
    }
}

fn all(polled: Polled) -> Result<WorkerOptions, WorkflowRegistrationError> {
    Ok(WorkerOptions::new(polled.task_queue)
        .register_activities(polled.activities)
        .register_workflow::<ReprocessingBatchWorkflow>()?
        .register_workflow::<ReprocessingOrchestrationWorkflow>()?
        .register_workflow::<DeadLetterOperationWorkflow>()?
        .build())
}

fn chunks(polled: &Polled) -> WorkerOptions {
    let slots = FixedSizeSlotSupplier::new;
    let tuner = TunerHolder::builder()
        .activity_task_slot_supplier(slots(polled.chunks_at_once))
        .workflow_task_slot_supplier(slots(UNUSED))
        .local_activity_task_slot_supplier(slots(UNUSED))
        .nexus_task_slot_supplier(slots(UNUSED))
        .build();
    WorkerOptions::new(chunk_queue(&polled.task_queue))
        .register_activities(polled.activities.clone())
        .tuner(tuner)
        .build()
}

/// What holds for both.
fn timed(mut options: WorkerOptions) -> WorkerOptions {
    options.graceful_shutdown_period = Some(GRACE);
    options.max_heartbeat_throttle_interval = HEARTBEAT_THROTTLE;
    options.default_heartbeat_throttle_interval = HEARTBEAT_THROTTLE;
    options
}
