//! The operators' deeds, each when its time has come and its order is ready for it.

use std::time::Duration;

use anyhow::Context;
use futures::future::try_join_all;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::ids::RunId;
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
    let first = site.first_run(id);
    match deed.act {
        Act::StartByHand => {
            until_latest(
                hand,
                id,
                |latest| latest.status.is_failure(),
                async |_| hand.start(&site.plan.faults, &deed.order).await,
            )
            .await
        }
        Act::Terminate => {
            until_latest(
                hand,
                id,
                |latest| is_held(latest, first),
                async |latest| hand.terminate(id, latest.run_id.as_str()).await,
            )
            .await
        }
        Act::Cancel => {
            until_latest(
                hand,
                id,
                |latest| is_held(latest, first),
                async |latest| hand.cancel(id, latest.run_id.as_str()).await,
            )
            .await
        }
        Act::Reset => {
            until_latest(
                hand,
                id,
                |_| true,
                async |latest| hand.reset(id, latest.run_id.as_str()).await,
            )
            .await
        }
        Act::RetryDeadLetter => {
            until_dead_lettered(site, id).await?;
            site.ops.retry_dead_letter(id, operator()).await?;
            Ok(Grip::Done)
        }
        Act::CancelDeadLetter => {
            until_dead_lettered(site, id).await?;
            let decided = site
                .ops
                .records
                .decide_dead_letter(id, Decision::Cancel, operator());
            decided.await?.map_or(Ok(Grip::TooLate), |_| Ok(Grip::Done))
        }
    }
}

/// A run after the first one, which fails: it goes on until the operator ends it.
fn is_held(latest: &Latest, first: Option<&RunId>) -> bool {
    latest.status == RunStatus::Running && first != Some(&latest.run_id)
}

/// Does it to the latest run that is `ready`, again where the order moved on; gives up once the order has completed.
async fn until_latest(
    hand: Hand<'_>,
    id: &str,
    ready: impl Fn(&Latest) -> bool,
    act: impl AsyncFn(&Latest) -> anyhow::Result<Grip>,
) -> anyhow::Result<Grip> {
    loop {
        let latest = hand.latest(id).await?.context("the order is gone")?;
        if latest.status == RunStatus::Completed {
            return Ok(Grip::TooLate);
        }
        if ready(&latest) && act(&latest).await? == Grip::Done {
            return Ok(Grip::Done);
        }
        SystemClock.sleep(LOOK).await;
    }
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
    match site.ops.records.show_order(id).await {
        Ok(story) => Ok(Some(story)),
        Err(OpsError::NoSuchOrder { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
