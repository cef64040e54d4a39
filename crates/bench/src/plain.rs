//! The plain design that Redrive is compared with: a workflow with one activity an order, one after the other, each of
//! which starts its order again with a bare start call.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use redrive::connect::Target;
use redrive::printer::Printer;
use redrive_fulfillment::{FaultPlan, StartOptions};
use serde::{Deserialize, Serialize};
use temporalio_client::{Client, WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowContextView,
    WorkflowResult,
};
use tokio::time::Instant;

use crate::ground::Ground;
use crate::orders::{Orders, again};
use crate::worker::{READY, stdin_closes};
use crate::worker_process::WorkerProcess;

/// The task queue of the plain workflow.
const TASK_QUEUE: &str = "plain";
/// One try of a start.
const TRY: Duration = Duration::from_secs(10);

/// Which orders the plain workflow starts again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainInput {
    seed: u64,
    orders: usize,
    workflow_type: String,
}

/// Which order an activity starts again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainOrder {
    seed: u64,
    number: usize,
    workflow_type: String,
}

/// The workflow.
#[workflow]
pub struct PlainWorkflow {
    input: PlainInput,
}

#[workflow_methods]
impl PlainWorkflow {
    #[init]
    fn new(_: &WorkflowContextView, input: PlainInput) -> Self {
        Self { input }
    }

    #[run(name = "PlainWorkflow")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<usize> {
        let input = ctx.state(|state| state.input.clone());
        for number in 0..input.orders {
            let order = PlainOrder {
                seed: input.seed,
                number,
                workflow_type: input.workflow_type.clone(),
            };
            let options = ActivityOptions::with_start_to_close_timeout(TRY).build();
            ctx.execute_activity(PlainActivities::restart_order, order, options)
                .await?;
        }
        Ok(input.orders)
    }
}

/// Its activity.
pub struct PlainActivities {
    client: Client,
}

#[activities]
impl PlainActivities {
    #[activity(name = "RestartOrder")]
    pub async fn restart_order(
        self: Arc<Self>,
        _: ActivityContext,
        order: PlainOrder,
    ) -> Result<(), ActivityError> {
        let plan = FaultPlan::smooth(order.seed, order.number + 1);
        let options = StartOptions {
            workflow_type: order.workflow_type,
            ..StartOptions::default()
        };
        let request = again(&self.client, &plan, &plan.orders[order.number], &options);
        let mut service = self.client.connection().workflow_service();
        let started = service.start_workflow_execution(tonic::Request::new(request));
        match started.await {
            Ok(_) => Ok(()),
            Err(status) => Err(ApplicationFailure::new(status.to_string()).into()),
        }
    }
}

/// Run the worker of the plain design on the Temporal server of Temporal's configuration, until its stdin closes
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PlainWorkerArgs {}

/// Runs the worker.
pub async fn run(_: PlainWorkerArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let client = Target::configured()?.connect().await?;
    let runtime = Runtime::from_current_tokio(Default::default())
        .map_err(|error| anyhow!("the plain worker has no runtime: {error}"))?;
    let options = WorkerOptions::new(TASK_QUEUE)
        .register_activities(PlainActivities {
            client: client.clone(),
        })
        .register_workflow::<PlainWorkflow>()?
        .build();
    let mut worker = Worker::new(&runtime, client, options)
        .map_err(|error| anyhow!("the plain worker cannot start: {error}"))?;
    let stop = worker.shutdown_handle();
    printer.text(READY)?;
    let (done, ()) = tokio::join!(worker.run(), async {
        stdin_closes().await;
        stop();
    });
    done.map_err(|error| anyhow!("the plain worker cannot go on: {error}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Starts failed orders again by the plain design, and says how long it took.
pub(crate) async fn restart(ground: &Ground, orders: &Orders) -> anyhow::Result<Duration> {
    let worker = WorkerProcess::start(ground, &["plain-worker".to_owned()]).await?;
    let input = PlainInput {
        seed: orders.plan.seed,
        orders: orders.count(),
        workflow_type: orders.options.workflow_type.clone(),
    };
    let options = WorkflowStartOptions::new(TASK_QUEUE, "plain").build();
    let began = Instant::now();
    let handle = ground
        .client
        .start_workflow(PlainWorkflow::run, input, options)
        .await?;
    handle
        .get_result(WorkflowGetResultOptions::default())
        .await?;
    let took = began.elapsed();
    worker.stop().await?;
    Ok(took)
}
