//! What operators do to the schedule: pause it, resume it, let it tick now, delete it.

use temporalio_client::Client;
use temporalio_common::protos::temporal::api::schedule::v1::{
    SchedulePatch, TriggerImmediatelyRequest,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DeleteScheduleRequest, PatchScheduleRequest,
};
use tonic::{Code, Request};
use uuid::Uuid;

use crate::gateway::{GatewayError, asked, twice_or_done};

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
    let delete = || async {
        let mut service = client.connection().workflow_service();
        let deleted = service.delete_schedule(Request::new(request.clone())).await;
        deleted.map(drop)
    };
    let deleted = twice_or_done(delete, |again| match again {
        Err(status) if status.code() == Code::NotFound => Ok(()),
        again => again,
    });
    deleted
        .await
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
    let patched = asked(client, &request, |mut service, request| async move {
        service.patch_schedule(request).await
    });
    patched
        .await
        .map(drop)
        .map_err(|status| GatewayError::from_status(&status))
}
