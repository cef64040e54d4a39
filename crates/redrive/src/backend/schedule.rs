//! The schedule.

use redrive_engine::ScheduleSettings;
use redrive_engine::ops::OpsError;
use redrive_ledger::NewAuditEvent;
use redrive_web::views::{ScheduleDeed, ScheduleShown, ScheduleTold, Why};
use reqwest::Method;

use super::Backend;
use crate::cli::{Session, schedule_settings};

impl Backend<Session> {
    /// How it stands.
    pub async fn schedule(&self) -> anyhow::Result<ScheduleShown> {
        Ok(match self {
            Self::Local(session) => {
                let settings = schedule_settings(&session.config);
                let found = session.ops.schedule(&settings).await?;
                let ScheduleSettings { id, .. } = settings;
                let status = found.ok_or_else(|| OpsError::NoSchedule { id: id.clone() })?;
                ScheduleShown::of(&id, status)
            }
            Self::Remote(remote) => remote.get(&["schedule"], &()).await?,
        })
    }

    /// Tells it something.
    pub async fn tell_schedule(
        &self,
        deed: ScheduleDeed,
        by: NewAuditEvent,
    ) -> anyhow::Result<ScheduleTold> {
        Ok(match self {
            Self::Local(session) => {
                let settings = schedule_settings(&session.config);
                ScheduleTold::tell(&session.ops, &settings, deed, &by).await?
            }
            Self::Remote(remote) => {
                let path = ["schedule", deed.as_str()];
                remote.send(Method::POST, &path, &Why::from(by)).await?
            }
        })
    }

    /// Deletes it.
    pub async fn delete_schedule(&self, by: NewAuditEvent) -> anyhow::Result<ScheduleTold> {
        Ok(match self {
            Self::Local(session) => {
                let settings = schedule_settings(&session.config);
                ScheduleTold::delete(&session.ops, &settings, &by).await?
            }
            Self::Remote(remote) => remote.take(&["schedule"], &Why::from(by)).await?,
        })
    }
}
