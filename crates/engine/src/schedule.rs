//! The schedule that starts a batch every so often: created when missing, updated when it differs from the settings.
//!
//! An operator's pause, and its note, are never touched.

use std::time::Duration;

use temporalio_client::Client;
use temporalio_common::protos::temporal::api::common::v1::WorkflowType;
use temporalio_common::protos::temporal::api::enums::v1::ScheduleOverlapPolicy;
use temporalio_common::protos::temporal::api::schedule::v1::{
    IntervalSpec, Schedule, ScheduleAction, SchedulePolicies, ScheduleSpec, schedule_action::Action,
};
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CreateScheduleRequest, DescribeScheduleRequest, UpdateScheduleRequest,
};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::clock::{Clock, SystemClock};
use crate::gateway::GatewayError;

/// The pauses between tries: a schedule that takes in a change answers nobody for up to a few seconds.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
    Duration::from_millis(3200),
];

/// What the schedule is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleSettings {
    /// The schedule's id.
    pub id: String,
    /// The task queue of the batch workflow.
    pub task_queue: String,
    /// The time between two ticks; also how far back a missed tick is caught up.
    pub interval: Duration,
}

/// What [`apply`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// There was none; now there is.
    Created,
    /// It differed from the settings.
    Updated,
    /// It is as it should be.
    Unchanged,
}

/// Makes the schedule what `settings` say. Workers of a rollout do so at the same time: one that the server turns away
/// for another's sake looks at the schedule again.
pub async fn apply(client: &Client, settings: &ScheduleSettings) -> Result<Applied, GatewayError> {
    for pause in PAUSES {
        match try_apply(client, settings).await {
            Err(status) if is_in_anothers_way(&status) => SystemClock.sleep(pause).await,
            applied => return applied.map_err(|status| GatewayError::from_status(&status)),
        }
    }
    let applied = try_apply(client, settings).await;
    applied.map_err(|status| GatewayError::from_status(&status))
}

/// Whether another changes the schedule (it is no longer as it was described), or asks for it at this moment (a server
/// describes it to one at a time).
fn is_in_anothers_way(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::FailedPrecondition | Code::Aborted | Code::ResourceExhausted
    )
}

async fn try_apply(client: &Client, settings: &ScheduleSettings) -> Result<Applied, Status> {
    let wanted = wanted(settings);
    let Some((found, token)) = describe(client, &settings.id).await? else {
        return match create(client, settings, wanted).await {
            Ok(()) => Ok(Applied::Created),
            // Another process was first.
            Err(status) if status.code() == Code::AlreadyExists => Ok(Applied::Unchanged),
            Err(status) => Err(status),
        };
    };
    if is_as(&found, &wanted) {
        return Ok(Applied::Unchanged);
    }
    let schedule = Schedule {
        state: found.state,
        ..wanted
    };
    let request = UpdateScheduleRequest {
        namespace: client.options().namespace.clone(),
        schedule_id: settings.id.clone(),
        schedule: Some(schedule),
        conflict_token: token,
        identity: client.connection().identity().to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    let mut service = client.connection().workflow_service();
    service.update_schedule(Request::new(request)).await?;
    Ok(Applied::Updated)
}

async fn describe(client: &Client, id: &str) -> Result<Option<(Schedule, Vec<u8>)>, Status> {
    let request = DescribeScheduleRequest {
        namespace: client.options().namespace.clone(),
        schedule_id: id.to_owned(),
    };
    let mut service = client.connection().workflow_service();
    match service.describe_schedule(Request::new(request)).await {
        Ok(response) => {
            let response = response.into_inner();
            Ok(response
                .schedule
                .map(|schedule| (schedule, response.conflict_token)))
        }
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}

async fn create(
    client: &Client,
    settings: &ScheduleSettings,
    schedule: Schedule,
) -> Result<(), Status> {
    let request = CreateScheduleRequest {
        namespace: client.options().namespace.clone(),
        schedule_id: settings.id.clone(),
        schedule: Some(schedule),
        identity: client.connection().identity().to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    let mut service = client.connection().workflow_service();
    service
        .create_schedule(Request::new(request))
        .await
        .map(drop)
}

fn wanted(settings: &ScheduleSettings) -> Schedule {
    let interval = prost_wkt_types::Duration::try_from(settings.interval).ok();
    let timeout =
        prost_wkt_types::Duration::try_from(redrive_flows::options::EXECUTION_TIMEOUT).ok();
    Schedule {
        spec: Some(ScheduleSpec {
            interval: vec![IntervalSpec {
                interval,
                phase: None,
            }],
            ..Default::default()
        }),
        action: Some(ScheduleAction {
            action: Some(Action::StartWorkflow(NewWorkflowExecutionInfo {
                workflow_id: redrive_flows::ACTION_ID.to_owned(),
                workflow_type: Some(WorkflowType {
                    name: redrive_flows::BATCH_WORKFLOW.to_owned(),
                }),
                task_queue: Some(TaskQueue {
                    name: settings.task_queue.clone(),
                    ..Default::default()
                }),
                workflow_execution_timeout: timeout,
                ..Default::default()
            })),
        }),
        policies: Some(SchedulePolicies {
            overlap_policy: ScheduleOverlapPolicy::Skip as i32,
            catchup_window: interval,
            ..Default::default()
        }),
        state: None,
    }
}

/// Whether the found schedule does what is wanted, in what Redrive sets; the server fills in more.
fn is_as(found: &Schedule, wanted: &Schedule) -> bool {
    ticks(found) == ticks(wanted)
        && policies(found) == policies(wanted)
        && starts(found) == starts(wanted)
}

/// Only an interval ticks; a calendar or cron line that somebody added makes it differ.
fn ticks(schedule: &Schedule) -> Option<(Vec<Option<prost_wkt_types::Duration>>, bool)> {
    let spec = schedule.spec.as_ref()?;
    let others = spec.structured_calendar.len() + spec.calendar.len() + spec.cron_string.len();
    Some((
        spec.interval.iter().map(|every| every.interval).collect(),
        others == 0,
    ))
}

fn policies(schedule: &Schedule) -> Option<(i32, Option<prost_wkt_types::Duration>)> {
    let policies = schedule.policies.as_ref()?;
    Some((policies.overlap_policy, policies.catchup_window))
}

fn starts(schedule: &Schedule) -> Option<(&str, &str, &str, Option<prost_wkt_types::Duration>)> {
    let Some(Action::StartWorkflow(start)) = schedule.action.as_ref()?.action.as_ref() else {
        return None;
    };
    let workflow_type = start.workflow_type.as_ref().map_or("", |kind| &kind.name);
    let task_queue = start.task_queue.as_ref().map_or("", |queue| &queue.name);
    Some((
        &start.workflow_id,
        workflow_type,
        task_queue,
        start.workflow_execution_timeout,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_no_longer_the_latest_is_anothers_change() {
        let mismatch = Status::failed_precondition("mismatched conflict token");
        assert!(is_in_anothers_way(&mismatch));
        assert!(!is_in_anothers_way(&Status::permission_denied("no")));
    }
}
