//! The schedule.

use jiff::Timestamp;
use redrive_core::policy::duration;
use redrive_engine::ops::{Ops, OpsError, Triggered};
use redrive_engine::{Applied, ScheduleSettings, ScheduleStatus};
use redrive_ledger::NewAuditEvent;
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

/// What the schedule is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleDeed {
    /// Be what the configuration says; a pause stays. It is made, where there is none.
    Apply,
    /// Stop ticking until it is resumed; a batch that runs goes on.
    Pause,
    /// Tick again.
    Resume,
    /// Start a batch now, paused or not.
    Trigger,
}

impl ScheduleDeed {
    /// As a path has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Trigger => "trigger",
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleDid {
    /// There was none; now there is.
    Created,
    /// It is what the configuration says now.
    Updated,
    /// It was what the configuration says.
    Unchanged,
    /// It does not tick.
    Paused,
    /// It ticks.
    Resumed,
    /// It was told to start a batch.
    Triggered,
    /// It starts no batch while one of its own runs.
    Busy,
    /// There is none any more.
    Deleted,
}

/// What became of what the schedule was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleTold {
    /// Its id in Temporal.
    pub id: String,
    /// What was done.
    pub did: ScheduleDid,
    /// Whether it was otherwise before.
    pub changed: bool,
    /// The workflow of the batch that was started; not there where the server does not show it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// That batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<String>,
    /// The workflows of the batches for which nothing was started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<String>,
}

impl ScheduleTold {
    fn new(settings: &ScheduleSettings, did: ScheduleDid, changed: bool) -> Self {
        Self {
            id: settings.id.clone(),
            did,
            changed,
            batch: None,
            batch_id: None,
            running: Vec::new(),
        }
    }

    /// Tells it.
    pub async fn tell(
        ops: &Ops,
        settings: &ScheduleSettings,
        deed: ScheduleDeed,
        by: &NewAuditEvent,
    ) -> Result<Self, OpsError> {
        let (did, changed) = match deed {
            ScheduleDeed::Apply => match ops.apply_schedule(settings, by).await? {
                Applied::Created => (ScheduleDid::Created, true),
                Applied::Updated => (ScheduleDid::Updated, true),
                Applied::Unchanged => (ScheduleDid::Unchanged, false),
            },
            ScheduleDeed::Pause => {
                let ticked = ops.pause_schedule(settings, by).await?;
                (ScheduleDid::Paused, ticked)
            }
            ScheduleDeed::Resume => {
                let paused = ops.resume_schedule(settings, by).await?;
                (ScheduleDid::Resumed, paused)
            }
            ScheduleDeed::Trigger => {
                let triggered = ops.trigger_schedule(settings, by).await?;
                return Ok(Self::triggered(settings, triggered));
            }
        };
        Ok(Self::new(settings, did, changed))
    }

    fn triggered(settings: &ScheduleSettings, triggered: Triggered) -> Self {
        match triggered {
            Triggered::Started(batch) => Self {
                batch: Some(batch.workflow_id),
                batch_id: Some(batch.batch_id),
                ..Self::new(settings, ScheduleDid::Triggered, true)
            },
            Triggered::Busy(running) => Self {
                running,
                ..Self::new(settings, ScheduleDid::Busy, false)
            },
            Triggered::Asked => Self::new(settings, ScheduleDid::Triggered, true),
        }
    }

    /// Deletes it; batches that run go on.
    pub async fn delete(
        ops: &Ops,
        settings: &ScheduleSettings,
        by: &NewAuditEvent,
    ) -> Result<Self, OpsError> {
        ops.delete_schedule(settings, by).await?;
        Ok(Self::new(settings, ScheduleDid::Deleted, true))
    }
}
