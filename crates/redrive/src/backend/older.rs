//! Failures older than the look-back: looked at, and taken in.

use jiff::Timestamp;
use redrive_engine::Steady;
use redrive_engine::ops::{Older, TakenIn};
use redrive_ledger::NewAuditEvent;
use redrive_web::views::TakeIn;
use reqwest::Method;
use serde::Serialize;

use super::{Backend, Remote, RemoteError};
use crate::cli::Session;

/// Where a server has them.
const OLDER: [&str; 2] = ["failures", "older"];

/// How far back.
#[derive(Serialize)]
struct Since {
    since: Timestamp,
}

impl Backend<Session> {
    /// What failed since then and is older than the look-back.
    pub async fn older(&self, since: Timestamp) -> anyhow::Result<Older> {
        match self {
            Self::Local(session) => Ok(session.ops.preview_older(since, &Steady).await?),
            Self::Remote(remote) => Ok(remote.get(&OLDER, &Since { since }).await?),
        }
    }

    /// Takes it in; `heard` hears how many failures were taken in so far.
    pub async fn take_in_older(
        &self,
        since: Timestamp,
        by: NewAuditEvent,
        heard: &(dyn Fn(u64) + Send + Sync),
    ) -> anyhow::Result<TakenIn> {
        match self {
            Self::Local(session) => {
                let ops = &session.ops;
                Ok(ops.take_in_older(since, &by, &Steady, heard).await?)
            }
            Self::Remote(remote) => {
                let asked = TakeIn {
                    since,
                    reason: by.reason,
                    by: Some(by.actor),
                };
                Ok(taken_in(remote, &asked, heard).await?)
            }
        }
    }
}

/// A server takes in as much at a time as a request may take.
async fn taken_in(
    remote: &Remote,
    asked: &TakeIn,
    heard: &(dyn Fn(u64) + Send + Sync),
) -> Result<TakenIn, RemoteError> {
    let mut sum: TakenIn = remote.send(Method::POST, &OLDER, asked).await?;
    while !sum.complete {
        heard(sum.new_failures);
        let more: TakenIn = remote.send(Method::POST, &OLDER, asked).await?;
        sum = TakenIn {
            new_failures: sum.new_failures + more.new_failures,
            new_orders: sum.new_orders + more.new_orders,
            eligible_orders: sum.eligible_orders + more.eligible_orders,
            ..more
        };
    }
    Ok(sum)
}
