//! What operators do to the schedule: pause it, resume it, let it tick now, delete it.

use temporalio_client::Client;
use temporalio_common::protos::temporal::api::schedule::v1::{
    SchedulePatch, TriggerImmediatelyRequest,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DeleteScheduleRequest, PatchScheduleRequest,
};
use tonic::Request;
use uuid::Uuid;

use crate::gateway::GatewayError;

/// Pauses it, with a note.
pub(crate) async fn pause(client: &Client, id: &str, note: String) -> Result<(), GatewayError> {
    let patch = SchedulePatch {
        pause: note,
        ..Default::default()
    };
    send(client, id, patch).await
}

/// Lets it tick again, with a note.
pub(crate) async fn resume(client: &Client, id: &str, note: String) -> Result<(), GatewayError> {
    let patch = SchedulePatch {
        unpause: note,
        ..Default::default()
    };
    send(client, id, patch).await
}

/// Lets it tick now, paused or not, under its own overlap policy.
pub(crate) async fn trigger(client: &Client, id: &str) -> Result<(), GatewayError> {
    let patch = SchedulePatch {
        trigger_immediately: Some(TriggerImmediatelyRequest::default()),
        ..Default::default()
    };
    send(client, id, patch).await
}

/// Deletes it. What it started goes on.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<(), GatewayError> {
    let request = DeleteScheduleRequest {
        namespace: client.options().namespace.clone(),
        schedule_id: id.to_owned(),
        identity: client.connection().identity().to_owned(),
    };
    let mut service = client.connection().workflow_service();
    let deleted = service.delete_schedule(Request::new(request)).await;
    deleted
        .map(drop)
        .map_err(|status| GatewayError::from_status(&status))
}

async fn send(client: &Client, id: &str, patch: SchedulePatch) -> Result<(), GatewayError> {
    let request = PatchScheduleRequest {
        namespace: client.options().namespace.clone(),
        schedule_id: id.to_owned(),
        patch: Some(patch),
        identity: client.connection().identity().to_owned(),
        request_id: Uuid::new_v4().to_string(),
    };
    let mut service = client.connection().workflow_service();
    let patched = service.patch_schedule(Request::new(request)).await;
    patched
        .map(drop)
        .map_err(|status| GatewayError::from_status(&status))
}
