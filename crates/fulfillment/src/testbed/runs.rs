//! Starting and looking at runs from a test, raw: every field of the start request is in the test's hand.

use temporalio_common::protos::temporal::api::{
    common::v1::{Payload, Payloads, WorkflowExecution, WorkflowType},
    enums::v1::{WorkflowExecutionStatus, WorkflowIdReusePolicy},
    taskqueue::v1::TaskQueue,
    workflow::v1::WorkflowExecutionInfo,
    workflowservice::v1::{DescribeWorkflowExecutionRequest, StartWorkflowExecutionRequest},
};

use super::{Testbed, eventually};

impl Testbed {
    /// A start request with a random request id and reuse policy `AllowDuplicateFailedOnly`; change its
    /// fields as the test needs.
    #[must_use]
    pub fn start_request(
        &self,
        workflow_id: &str,
        workflow_type: &str,
        task_queue: &str,
    ) -> StartWorkflowExecutionRequest {
        StartWorkflowExecutionRequest {
            namespace: self.namespace.clone(),
            workflow_id: workflow_id.to_owned(),
            workflow_type: Some(WorkflowType {
                name: workflow_type.to_owned(),
            }),
            task_queue: Some(TaskQueue {
                name: task_queue.to_owned(),
                ..Default::default()
            }),
            request_id: uuid::Uuid::new_v4().to_string(),
            identity: "testbed".to_owned(),
            workflow_id_reuse_policy: WorkflowIdReusePolicy::AllowDuplicateFailedOnly as i32,
            ..Default::default()
        }
    }

    /// Starts a run and returns its id.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn start(&self, request: StartWorkflowExecutionRequest) -> String {
        let workflow_id = request.workflow_id.clone();
        match self
            .service()
            .start_workflow_execution(tonic::Request::new(request))
            .await
        {
            Ok(started) => started.into_inner().run_id,
            Err(status) => panic!("cannot start {workflow_id}: {status}"),
        }
    }

    /// What the server knows of the latest run of `workflow_id`; nothing if there is none.
    pub async fn latest(&self, workflow_id: &str) -> Option<WorkflowExecutionInfo> {
        self.describe(workflow_id, "").await
    }

    /// What the server knows of one run; an empty `run_id` means the latest.
    pub async fn describe(&self, workflow_id: &str, run_id: &str) -> Option<WorkflowExecutionInfo> {
        let request = DescribeWorkflowExecutionRequest {
            namespace: self.namespace.clone(),
            execution: Some(WorkflowExecution {
                workflow_id: workflow_id.to_owned(),
                run_id: run_id.to_owned(),
            }),
        };
        let described = self
            .service()
            .describe_workflow_execution(tonic::Request::new(request))
            .await;
        described.ok()?.into_inner().workflow_execution_info
    }

    /// Waits until the latest run of `workflow_id` has `status`, and returns it.
    ///
    /// # Panics
    /// If it does not get there in time.
    pub async fn await_status(
        &self,
        workflow_id: &str,
        status: WorkflowExecutionStatus,
    ) -> WorkflowExecutionInfo {
        let what = format!("{workflow_id} to be {}", status.as_str_name());
        eventually(&what, || async {
            self.latest(workflow_id)
                .await
                .filter(|run| run.status == status as i32)
        })
        .await
    }
}

/// `value` as one JSON payload, as every Temporal SDK writes it by default.
#[must_use]
pub fn json_payload(value: &serde_json::Value) -> Payload {
    let encoding = ("encoding".to_owned(), b"json/plain".to_vec());
    Payload {
        metadata: [encoding].into(),
        data: value.to_string().into_bytes(),
        ..Default::default()
    }
}

/// `value` as the only argument of a workflow.
#[must_use]
pub fn json_input(value: &serde_json::Value) -> Payloads {
    Payloads {
        payloads: vec![json_payload(value)],
    }
}
