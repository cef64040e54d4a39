//! The server's own way to run failed workflows again: its batch reset, as `temporal workflow reset --query` asks for it.

use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use redrive_engine::{Clock, SystemClock};
use temporalio_common::protos::temporal::api::batch::v1::BatchOperationReset;
use temporalio_common::protos::temporal::api::common::v1::{ResetOptions, reset_options::Target};
use temporalio_common::protos::temporal::api::enums::v1::BatchOperationState;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeBatchOperationRequest, DescribeBatchOperationResponse, StartBatchOperationRequest,
    start_batch_operation_request::Operation,
};
use tokio::time::Instant;
use tonic::{Code, Request, Status};

use crate::ground::Ground;

/// The pause between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(50);
/// How long the server may take until it is done with the operation before.
const PATIENCE: Duration = Duration::from_secs(60);

/// Resets every failed run of a type to its first workflow task, of which there are so many, and says how long the server
/// took by its own clock.
pub(crate) async fn reset_all(
    ground: &Ground,
    workflow_type: &str,
    count: usize,
) -> anyhow::Result<Duration> {
    let job_id = format!("reset-{workflow_type}");
    let operation = BatchOperationReset {
        identity: "redrive-bench".to_owned(),
        options: Some(ResetOptions {
            target: Some(Target::FirstWorkflowTask(())),
            ..Default::default()
        }),
        ..Default::default()
    };
    let request = StartBatchOperationRequest {
        namespace: ground.namespace.clone(),
        visibility_query: format!(
            "WorkflowType = '{workflow_type}' AND ExecutionStatus = 'Failed'"
        ),
        job_id: job_id.clone(),
        reason: "how fast it is".to_owned(),
        operation: Some(Operation::ResetOperation(operation)),
        ..Default::default()
    };
    start(ground, request)
        .await
        .context("the server's batch reset cannot be started")?;
    let ended = ended(ground, &job_id).await?;
    if ended.complete_operation_count != count as i64 {
        bail!("the server's batch reset was to reset {count} runs, and did otherwise: {ended:?}");
    }
    let began = time(ended.start_time).context("the batch reset has no start")?;
    let closed = time(ended.close_time).context("the batch reset has no end")?;
    Ok(Duration::try_from(closed.duration_since(began))?)
}

/// Starts the operation. A server runs one at a time, and for a while after one has ended it still counts as running.
async fn start(
    ground: &Ground,
    request: StartBatchOperationRequest,
) -> std::result::Result<(), Status> {
    let mut service = ground.client.connection().workflow_service();
    let began = Instant::now();
    loop {
        match service
            .start_batch_operation(Request::new(request.clone()))
            .await
        {
            Err(busy) if busy.code() == Code::ResourceExhausted && began.elapsed() < PATIENCE => {
                SystemClock.sleep(LOOK).await;
            }
            started => return started.map(drop),
        }
    }
}

/// The operation once it has ended.
async fn ended(ground: &Ground, job_id: &str) -> anyhow::Result<DescribeBatchOperationResponse> {
    let mut service = ground.client.connection().workflow_service();
    loop {
        let request = DescribeBatchOperationRequest {
            namespace: ground.namespace.clone(),
            job_id: job_id.to_owned(),
        };
        let described = service.describe_batch_operation(Request::new(request));
        let described = described.await?.into_inner();
        match described.state() {
            BatchOperationState::Running | BatchOperationState::Unspecified => {}
            BatchOperationState::Completed => return Ok(described),
            BatchOperationState::Failed => bail!("the server's batch reset failed: {described:?}"),
        }
        SystemClock.sleep(LOOK).await;
    }
}

fn time(time: Option<prost_wkt_types::Timestamp>) -> Option<Timestamp> {
    time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok())
}
