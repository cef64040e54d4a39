//! Who works: the workers that poll the task queue of our workflows.

use jiff::Timestamp;
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeTaskQueueRequest;

use super::{Ops, Result};
use crate::gateway::GatewayError;

/// A worker polls again at least once a minute; the server remembers pollers for five. One that was last seen longer
/// ago than this, in seconds, is gone.
const GONE_AFTER: i64 = 90;

impl Ops {
    /// How many workers poll the task queue of our workflows now.
    pub async fn pollers(&self) -> Result<usize> {
        let request = DescribeTaskQueueRequest {
            namespace: self.client.options().namespace.clone(),
            task_queue: Some(TaskQueue {
                name: self.engine.settings.task_queue.clone(),
                ..Default::default()
            }),
            task_queue_type: TaskQueueType::Workflow as i32,
            ..Default::default()
        };
        let mut service = self.client.connection().workflow_service();
        let described = service
            .describe_task_queue(tonic::Request::new(request))
            .await;
        let pollers = described
            .map_err(|status| GatewayError::from_status(&status))?
            .into_inner()
            .pollers;
        let now = self.engine.clock.now();
        Ok(pollers
            .iter()
            .filter(|poller| poller.last_access_time.is_some_and(|seen| lives(seen, now)))
            .count())
    }
}

fn lives(seen: prost_wkt_types::Timestamp, now: Timestamp) -> bool {
    now.as_second() - seen.seconds < GONE_AFTER
}
