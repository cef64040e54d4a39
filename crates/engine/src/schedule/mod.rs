//! The schedule that starts a batch every so often: created when missing, updated when it differs from the settings.
//!
//! A *plan* says what that takes before anything is done. An operator's pause, and its note, are never touched by it.

mod act;
mod state;
mod wanted;

use std::time::Duration;

use temporalio_client::Client;
use temporalio_common::protos::temporal::api::schedule::v1::Schedule;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CreateScheduleRequest, DescribeScheduleRequest, DescribeScheduleResponse, UpdateScheduleRequest,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::clock::{Clock, SystemClock};
use crate::gateway::{GatewayError, asked};

pub(crate) use act::{delete, pause, resume, trigger};
pub(crate) use state::newest_tick;
pub use state::{ScheduleStatus, Ticked, status};

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

/// What [`execute`] is to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Planned {
    /// There is none.
    Create,
    /// It differs: as it was found, and the token that lets only that be changed.
    Update(Box<Schedule>, Vec<u8>),
    /// It is as it should be.
    Nothing,
}

/// The pauses between tries: a schedule that takes in a change answers nobody for up to a few seconds.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
    Duration::from_millis(3200),
];

/// Makes the schedule what `settings` say. Workers of a rollout do so at the same time: one that the server turns away
/// for another's sake (its token is spent, or the schedule is busy) looks at the schedule again.
pub async fn apply(client: &Client, settings: &ScheduleSettings) -> Result<Applied, GatewayError> {
    for pause in PAUSES {
        match try_apply(client, settings).await {
            Err(GatewayError::Item(_) | GatewayError::Throttle(_)) => {
                SystemClock.sleep(pause).await
            }
            applied => return applied,
        }
    }
    try_apply(client, settings).await
}

async fn try_apply(client: &Client, settings: &ScheduleSettings) -> Result<Applied, GatewayError> {
    let planned = plan(client, settings).await?;
    execute(client, settings, planned).await
}

/// What it takes to make the schedule what `settings` say.
pub(crate) async fn plan(
    client: &Client,
    settings: &ScheduleSettings,
) -> Result<Planned, GatewayError> {
    let Some(response) = describe(client, &settings.id).await? else {
        return Ok(Planned::Create);
    };
    let found = response.schedule.unwrap_or_default();
    if wanted::differences(&found, &wanted::schedule(settings)).is_empty() {
        return Ok(Planned::Nothing);
    }
    Ok(Planned::Update(Box::new(found), response.conflict_token))
}

/// Carries a plan out.
pub(crate) async fn execute(
    client: &Client,
    settings: &ScheduleSettings,
    planned: Planned,
) -> Result<Applied, GatewayError> {
    let wanted = wanted::schedule(settings);
    match planned {
        Planned::Nothing => Ok(Applied::Unchanged),
        Planned::Create => match create(client, settings, wanted).await {
            Ok(()) => Ok(Applied::Created),
            // Another process was first.
            Err(status) if status.code() == Code::AlreadyExists => Ok(Applied::Unchanged),
            Err(status) => Err(GatewayError::from_status(&status)),
        },
        Planned::Update(found, token) => {
            let schedule = Schedule {
                state: found.state,
                ..wanted
            };
            update(client, settings, schedule, token).await?;
            Ok(Applied::Updated)
        }
    }
}

/// The schedule as the server tells it; `None` where there is none.
pub(crate) async fn describe(
    client: &Client,
    id: &str,
) -> Result<Option<DescribeScheduleResponse>, GatewayError> {
    let request = DescribeScheduleRequest {
        namespace: client.options().namespace.clone(),
        schedule_id: id.to_owned(),
    };
    let described = asked(client, &request, |mut service, request| async move {
        service.describe_schedule(request).await
    });
    match described.await {
        Ok(response) => Ok(Some(response.into_inner())),
        Err(status) => match (status.code(), GatewayError::from_status(&status)) {
            (Code::NotFound, GatewayError::Item(_)) => Ok(None),
            (_, error) => Err(error),
        },
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
    let created = asked(client, &request, |mut service, request| async move {
        service.create_schedule(request).await
    });
    created.await.map(drop)
}

async fn update(
    client: &Client,
    settings: &ScheduleSettings,
    schedule: Schedule,
    conflict_token: Vec<u8>,
) -> Result<(), GatewayError> {
    let request = UpdateScheduleRequest {
        namespace: client.options().namespace.clone(),
        schedule_id: settings.id.clone(),
        schedule: Some(schedule),
        conflict_token,
        identity: client.connection().identity().to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    let updated = asked(client, &request, |mut service, request| async move {
        service.update_schedule(request).await
    });
    updated
        .await
        .map(drop)
        .map_err(|status| GatewayError::from_status(&status))
}
