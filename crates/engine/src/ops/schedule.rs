//! What operators see of the schedule and do to it. Each act is written to the audit trail before it is done, so that
//! none goes without its event; an act that then fails is told to whoever asked for it.

use std::time::Duration;

use redrive_flows::batch::orchestration_id;
use redrive_ledger::NewAuditEvent;

use super::{Ops, OpsError, Result, Running};
use crate::schedule::{self, Applied, Planned, ScheduleSettings, ScheduleStatus};

/// How long a tick that was asked for is looked for, and how often: the server takes well below a second.
const TICK_SHOWS_WITHIN: u32 = 50;
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What a tick that was asked for came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Triggered {
    /// It started this batch.
    Started(Running),
    /// It was passed over, for these batches of the schedule run: workflow ids.
    Busy(Vec<String>),
    /// The server has accepted it, and does not show it yet.
    Asked,
}

impl Ops {
    /// How the schedule stands; `None` where there is none.
    pub async fn schedule(&self, settings: &ScheduleSettings) -> Result<Option<ScheduleStatus>> {
        Ok(schedule::status(&self.client, settings).await?)
    }

    /// Makes the schedule what `settings` say, as a worker does when it starts.
    pub async fn apply_schedule(
        &self,
        settings: &ScheduleSettings,
        by: &NewAuditEvent,
    ) -> Result<Applied> {
        let planned = schedule::plan(&self.client, settings).await?;
        if planned != Planned::Nothing {
            self.record("schedule_apply", &settings.id, by).await?;
        }
        Ok(schedule::execute(&self.client, settings, planned).await?)
    }

    /// Stops its ticks; batches that run go on. Returns whether it ticked before.
    pub async fn pause_schedule(
        &self,
        settings: &ScheduleSettings,
        by: &NewAuditEvent,
    ) -> Result<bool> {
        let paused = self.existing(settings).await?.paused;
        self.record("schedule_pause", &settings.id, by).await?;
        schedule::pause(&self.client, &settings.id, note(by)).await?;
        Ok(!paused)
    }

    /// Lets it tick again. Returns whether it was paused.
    pub async fn resume_schedule(
        &self,
        settings: &ScheduleSettings,
        by: &NewAuditEvent,
    ) -> Result<bool> {
        let paused = self.existing(settings).await?.paused;
        self.record("schedule_resume", &settings.id, by).await?;
        schedule::resume(&self.client, &settings.id, note(by)).await?;
        Ok(paused)
    }

    /// Lets it tick now, paused or not, and waits until the server shows what it started.
    pub async fn trigger_schedule(
        &self,
        settings: &ScheduleSettings,
        by: &NewAuditEvent,
    ) -> Result<Triggered> {
        let before = self.existing(settings).await?;
        if !before.running.is_empty() {
            return Ok(Triggered::Busy(before.running));
        }
        self.record("schedule_trigger", &settings.id, by).await?;
        schedule::trigger(&self.client, &settings.id).await?;
        let last = before.last_ticks.first().map(|tick| &tick.batch_id);
        for _ in 0..TICK_SHOWS_WITHIN {
            let newest = schedule::newest_tick(&self.client, &settings.id).await?;
            if let Some(tick) = newest.filter(|tick| Some(&tick.batch_id) != last) {
                return Ok(Triggered::Started(Running {
                    orchestration_id: orchestration_id(&tick.workflow_id),
                    workflow_id: tick.workflow_id,
                    batch_id: tick.batch_id,
                }));
            }
            self.engine.clock.sleep(LOOK_EVERY).await;
        }
        Ok(Triggered::Asked)
    }

    /// Deletes the schedule; batches that run go on.
    pub async fn delete_schedule(
        &self,
        settings: &ScheduleSettings,
        by: &NewAuditEvent,
    ) -> Result<()> {
        self.existing(settings).await?;
        self.record("schedule_delete", &settings.id, by).await?;
        Ok(schedule::delete(&self.client, &settings.id).await?)
    }

    async fn existing(&self, settings: &ScheduleSettings) -> Result<ScheduleStatus> {
        let found = self.schedule(settings).await?;
        found.ok_or_else(|| OpsError::NoSchedule {
            id: settings.id.clone(),
        })
    }

    /// Writes what is about to be done to something that is no order.
    pub(super) async fn record(
        &self,
        action: &str,
        subject: &str,
        by: &NewAuditEvent,
    ) -> Result<()> {
        let (ledger, now) = (&self.engine.ledger, self.engine.clock.now());
        Ok(ledger.audit(action, Some(subject), by, now).await?)
    }
}

/// The note that stands in Temporal's own list of schedules.
fn note(by: &NewAuditEvent) -> String {
    if by.reason.is_empty() {
        by.actor.clone()
    } else {
        format!("{}: {}", by.actor, by.reason)
    }
}
