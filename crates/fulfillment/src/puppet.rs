//! A scripted worker without an SDK: it answers every workflow task of one task queue at once.
//!
//! *Script*: a closure from a [`Task`] to a [`Move`], called once for every workflow task. A puppet knows
//! no activities and keeps no state; hundreds of runs a second pass through it. It is for tests of what
//! happens around workflows, never of workflows.

mod moves;
mod task;

use std::sync::Arc;

use temporalio_client::{Client, grpc::WorkflowService};
use temporalio_common::protos::temporal::api::{
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{
        PollWorkflowTaskQueueRequest, PollWorkflowTaskQueueResponse,
        RespondWorkflowTaskCompletedRequest,
    },
};
use tokio::{sync::watch, task::JoinHandle};

pub use moves::Move;
pub use task::Task;

/// Polls held open at a time: a dev server on two cores gives no more tasks to more of them.
const POLLERS: usize = 8;

/// Pause after a poll that failed, so that a stopped server is not hammered.
const POLL_ERROR_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

const IDENTITY: &str = "puppet";

type Script = dyn Fn(&Task) -> Move + Send + Sync;

/// A running puppet. Dropping it stops it without waiting; [`Puppet::stop`] waits.
pub struct Puppet {
    stop: watch::Sender<bool>,
    pollers: Vec<JoinHandle<()>>,
}

impl Puppet {
    /// Starts answering the workflow tasks of `task_queue` in `namespace` with what `script` says.
    #[must_use]
    pub fn spawn(
        client: &Client,
        namespace: &str,
        task_queue: &str,
        script: impl Fn(&Task) -> Move + Send + Sync + 'static,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let script: Arc<Script> = Arc::new(script);
        let pollers = (0..POLLERS)
            .map(|_| {
                let poller = Poller {
                    service: client.connection().workflow_service(),
                    namespace: namespace.to_owned(),
                    task_queue: task_queue.to_owned(),
                    script: Arc::clone(&script),
                };
                tokio::spawn(poller.run(stopped.clone()))
            })
            .collect();
        Self { stop, pollers }
    }

    /// Stops polling and waits until every answer under way is given. A task that the server hands over at
    /// this very moment goes unanswered, and comes again after the workflow task timeout (10 s).
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for poller in self.pollers {
            let _ = poller.await;
        }
    }
}

struct Poller {
    service: Box<dyn WorkflowService>,
    namespace: String,
    task_queue: String,
    script: Arc<Script>,
}

impl Poller {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let polled = tokio::select! {
                biased;
                _ = stopped.changed() => return,
                polled = self.poll() => polled,
            };
            match polled {
                Ok(task) if task.task_token.is_empty() => {}
                Ok(task) => self.answer(task).await,
                Err(status) => {
                    tracing::debug!(%status, "the puppet's poll failed");
                    pause().await;
                }
            }
        }
    }

    async fn poll(&mut self) -> Result<PollWorkflowTaskQueueResponse, tonic::Status> {
        let request = PollWorkflowTaskQueueRequest {
            namespace: self.namespace.clone(),
            task_queue: Some(TaskQueue {
                name: self.task_queue.clone(),
                ..Default::default()
            }),
            identity: IDENTITY.to_owned(),
            ..Default::default()
        };
        let polled = self
            .service
            .poll_workflow_task_queue(tonic::Request::new(request))
            .await?;
        Ok(polled.into_inner())
    }

    /// A refused answer is no error: the run was terminated or timed out meanwhile.
    async fn answer(&mut self, polled: PollWorkflowTaskQueueResponse) {
        let token = polled.task_token.clone();
        let Some(task) = Task::read(polled) else {
            return;
        };
        let request = RespondWorkflowTaskCompletedRequest {
            task_token: token,
            namespace: self.namespace.clone(),
            identity: IDENTITY.to_owned(),
            commands: (self.script)(&task).into_commands(&task),
            ..Default::default()
        };
        let answered = self
            .service
            .respond_workflow_task_completed(tonic::Request::new(request))
            .await;
        if let Err(status) = answered {
            tracing::debug!(%status, workflow.id = task.workflow_id, "the puppet's answer was refused");
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server that does not answer is real"
)]
async fn pause() {
    tokio::time::sleep(POLL_ERROR_PAUSE).await;
}
