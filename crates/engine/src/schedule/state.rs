//! How the schedule stands: what it is set to, when it ticks, what it started.

use std::time::Duration;

use jiff::Timestamp;
use temporalio_client::Client;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_common::protos::temporal::api::schedule::v1::{
    ScheduleActionResult, ScheduleInfo, ScheduleSpec,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeScheduleResponse;

use super::wanted::{differences, length, overlap, schedule};
use super::{ScheduleSettings, describe};
use crate::gateway::GatewayError;

/// The schedule as the server knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleStatus {
    /// The time between two ticks; `None` where it ticks otherwise.
    pub interval: Option<Duration>,
    /// Whether it is paused.
    pub paused: bool,
    /// The note of who last paused or resumed it; empty where nobody did.
    pub note: String,
    /// What happens at a tick while a batch runs.
    pub overlap_policy: &'static str,
    /// How far back a missed tick is caught up.
    pub catchup_window: Option<Duration>,
    /// The next ticks, the nearest first. A schedule that is paused has them too, and passes them over.
    pub next_ticks: Vec<Timestamp>,
    /// What it started last, the newest first.
    pub last_ticks: Vec<Ticked>,
    /// What it started and what still runs: workflow ids.
    pub running: Vec<String>,
    /// Ticks lost for good: nobody was there to take them within the catchup window.
    pub missed: u64,
    /// Ticks passed over while a batch was running.
    pub skipped: u64,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// In what it differs from the settings, a phrase each.
    pub differences: Vec<String>,
}

/// A tick that started a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticked {
    /// When.
    pub at: Timestamp,
    /// The batch's workflow id.
    pub workflow_id: String,
    /// The batch's id.
    pub batch_id: String,
    /// How the batch stands, as far as the schedule has heard: `running`, `completed`, `failed`, ...
    pub status: Option<&'static str>,
}

/// How the schedule stands; `None` where there is none.
pub async fn status(
    client: &Client,
    settings: &ScheduleSettings,
) -> Result<Option<ScheduleStatus>, GatewayError> {
    let response = describe(client, &settings.id).await?;
    Ok(response.map(|response| read(response, settings)))
}

/// The newest batch that the schedule started.
pub(crate) async fn newest_tick(client: &Client, id: &str) -> Result<Option<Ticked>, GatewayError> {
    let info = describe(client, id)
        .await?
        .and_then(|response| response.info);
    Ok(last_ticks(&info.unwrap_or_default()).into_iter().next())
}

fn read(response: DescribeScheduleResponse, settings: &ScheduleSettings) -> ScheduleStatus {
    let found = response.schedule.unwrap_or_default();
    let info = response.info.unwrap_or_default();
    let state = found.state.clone().unwrap_or_default();
    let policies = found.policies.unwrap_or_default();
    ScheduleStatus {
        interval: found.spec.as_ref().and_then(interval),
        paused: state.paused,
        note: state.notes,
        overlap_policy: overlap(&policies),
        catchup_window: length(policies.catchup_window),
        next_ticks: info
            .future_action_times
            .iter()
            .filter_map(|at| time(*at))
            .collect(),
        last_ticks: last_ticks(&info),
        running: info
            .running_workflows
            .iter()
            .map(|run| run.workflow_id.clone())
            .collect(),
        missed: u64::try_from(info.missed_catchup_window).unwrap_or(0),
        skipped: u64::try_from(info.overlap_skipped).unwrap_or(0),
        created_at: info.create_time.and_then(time),
        differences: differences(&found, &schedule(settings)),
    }
}

fn interval(spec: &ScheduleSpec) -> Option<Duration> {
    match spec.interval.as_slice() {
        [only] => length(only.interval),
        _ => None,
    }
}

fn last_ticks(info: &ScheduleInfo) -> Vec<Ticked> {
    let ticks = info.recent_actions.iter().rev();
    ticks.filter_map(ticked).collect()
}

fn ticked(action: &ScheduleActionResult) -> Option<Ticked> {
    let run = action.start_workflow_result.clone()?;
    Some(Ticked {
        at: action.actual_time.and_then(time)?,
        workflow_id: run.workflow_id,
        batch_id: run.run_id,
        status: run_status(action.start_workflow_status()),
    })
}

fn run_status(status: WorkflowExecutionStatus) -> Option<&'static str> {
    Some(match status {
        WorkflowExecutionStatus::Unspecified => return None,
        WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused => "running",
        WorkflowExecutionStatus::Completed => "completed",
        WorkflowExecutionStatus::Failed => "failed",
        WorkflowExecutionStatus::Canceled => "cancelled",
        WorkflowExecutionStatus::Terminated => "terminated",
        WorkflowExecutionStatus::ContinuedAsNew => "continued",
        WorkflowExecutionStatus::TimedOut => "timed out",
    })
}

fn time(time: prost_wkt_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}
