//! The schedule.

use jiff::Timestamp;
use redrive_core::policy::duration;
use redrive_engine::ScheduleStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many ticks are told, past and to come.
const TICKS: usize = 5;

/// How the schedule stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleShown {
    /// Its id in Temporal.
    pub id: String,
    /// The time between two ticks, where it ticks by an interval.
    #[schema(example = "15m")]
    pub interval: Option<String>,
    /// Whether it is paused.
    pub paused: bool,
    /// Who paused or resumed it last, and why.
    pub note: String,
    /// What a tick does while a batch runs.
    pub overlap_policy: String,
    /// For how long a missed tick is caught up.
    pub catchup_window: Option<String>,
    /// The next ticks.
    pub next_ticks: Vec<Timestamp>,
    /// The last ticks, the latest first.
    pub last_ticks: Vec<Tick>,
    /// Ticks lost for good.
    pub missed: u64,
    /// Ticks passed over while a batch was running.
    pub skipped: u64,
    /// In what it differs from the configuration.
    pub differences: Vec<String>,
}

/// A tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tick {
    /// When.
    pub at: Timestamp,
    /// The batch's workflow.
    pub workflow_id: String,
    /// The batch.
    pub batch_id: String,
    /// How its workflow stands, where that is known.
    pub status: Option<String>,
}

impl ScheduleShown {
    /// The schedule of that id.
    pub fn of(id: &str, status: ScheduleStatus) -> Self {
        let last_ticks = status.last_ticks.into_iter().take(TICKS);
        Self {
            id: id.to_owned(),
            interval: status.interval.map(duration::format),
            paused: status.paused,
            note: status.note,
            overlap_policy: status.overlap_policy.to_owned(),
            catchup_window: status.catchup_window.map(duration::format),
            next_ticks: status.next_ticks.into_iter().take(TICKS).collect(),
            last_ticks: last_ticks
                .map(|tick| Tick {
                    at: tick.at,
                    workflow_id: tick.workflow_id,
                    batch_id: tick.batch_id,
                    status: tick.status.map(str::to_owned),
                })
                .collect(),
            missed: status.missed,
            skipped: status.skipped,
            differences: status.differences,
        }
    }
}

/// What is done to the schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ScheduleChange {
    /// Whether it is to be paused; left as it is, where it is not given.
    pub paused: Option<bool>,
    /// Why.
    #[schema(max_length = 4000, example = "stocktaking")]
    pub reason: String,
    /// Who.
    #[schema(max_length = 200, example = "ann")]
    pub by: Option<String>,
}
