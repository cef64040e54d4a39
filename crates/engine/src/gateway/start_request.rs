//! How a failed run is started again: what is copied from its first event, what is added, what is dropped.
//!
//! The request is kept as encoded bytes and never looked into: payloads stay opaque. Every field of the start event is
//! decided here; the test below fails when the protocol gains one that is not.

use prost::Message;
use redrive_core::ids::{BatchId, RunId};
use serde::{Deserialize, Serialize};
use temporalio_common::protos::temporal::api::common::v1::{Memo, Payload, SearchAttributes};
use temporalio_common::protos::temporal::api::enums::v1::{
    WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
};
use temporalio_common::protos::temporal::api::history::v1::WorkflowExecutionStartedEventAttributes;
use temporalio_common::protos::temporal::api::sdk::v1::UserMetadata;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

use super::{GatewayError, Restart};

/// The memo key under which a restarted run says where it comes from.
pub const MEMO_KEY: &str = "redrive";

/// What a restarted run says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartMemo {
    /// The batch that restarted it.
    pub batch: BatchId,
    /// The order's generation.
    pub generation: u32,
    /// The attempt's number within it.
    pub attempt: u32,
    /// The failed run it was restarted from.
    pub from_run: RunId,
}

/// The memo of ours in `memo`, if there is one.
pub fn restart_memo(memo: Option<&Memo>) -> Option<RestartMemo> {
    let payload = memo?.fields.get(MEMO_KEY)?;
    serde_json::from_slice(&payload.data).ok()
}

/// The request that starts a run as this event records it, encoded. Ids and policies are filled in when it is sent.
pub(super) fn from_event(
    event: WorkflowExecutionStartedEventAttributes,
    metadata: Option<UserMetadata>,
) -> Vec<u8> {
    let request = StartWorkflowExecutionRequest {
        workflow_type: event.workflow_type,
        task_queue: event.task_queue,
        input: event.input,
        workflow_execution_timeout: event.workflow_execution_timeout,
        workflow_run_timeout: event.workflow_run_timeout,
        workflow_task_timeout: event.workflow_task_timeout,
        retry_policy: event.retry_policy,
        memo: event.memo,
        search_attributes: event.search_attributes.map(without_server_owned),
        header: event.header,
        user_metadata: metadata,
        versioning_override: event.versioning_override,
        priority: event.priority,
        ..Default::default()
    };
    request.encode_to_vec()
}

/// Search attributes that the server sets by itself, and refuses or misreads from a client.
fn without_server_owned(mut attributes: SearchAttributes) -> SearchAttributes {
    attributes
        .indexed_fields
        .retain(|name, _| !name.starts_with("Temporal") && name != "BuildIds");
    attributes
}

/// The request to send.
pub(super) fn to_send(
    restart: &Restart,
    namespace: &str,
    identity: &str,
) -> Result<StartWorkflowExecutionRequest, GatewayError> {
    let mut request = StartWorkflowExecutionRequest::decode(restart.request.as_slice())
        .map_err(|_| GatewayError::Item("the stored start request cannot be read".into()))?;
    request
        .memo
        .get_or_insert_default()
        .fields
        .insert(MEMO_KEY.into(), memo_payload(restart));
    Ok(StartWorkflowExecutionRequest {
        namespace: namespace.into(),
        workflow_id: restart.workflow_id.to_string(),
        request_id: restart.mark.request_id.to_string(),
        identity: identity.into(),
        workflow_id_reuse_policy: WorkflowIdReusePolicy::AllowDuplicateFailedOnly as i32,
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::Fail as i32,
        ..request
    })
}

fn memo_payload(restart: &Restart) -> Payload {
    let memo = RestartMemo {
        batch: restart.batch.clone(),
        generation: restart.generation,
        attempt: restart.attempt,
        from_run: restart.mark.from_run.clone(),
    };
    Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: serde_json::to_vec(&memo).expect("a memo of texts and numbers is always JSON"),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests;
