//! `OrderFulfillmentWorkflow`: one order through six stages, failing where the warehouse gives up.
//!
//! A stage that gives up fails the run with an application failure of type `<stage>_failed` and the warehouse's
//! words. The failure is retryable, so that a workflow retry policy, where an order has one, does its work.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use temporalio_common::{
    RetryPolicy,
    error::{ApplicationFailure, IncomingError},
};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityExecutionError, ActivityOptions, ContinueAsNewOptions, WorkflowContext,
    WorkflowContextView, WorkflowResult,
};

use crate::{
    OrderInput, Stage,
    activities::{Receipt, StageRequest, WarehouseActivities},
};

/// One try of a stage. Longer than the longest hang of the fault plan, so that the run times out and not the stage.
const STAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// Tries of a stage: enough that a hiccup is not a failed order, few enough that a demo sees failures.
const STAGE_ATTEMPTS: u32 = 3;

/// Wait before the second try; it doubles. A real warehouse would get seconds; a demo has minutes in all. The server's
/// timers are coarse: it makes about a second of anything shorter.
const STAGE_RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The order workflow.
#[workflow]
pub struct OrderFulfillmentWorkflow {
    input: OrderInput,
    completed: Vec<Stage>,
    current: Option<Stage>,
    error: Option<String>,
}

/// What a completed order returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fulfilled {
    /// The order.
    pub order_id: String,
    /// What was done for it, by the last run and those it continued.
    pub completed_stages: Vec<Stage>,
}

/// The answer to the query `getStatus`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderStatus {
    /// The order.
    pub order_id: String,
    /// The stage under way, or the one it failed at; nothing when all is done.
    pub current_stage: Option<Stage>,
    /// How it stands.
    pub status: Progress,
    /// Completed stages, in percent of all.
    pub completion_percent: u8,
    /// How many stages are done.
    pub completed_stages: usize,
    /// How many there are.
    pub total_stages: usize,
    /// Why it failed.
    pub error: Option<String>,
}

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// A stage is under way.
    InProgress,
    /// Every stage is done.
    Completed,
    /// A stage gave up.
    Failed,
}

#[workflow_methods]
impl OrderFulfillmentWorkflow {
    /// Takes over what earlier runs of the chain have done.
    #[init]
    fn new(_ctx: &WorkflowContextView, mut input: OrderInput) -> Self {
        let completed = std::mem::take(&mut input.completed_stages);
        Self {
            input,
            completed,
            current: None,
            error: None,
        }
    }

    /// Does the stages that are left, one after the other.
    #[run(name = "OrderFulfillmentWorkflow")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Fulfilled> {
        for stage in remaining(&ctx.state(|order| order.completed.clone())) {
            ctx.state_mut(|order| order.current = Some(stage));
            match perform(ctx, stage).await {
                Ok(receipt) => {
                    ctx.state_mut(|order| order.completed.push(stage));
                    if receipt.continue_as_new {
                        let next = ctx.state(Self::next_input);
                        ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
                    }
                }
                Err(error) => return Err(give_up(ctx, stage, error).await.into()),
            }
        }
        ctx.state_mut(|order| order.current = None);
        Ok(ctx.state(|order| Fulfilled {
            order_id: order.input.order_id.clone(),
            completed_stages: order.completed.clone(),
        }))
    }

    /// Where the order stands.
    #[query(name = "getStatus")]
    pub fn get_status(&self, _ctx: &WorkflowContextView) -> OrderStatus {
        let (done, total) = (self.completed.len(), Stage::ALL.len());
        OrderStatus {
            order_id: self.input.order_id.clone(),
            current_stage: self.current,
            status: match (&self.error, done == total) {
                (Some(_), _) => Progress::Failed,
                (None, true) => Progress::Completed,
                (None, false) => Progress::InProgress,
            },
            completion_percent: u8::try_from(done * 100 / total).unwrap_or(100),
            completed_stages: done,
            total_stages: total,
            error: self.error.clone(),
        }
    }
}

impl OrderFulfillmentWorkflow {
    fn next_input(&self) -> OrderInput {
        OrderInput {
            completed_stages: self.completed.clone(),
            ..self.input.clone()
        }
    }
}

fn remaining(completed: &[Stage]) -> Vec<Stage> {
    Stage::ALL
        .into_iter()
        .filter(|stage| !completed.contains(stage))
        .collect()
}

type Ctx = WorkflowContext<OrderFulfillmentWorkflow>;
type Activities = WarehouseActivities;

async fn perform(ctx: &Ctx, stage: Stage) -> Result<Receipt, ActivityExecutionError> {
    let (request, options) = (request(ctx), options());
    match stage {
        Stage::Validation => {
            ctx.execute_activity(Activities::validation, request, options)
                .await
        }
        Stage::Planning => {
            ctx.execute_activity(Activities::planning, request, options)
                .await
        }
        Stage::WesExecution => {
            ctx.execute_activity(Activities::wes_execution, request, options)
                .await
        }
        Stage::Slam => {
            ctx.execute_activity(Activities::slam, request, options)
                .await
        }
        Stage::Sortation => {
            ctx.execute_activity(Activities::sortation, request, options)
                .await
        }
        Stage::Shipping => {
            ctx.execute_activity(Activities::shipping, request, options)
                .await
        }
    }
}

/// Undoes what has to be undone, and makes the failure that the run ends with.
async fn give_up(ctx: &Ctx, stage: Stage, error: ActivityExecutionError) -> ApplicationFailure {
    if stage == Stage::WesExecution {
        release_reservation(ctx).await;
    }
    let message = warehouse_words(&error);
    ctx.state_mut(|order| order.error = Some(message.clone()));
    let failure = ApplicationFailure::builder(message).type_name(stage.failure_type());
    match error {
        ActivityExecutionError::Failed(cause) => failure
            .cause(Box::new(IncomingError::Activity(cause)))
            .build(),
        _ => failure.build(),
    }
}

/// A reservation that cannot be released must not hide why the order failed.
async fn release_reservation(ctx: &Ctx) {
    let released = ctx
        .execute_activity(Activities::release_reservation, request(ctx), options())
        .await;
    if let Err(error) = released {
        tracing::warn!(%error, "the reservation was not released");
    }
}

fn warehouse_words(error: &ActivityExecutionError) -> String {
    match error.cause() {
        Some(cause) => cause.failure().message.clone(),
        None => error.to_string(),
    }
}

fn request(ctx: &Ctx) -> StageRequest {
    StageRequest {
        order_id: ctx.state(|order| order.input.order_id.clone()),
        first_run_id: ctx.info().first_execution_run_id().to_owned(),
    }
}

fn options() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(STAGE_TIMEOUT)
        .retry_policy(
            RetryPolicy::builder()
                .initial_interval(STAGE_RETRY_INTERVAL)
                .maximum_attempts(STAGE_ATTEMPTS)
                .build(),
        )
        .build()
}
