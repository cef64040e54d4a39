//! The activities of an order: one for each stage, and the release of a reservation; each a call to the warehouse.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::{
    Stage, Warehouse,
    warehouse::{Outcome, StageCall},
};

/// The type of the failure of a stage's activity; the workflow's is `<stage>_failed`.
const REFUSED: &str = "warehouse_refused";

/// What a stage's activity is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageRequest {
    /// The order.
    pub order_id: String,
    /// The first run of the chain; an activity cannot find it out by itself.
    pub first_run_id: String,
}

/// What a stage's activity answers when the stage is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Whether the workflow is to continue as new before the next stage.
    pub continue_as_new: bool,
}

/// The activities of one worker: they share its warehouse.
pub struct WarehouseActivities {
    warehouse: Arc<Warehouse>,
}

impl WarehouseActivities {
    pub(crate) fn new(warehouse: Arc<Warehouse>) -> Self {
        Self { warehouse }
    }

    async fn perform(
        &self,
        ctx: &ActivityContext,
        stage: Stage,
        request: StageRequest,
    ) -> Result<Receipt, ActivityError> {
        let call = call(ctx, stage, request);
        match self.warehouse.perform(&call, now())? {
            Outcome::Done { continue_as_new } => Ok(Receipt { continue_as_new }),
            Outcome::Refused { message, retryable } => Err(refusal(message, !retryable)),
            // Nobody ever completes it: it hangs as a lost answer does, without holding a worker's slot.
            Outcome::Stuck => Err(ActivityError::WillCompleteAsync),
        }
    }
}

#[activities]
impl WarehouseActivities {
    /// Checks the order.
    #[activity(name = "validation")]
    pub async fn validation(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: StageRequest,
    ) -> Result<Receipt, ActivityError> {
        self.perform(&ctx, Stage::Validation, request).await
    }

    /// Reserves stock and plans the route.
    #[activity(name = "planning")]
    pub async fn planning(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: StageRequest,
    ) -> Result<Receipt, ActivityError> {
        self.perform(&ctx, Stage::Planning, request).await
    }

    /// Picks the items.
    #[activity(name = "wes_execution")]
    pub async fn wes_execution(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: StageRequest,
    ) -> Result<Receipt, ActivityError> {
        self.perform(&ctx, Stage::WesExecution, request).await
    }

    /// Scans, labels and manifests the parcel.
    #[activity(name = "slam")]
    pub async fn slam(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: StageRequest,
    ) -> Result<Receipt, ActivityError> {
        self.perform(&ctx, Stage::Slam, request).await
    }

    /// Sends the parcel to its chute.
    #[activity(name = "sortation")]
    pub async fn sortation(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: StageRequest,
    ) -> Result<Receipt, ActivityError> {
        self.perform(&ctx, Stage::Sortation, request).await
    }

    /// Hands the parcel to the carrier.
    #[activity(name = "shipping")]
    pub async fn shipping(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: StageRequest,
    ) -> Result<Receipt, ActivityError> {
        self.perform(&ctx, Stage::Shipping, request).await
    }

    /// Gives reserved stock back. The simulated warehouse keeps no stock: that it was asked stands in the history.
    #[activity(name = "release_reservation")]
    pub async fn release_reservation(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: StageRequest,
    ) -> Result<(), ActivityError> {
        tracing::debug!(order.id = request.order_id, "the reservation was released");
        Ok(())
    }
}

fn call(ctx: &ActivityContext, stage: Stage, request: StageRequest) -> StageCall {
    let info = ctx.info();
    StageCall {
        order_id: request.order_id,
        workflow_id: info.workflow_id.clone().unwrap_or_default(),
        run_id: info.workflow_run_id.clone().unwrap_or_default(),
        first_run_id: Some(request.first_run_id),
        stage,
        attempt: info.attempt,
    }
}

fn refusal(message: String, non_retryable: bool) -> ActivityError {
    let failure = ApplicationFailure::builder(message)
        .type_name(REFUSED.to_owned())
        .non_retryable(non_retryable)
        .build();
    ActivityError::application(failure)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulated warehouse lives in real time"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
