//! The operators' deeds, each when its time has come and its order is ready for it.

use std::time::Duration;

use anyhow::Context;
use futures::future::try_join_all;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::states::State;
use redrive_engine::ops::{Decision, OpsError};
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{NewAuditEvent, Story};

use crate::hand::{Grip, Hand};
use crate::plan::{Act, Deed};
use crate::site::Site;

/// The pause between two looks at an order.
const LOOK: Duration = Duration::from_millis(400);

/// A deed, and whether the operator got to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Did {
    /// What.
    pub act: Act,
    /// Otherwise the order had ended before.
    pub done: bool,
}

/// Whoever decides anything, for the audit trail.
pub(crate) fn operator() -> NewAuditEvent {
    NewAuditEvent {
        actor: "chaos-operator".to_owned(),
        reason: "chaos".to_owned(),
    }
}

/// Does all of them. They come to an end, as their orders become ready or end before.
pub(crate) async fn run(site: &Site, deeds: &[Deed]) -> anyhow::Result<Vec<Did>> {
    let deeds = deeds.iter().map(async |deed| {
        SystemClock.sleep(deed.after).await;
        let id = deed.order.workflow_id();
        let done = one(site, deed, &id)
            .await
            .with_context(|| format!("the operator cannot {} {id}", deed.act.name()))?;
        Ok(Did {
            act: deed.act,
            done: done == Grip::Done,
        })
    });
    try_join_all(deeds).await
}

async fn one(site: &Site, deed: &Deed, id: &str) -> anyhow::Result<Grip> {
    let hand = Hand(&site.ops);
    match deed.act {
        Act::StartByHand => {
            until_latest(
                site,
                id,
                |latest| latest.status.is_failure(),
                async |_| hand.start(&site.plan.faults, &deed.order).await,
            )
            .await
        }
        Act::Terminate => {
            until_known(site, id).await?;
            until_latest(
                site,
                id,
                |latest| latest.status == RunStatus::Running,
                async |latest| hand.terminate(id, latest.run_id.as_str()).await,
            )
            .await
        }
        Act::Cancel => {
            until_known(site, id).await?;
            until_latest(
                site,
                id,
                |latest| latest.status == RunStatus::Running,
                async |latest| hand.cancel(id, latest.run_id.as_str()).await,
            )
            .await
        }
        Act::Reset => {
            until_latest(
                site,
                id,
                |_| true,
                async |latest| hand.reset(id, latest.run_id.as_str()).await,
            )
            .await
        }
        Act::RetryDeadLetter => {
            until_dead_lettered(site, id).await?;
            let retry = async || site.ops.retry_dead_letter(id, operator()).await;
            site.weather.ride_out(retry).await?;
            Ok(Grip::Done)
        }
        Act::CancelDeadLetter => {
            until_dead_lettered(site, id).await?;
            let records = &site.ops.records;
            let cancel = async || {
                let decided = records.decide_dead_letter(id, Decision::Cancel, operator());
                decided.await
            };
            let decided = site.weather.ride_out(cancel).await?;
            decided.map_or(Ok(Grip::TooLate), |_| Ok(Grip::Done))
        }
    }
}

/// Does it to the latest run that is `ready`, again where the order moved on; gives up once the order has completed. What
/// was done and not heard of may be done again: operators do that, too.
async fn until_latest(
    site: &Site,
    id: &str,
    ready: impl Fn(&Latest) -> bool,
    act: impl AsyncFn(&Latest) -> anyhow::Result<Grip>,
) -> anyhow::Result<Grip> {
    loop {
        let look = async || Hand(&site.ops).latest(id).await;
        let latest = site.weather.ride_out(look).await?;
        let Some(latest) = latest else {
            // It is not started yet.
            SystemClock.sleep(LOOK).await;
            continue;
        };
        match latest.status {
            RunStatus::Completed => return Ok(Grip::TooLate),
            // Nobody but this operator stops it.
            status if status.is_stop() => return Ok(Grip::Done),
            _ if !ready(&latest) => {}
            _ => match act(&latest).await {
                Ok(Grip::Done) => return Ok(Grip::Done),
                Ok(Grip::TooLate) => {}
                Err(error) if !site.weather.is_rough() => return Err(error),
                Err(_) => {}
            },
        }
        SystemClock.sleep(LOOK).await;
    }
}

/// Until the ledger knows the order: its first run has failed, and one that runs from then on goes on until it is ended.
async fn until_known(site: &Site, id: &str) -> anyhow::Result<()> {
    while story(site, id).await?.is_none() {
        SystemClock.sleep(LOOK).await;
    }
    Ok(())
}

async fn until_dead_lettered(site: &Site, id: &str) -> anyhow::Result<()> {
    while story(site, id)
        .await?
        .is_none_or(|story| story.order.state != State::DeadLettered)
    {
        SystemClock.sleep(LOOK).await;
    }
    Ok(())
}

/// The order's story, once the ledger knows it.
async fn story(site: &Site, id: &str) -> anyhow::Result<Option<Story>> {
    let look = async || match site.ops.records.show_order(id).await {
        Err(OpsError::NoSuchOrder { .. }) => Ok(None),
        found => found.map(Some),
    };
    Ok(site.weather.ride_out(look).await?)
}
