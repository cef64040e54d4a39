//! The gateway to a real Temporal server, over its raw service: the high-level client hides the start's request id.

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::ids::{Home, RunId, WorkflowId};
use temporalio_client::request_extensions::RetryConfigForCall;
use temporalio_client::{Client, RetryOptions};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse, GetClusterInfoRequest, ListWorkflowExecutionsRequest,
};
use tonic::{Code, Request, Status};

use super::{
    FailedRun, Gateway, GatewayError, Mark, Page, Restart, Result, RunToRead, Started, Window,
    asked, history, in_time, start_request,
};

/// How long one start may take before its answer counts as lost.
const START_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
/// The longest that a description is waited for. It takes milliseconds; where the shard of a workflow is lost it may never come, and
/// this is well below the heartbeat timeout.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(8);
/// Rows a page of a scan: the server's largest.
const SCAN_PAGE: i32 = 1000;
/// Rows a page of a look-back: one order's runs are few.
const LOOK_BACK_PAGE: i32 = 100;

/// The gateway to a Temporal server.
#[derive(Clone)]
pub struct TemporalGateway {
    pub(super) client: Client,
    pub(super) home: Home,
}

impl TemporalGateway {
    /// Asks the server which cluster it is, and that the namespace exists.
    pub async fn connect(client: Client) -> Result<Self> {
        let namespace = client.options().namespace.clone();
        let mut service = client.connection().workflow_service();
        let cluster = service
            .get_cluster_info(Request::new(GetClusterInfoRequest {}))
            .await
            .map_err(status)?
            .into_inner();
        let gateway = Self {
            client,
            home: Home {
                cluster_id: cluster.cluster_id,
                namespace,
            },
        };
        gateway.count("WorkflowId = ''".to_owned()).await?;
        Ok(gateway)
    }

    /// The client it calls through.
    pub fn client(&self) -> &Client {
        &self.client
    }

    async fn describe_raw(
        &self,
        workflow_id: &WorkflowId,
        run_id: Option<&RunId>,
    ) -> Result<Option<DescribeWorkflowExecutionResponse>> {
        let request = DescribeWorkflowExecutionRequest {
            namespace: self.home.namespace.clone(),
            execution: Some(execution(workflow_id, run_id)),
        };
        let described = asked(&self.client, &request, |mut service, request| async move {
            service.describe_workflow_execution(request).await
        });
        found(in_time(LONGEST, described).await)
    }

    async fn count(&self, query: String) -> Result<u64> {
        let request = CountWorkflowExecutionsRequest {
            namespace: self.home.namespace.clone(),
            query,
        };
        let counted = asked(&self.client, &request, |mut service, request| async move {
            service.count_workflow_executions(request).await
        });
        let response = counted.await.map_err(status)?;
        Ok(u64::try_from(response.into_inner().count).unwrap_or(0))
    }

    async fn list(
        &self,
        query: String,
        page_size: i32,
        next_page_token: Vec<u8>,
    ) -> Result<(Vec<WorkflowExecutionInfo>, Vec<u8>)> {
        let request = ListWorkflowExecutionsRequest {
            namespace: self.home.namespace.clone(),
            page_size,
            next_page_token,
            query,
        };
        let listed = asked(&self.client, &request, |mut service, request| async move {
            service.list_workflow_executions(request).await
        });
        let response = listed.await.map_err(status)?.into_inner();
        Ok((response.executions, response.next_page_token))
    }

    /// Whether the chain that `info` belongs to answers `mark`: by our memo, which a chain hands on, or by the request id
    /// in its first run's description.
    async fn answers(
        &self,
        latest: &DescribeWorkflowExecutionResponse,
        info: &WorkflowExecutionInfo,
        mark: &Mark,
    ) -> Result<bool> {
        if start_request::restart_memo(info.memo.as_ref())
            .is_some_and(|memo| memo.from_run == mark.from_run)
        {
            return Ok(true);
        }
        let run = info.execution.clone().unwrap_or_default();
        if run.run_id == info.first_run_id {
            return Ok(has_request(latest, mark));
        }
        let workflow_id = WorkflowId::from(run.workflow_id);
        let first = self
            .describe_raw(&workflow_id, Some(&RunId::from(info.first_run_id.as_str())))
            .await?;
        Ok(first.is_some_and(|first| has_request(&first, mark)))
    }
}

#[async_trait]
impl Gateway for TemporalGateway {
    fn home(&self) -> &Home {
        &self.home
    }

    async fn describe(
        &self,
        workflow_id: &WorkflowId,
        mark: Option<&Mark>,
    ) -> Result<Option<Latest>> {
        let Some(response) = self.describe_raw(workflow_id, None).await? else {
            return Ok(None);
        };
        let info = info_of(&response)?;
        let ours = match mark {
            Some(mark) => self.answers(&response, info, mark).await?,
            None => false,
        };
        Ok(Some(Latest {
            run_id: info
                .execution
                .as_ref()
                .map(|run| run.run_id.as_str())
                .unwrap_or_default()
                .into(),
            first_run_id: info.first_run_id.as_str().into(),
            status: run_status(info.status())?,
            started_at: time(info.start_time).unwrap_or(Timestamp::UNIX_EPOCH),
            closed_at: time(info.close_time),
            ours,
        }))
    }

    async fn run_status(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<RunStatus>> {
        match self.describe_raw(workflow_id, Some(run_id)).await? {
            Some(response) => Ok(Some(run_status(info_of(&response)?.status())?)),
            None => Ok(None),
        }
    }

    async fn look_back(
        &self,
        workflow_id: &WorkflowId,
        mark: &Mark,
        since: Timestamp,
    ) -> Result<Option<RunId>> {
        let query = format!(
            "WorkflowId = {} AND StartTime >= '{since}'",
            quoted(workflow_id.as_str())
        );
        let mut page = Vec::new();
        loop {
            let (runs, next) = self.list(query.clone(), LOOK_BACK_PAGE, page).await?;
            for run in runs {
                let memo = start_request::restart_memo(run.memo.as_ref());
                if memo.is_some_and(|memo| memo.from_run == mark.from_run) {
                    let run_id = RunId::from(run.execution.unwrap_or_default().run_id);
                    let described = self.describe_raw(workflow_id, Some(&run_id)).await?;
                    return Ok(described
                        .and_then(|run| run.workflow_execution_info)
                        .map(|info| info.first_run_id.into()));
                }
            }
            if next.is_empty() {
                return Ok(None);
            }
            page = next;
        }
    }

    async fn start(&self, restart: &Restart) -> Result<Started> {
        let identity = self.client.connection().identity().to_owned();
        let mut request = Request::new(start_request::to_send(
            restart,
            &self.home.namespace,
            &identity,
        )?);
        request.set_timeout(START_TIMEOUT);
        // A repeated start is preceded by a new description, never sent blindly by the transport.
        request
            .extensions_mut()
            .insert(RetryConfigForCall(RetryOptions::no_retries()));
        let mut service = self.client.connection().workflow_service();
        match service.start_workflow_execution(request).await {
            Ok(response) => Ok(Started::Run(response.into_inner().run_id.into())),
            Err(refused) if refused.code() == Code::AlreadyExists => Ok(Started::Conflict),
            Err(error) => Err(status(error)),
        }
    }

    async fn read_failure(&self, run: &RunToRead) -> Result<Option<FailedRun>> {
        self.failure_of(run).await
    }

    async fn read_start(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<Vec<u8>>> {
        self.start_of(workflow_id, run_id).await
    }

    async fn count_failed(&self, window: &Window) -> Result<u64> {
        self.count(failed_in(window)).await
    }

    async fn list_failed(&self, window: &Window, page: Vec<u8>) -> Result<Page> {
        let (runs, next) = self.list(failed_in(window), SCAN_PAGE, page).await?;
        let runs = runs.into_iter().filter_map(history::to_read).collect();
        Ok(Page { runs, next })
    }
}

fn failed_in(window: &Window) -> String {
    format!(
        "WorkflowType = {} AND ExecutionStatus IN ('Failed', 'TimedOut') AND CloseTime >= '{}' AND CloseTime < '{}'",
        quoted(&window.workflow_type),
        window.from,
        window.to
    )
}

/// A text in a visibility query: single quotes are escaped by a backslash, as the backslash itself.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn status(status: Status) -> GatewayError {
    GatewayError::from_status(&status)
}

/// The response, or `None` where the server does not know the workflow (but does know the namespace).
pub(super) fn found<T>(
    response: std::result::Result<tonic::Response<T>, Status>,
) -> Result<Option<T>> {
    match response {
        Ok(response) => Ok(Some(response.into_inner())),
        Err(error) => match (error.code(), status(error)) {
            (Code::NotFound, GatewayError::Item(_)) => Ok(None),
            (_, error) => Err(error),
        },
    }
}

fn info_of(response: &DescribeWorkflowExecutionResponse) -> Result<&WorkflowExecutionInfo> {
    let info = response.workflow_execution_info.as_ref();
    info.ok_or_else(|| GatewayError::Unknown("a description without an execution".into()))
}

fn has_request(response: &DescribeWorkflowExecutionResponse, mark: &Mark) -> bool {
    let infos = response
        .workflow_extended_info
        .as_ref()
        .map(|info| &info.request_id_infos);
    infos.is_some_and(|infos| infos.contains_key(&mark.request_id.to_string()))
}

pub(super) fn execution(workflow_id: &WorkflowId, run_id: Option<&RunId>) -> WorkflowExecution {
    WorkflowExecution {
        workflow_id: workflow_id.to_string(),
        run_id: run_id.map(ToString::to_string).unwrap_or_default(),
    }
}

pub(super) fn time(time: Option<prost_wkt_types::Timestamp>) -> Option<Timestamp> {
    time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok())
}

fn run_status(status: WorkflowExecutionStatus) -> Result<RunStatus> {
    match status {
        // A paused workflow has not closed.
        WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused => {
            Ok(RunStatus::Running)
        }
        WorkflowExecutionStatus::Completed => Ok(RunStatus::Completed),
        WorkflowExecutionStatus::Failed => Ok(RunStatus::Failed),
        WorkflowExecutionStatus::Canceled => Ok(RunStatus::Canceled),
        WorkflowExecutionStatus::Terminated => Ok(RunStatus::Terminated),
        WorkflowExecutionStatus::ContinuedAsNew => Ok(RunStatus::ContinuedAsNew),
        WorkflowExecutionStatus::TimedOut => Ok(RunStatus::TimedOut),
        WorkflowExecutionStatus::Unspecified => {
            Err(GatewayError::Unknown("a run without a status".into()))
        }
    }
}
