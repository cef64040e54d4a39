//! What a check-up asks of Temporal. Each question is asked by itself: one that fails keeps no other from its answer.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_core::ids::Home;
use temporalio_client::Client;
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common::protos::temporal::api::taskqueue::v1::{PollerInfo, TaskQueue};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, DescribeNamespaceRequest, DescribeTaskQueueRequest,
    GetClusterInfoRequest, ListWorkflowExecutionsRequest,
};

use crate::clock::Clock;
use crate::gateway::{GatewayError, asked, quoted};
use crate::schedule::{self, ScheduleSettings, ScheduleStatus};
use crate::server_time;

/// A worker polls again at least once a minute; the server remembers pollers for five. One that was last seen longer
/// ago than this, in seconds, is gone.
const GONE_AFTER: i64 = 90;
/// Runs on our task queue that are looked at for types that are not ours.
const LOOKED_AT: i32 = 200;

/// What was asked, or why there is no answer.
pub type Answer<T> = Result<T, GatewayError>;

/// What Temporal says.
#[derive(Debug)]
pub struct Checkup {
    /// Which cluster, and its version.
    pub cluster: Answer<(Home, String)>,
    /// How long closed runs are kept.
    pub retention: Answer<Option<Duration>>,
    /// By how much the server's clock is ahead of this machine's at least; negative where it is behind.
    pub server_ahead: Answer<SignedDuration>,
    /// Workers that poll our task queue.
    pub pollers: Answer<Pollers>,
    /// Workflow types that run on our task queue and are not ours.
    pub foreign_types: Answer<Vec<String>>,
    /// Watched workflow types of which visibility knows no run.
    pub unseen_types: Answer<Vec<String>>,
    /// The schedule; `None`: there is none.
    pub schedule: Answer<Option<ScheduleStatus>>,
}

/// Workers that poll a task queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pollers {
    /// For workflow tasks.
    pub workflow: usize,
    /// For activities.
    pub activity: usize,
}

/// Asks everything about `watched` workflow types and our own schedule and task queue.
pub async fn checkup(
    client: &Client,
    settings: &ScheduleSettings,
    watched: &[&str],
    clock: &dyn Clock,
) -> Checkup {
    let asks = Asks { client };
    let queue = settings.task_queue.as_str();
    let server_ahead = server_time::ahead(client, clock).await;
    // Pollers were seen by the server's clock.
    let now = clock.now() + *server_ahead.as_ref().unwrap_or(&SignedDuration::ZERO);
    Checkup {
        cluster: asks.cluster().await,
        retention: asks.retention().await,
        server_ahead,
        pollers: asks.pollers(queue, now).await,
        foreign_types: asks.foreign_types(queue).await,
        unseen_types: asks.unseen_types(watched).await,
        schedule: schedule::status(client, settings).await,
    }
}

/// The workers that poll a task queue now.
pub(crate) async fn pollers(client: &Client, queue: &str, now: Timestamp) -> Answer<Pollers> {
    Asks { client }.pollers(queue, now).await
}

/// The questions.
pub(crate) struct Asks<'a> {
    pub(crate) client: &'a Client,
}

impl Asks<'_> {
    fn namespace(&self) -> String {
        self.client.options().namespace.clone()
    }

    async fn cluster(&self) -> Answer<(Home, String)> {
        let request = GetClusterInfoRequest {};
        let info = asked(self.client, &request, |mut service, request| async move {
            service.get_cluster_info(request).await
        });
        let info = info
            .await
            .map_err(|status| GatewayError::from_status(&status))?
            .into_inner();
        let home = Home {
            cluster_id: info.cluster_id,
            namespace: self.namespace(),
        };
        Ok((home, info.server_version))
    }

    async fn retention(&self) -> Answer<Option<Duration>> {
        let request = DescribeNamespaceRequest {
            namespace: self.namespace(),
            ..Default::default()
        };
        let described = asked(self.client, &request, |mut service, request| async move {
            service.describe_namespace(request).await
        });
        let described = described
            .await
            .map_err(|status| GatewayError::from_status(&status))?
            .into_inner();
        let ttl = described
            .config
            .and_then(|config| config.workflow_execution_retention_ttl);
        Ok(ttl.and_then(|ttl| Duration::try_from(ttl).ok()))
    }

    async fn pollers(&self, queue: &str, now: Timestamp) -> Answer<Pollers> {
        let workflow = self.polling(queue, TaskQueueType::Workflow).await?;
        let activity = self.polling(queue, TaskQueueType::Activity).await?;
        Ok(Pollers {
            workflow: living(&workflow, now),
            activity: living(&activity, now),
        })
    }

    /// Who has polled a task queue in the last minutes.
    pub(crate) async fn polling(
        &self,
        queue: &str,
        kind: TaskQueueType,
    ) -> Answer<Vec<PollerInfo>> {
        let request = DescribeTaskQueueRequest {
            namespace: self.namespace(),
            task_queue: Some(TaskQueue {
                name: queue.to_owned(),
                ..Default::default()
            }),
            task_queue_type: kind as i32,
            ..Default::default()
        };
        let described = asked(self.client, &request, |mut service, request| async move {
            service.describe_task_queue(request).await
        });
        let described = described.await;
        let described = described.map_err(|status| GatewayError::from_status(&status))?;
        Ok(described.into_inner().pollers)
    }

    async fn foreign_types(&self, queue: &str) -> Answer<Vec<String>> {
        let ours = [
            redrive_flows::BATCH_WORKFLOW,
            redrive_flows::ORCHESTRATION_WORKFLOW,
            redrive_flows::OPERATION_WORKFLOW,
        ];
        let others = ours.map(|ours| format!("WorkflowType != '{ours}'"));
        let request = ListWorkflowExecutionsRequest {
            namespace: self.namespace(),
            page_size: LOOKED_AT,
            query: format!(
                "TaskQueue = {} AND ExecutionStatus = 'Running' AND {}",
                quoted(queue),
                others.join(" AND ")
            ),
            ..Default::default()
        };
        let listed = asked(self.client, &request, |mut service, request| async move {
            service.list_workflow_executions(request).await
        });
        let listed = listed.await;
        let listed = listed.map_err(|status| GatewayError::from_status(&status))?;
        let types: BTreeSet<String> = listed
            .into_inner()
            .executions
            .into_iter()
            .filter_map(|run| Some(run.r#type?.name))
            .collect();
        Ok(types.into_iter().collect())
    }

    async fn unseen_types(&self, watched: &[&str]) -> Answer<Vec<String>> {
        let mut unseen = Vec::new();
        for workflow_type in watched {
            let request = CountWorkflowExecutionsRequest {
                namespace: self.namespace(),
                query: format!("WorkflowType = {}", quoted(workflow_type)),
            };
            let counted = asked(self.client, &request, |mut service, request| async move {
                service.count_workflow_executions(request).await
            });
            let counted = counted.await;
            let counted = counted.map_err(|status| GatewayError::from_status(&status))?;
            if counted.into_inner().count == 0 {
                unseen.push((*workflow_type).to_owned());
            }
        }
        Ok(unseen)
    }
}

/// How many of them live.
fn living(pollers: &[PollerInfo], now: Timestamp) -> usize {
    let seen = pollers.iter().filter_map(last_seen);
    seen.filter(|seen| now.as_second() - seen.as_second() < GONE_AFTER)
        .count()
}

/// When the server last heard from a poller, by its own clock.
pub(crate) fn last_seen(poller: &PollerInfo) -> Option<Timestamp> {
    let seen = poller.last_access_time?;
    Timestamp::new(seen.seconds, seen.nanos).ok()
}
