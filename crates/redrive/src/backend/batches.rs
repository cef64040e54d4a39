//! Batches: listed and shown, started and followed to their end, told something, rehearsed.

use std::time::Duration;

use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::report::VerdictKind;
use redrive_engine::ops::{Records, only};
use redrive_ledger::{BatchRow, BatchVerdict, Day, NewAuditEvent};
use redrive_web::views::{
    BatchNow, BatchOrders, BatchStarted, BatchTold, Deed, Listed, NewBatch, OrderEnded, OrderStory,
    Rehearsal, Rehearse, RunningBatch, Why,
};
use reqwest::Method;
use serde::Serialize;

use super::lists::{PAGE, paged};
use super::{Backend, Remote, RemoteError};
use crate::cli::Session;

/// Verdicts that the ledger is asked for at a time.
const READ: u32 = 1_000;

/// A page of a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    limit: Option<u32>,
    cursor: Option<String>,
    verdict: Option<VerdictKind>,
}

/// Since when.
#[derive(Serialize)]
struct Since {
    since: jiff::Timestamp,
}

/// How a batch is looked at.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Look<'a> {
    wait: u64,
    failure_status: &'a [String],
}

impl Backend<Records> {
    /// Up to `limit` batches, the newest first.
    pub async fn batches(&self, limit: u32) -> anyhow::Result<Vec<BatchRow>> {
        match self {
            Self::Local(records) => Ok(records.batches(limit).await?),
            Self::Remote(remote) => {
                let page = |limit, cursor| Page {
                    limit,
                    cursor,
                    verdict: None,
                };
                Ok(remote.list(&["batches"], limit, page).await?)
            }
        }
    }

    /// A batch, the newest where none is named, with up to `limit` of its orders, or of those with that verdict. `None`: there is
    /// none yet.
    pub async fn batch(
        &self,
        id: Option<&str>,
        verdict: Option<VerdictKind>,
        limit: u32,
    ) -> anyhow::Result<Option<BatchOrders>> {
        let newest = match id {
            Some(_) => None,
            None => self.batches(1).await?.pop(),
        };
        let newest = newest.as_ref().map(|batch| batch.result.batch_id.as_str());
        let Some(id) = id.or(newest) else {
            return Ok(None);
        };
        Ok(Some(match self {
            Self::Local(records) => {
                let batch = records.show_batch(id).await?;
                let orders = verdicts(records, &batch, verdict, limit).await?;
                told(batch, orders)
            }
            Self::Remote(remote) => shown(remote, id, verdict, limit).await?,
        }))
    }

    /// What batches did a day since then.
    pub async fn daily(&self, since: jiff::Timestamp) -> anyhow::Result<Vec<Day>> {
        match self {
            Self::Local(records) => Ok(records.daily(since).await?),
            Self::Remote(remote) => {
                let path = ["reports", "daily"];
                let days: Listed<Day> = remote.get(&path, &Since { since }).await?;
                Ok(days.data)
            }
        }
    }
}

impl Backend<Session> {
    /// Starts a batch, and notes who did, where that is known.
    pub async fn start_batch(
        &self,
        new: NewBatch,
        by: Option<&NewAuditEvent>,
    ) -> anyhow::Result<BatchStarted> {
        match self {
            Self::Local(session) => {
                let ops = &session.ops;
                let order = match &new.order {
                    Some(id) => Some(ops.records.find(id).await?),
                    None => None,
                };
                Ok(BatchStarted::start(ops, &new.request(order), by).await?)
            }
            Self::Remote(remote) => {
                let new = NewBatch {
                    by: by.map(|by| by.actor.clone()),
                    reason: by.map(|by| by.reason.clone()).unwrap_or_default(),
                    ..new
                };
                Ok(remote.send(Method::POST, &["batches"], &new).await?)
            }
        }
    }

    /// How a batch that was started for these failure statuses stands, as soon as it has ended, or after so many seconds.
    pub async fn batch_now(
        &self,
        id: &str,
        failure_statuses: &[String],
        seconds: u64,
    ) -> anyhow::Result<BatchNow> {
        match self {
            Self::Local(session) => {
                let (statuses, wait) = (failure_statuses.to_vec(), Duration::from_secs(seconds));
                Ok(BatchNow::look(&session.ops, id, statuses, wait).await?)
            }
            Self::Remote(remote) => {
                let look = Look {
                    wait: seconds,
                    failure_status: failure_statuses,
                };
                Ok(remote.get(&["batches", id, "progress"], &look).await?)
            }
        }
    }

    /// The workflow id of an order.
    pub async fn find_order(&self, id: &str) -> anyhow::Result<WorkflowId> {
        match self {
            Self::Local(session) => Ok(session.ops.records.find(id).await?),
            Self::Remote(remote) => {
                let story: OrderStory = remote.get(&["orders", id], &()).await?;
                Ok(story.workflow_id)
            }
        }
    }

    /// What became of an order in a batch.
    pub async fn order_ended(
        &self,
        batch_id: &str,
        order: &WorkflowId,
    ) -> anyhow::Result<OrderEnded> {
        match self {
            Self::Local(session) => {
                Ok(OrderEnded::look(&session.ops.engine, batch_id, order).await?)
            }
            Self::Remote(remote) => {
                let path = ["batches", batch_id, "orders", order.as_str()];
                Ok(remote.get(&path, &()).await?)
            }
        }
    }

    /// What a batch would do.
    pub async fn rehearse(&self, asked: Rehearse) -> anyhow::Result<Rehearsal> {
        match self {
            Self::Local(session) => Ok(Rehearsal::run(&session.ops, asked, None).await?),
            Self::Remote(remote) => {
                let path = ["batches", "rehearsal"];
                Ok(remote.send(Method::POST, &path, &asked).await?)
            }
        }
    }

    /// Tells a batch something: the only one that runs, where none is named.
    pub async fn tell_batch(
        &self,
        id: Option<&str>,
        deed: Deed,
        by: NewAuditEvent,
    ) -> anyhow::Result<BatchTold> {
        match self {
            Self::Local(session) => Ok(BatchTold::tell(&session.ops, id, deed, &by).await?),
            Self::Remote(remote) => {
                let id = match id {
                    Some(id) => id.to_owned(),
                    None => only_batch(remote).await?,
                };
                let path = ["batches", &id, deed.as_str()];
                Ok(remote.send(Method::POST, &path, &Why::from(by)).await?)
            }
        }
    }
}

fn told(batch: BatchRow, orders: Vec<BatchVerdict>) -> BatchOrders {
    BatchOrders {
        batch,
        orders,
        next_cursor: None,
    }
}

async fn verdicts(
    records: &Records,
    batch: &BatchRow,
    wanted: Option<VerdictKind>,
    limit: u32,
) -> anyhow::Result<Vec<BatchVerdict>> {
    let id = BatchId::from(batch.result.batch_id.as_str());
    let mut orders: Vec<BatchVerdict> = Vec::new();
    loop {
        let left = limit - orders.len() as u32;
        let after = orders.last().map(|order| order.pk);
        let page = records.verdicts(&id, wanted, after, left.min(READ)).await?;
        let full = page.len() == READ as usize;
        orders.extend(page);
        if !full || orders.len() == limit as usize {
            return Ok(orders);
        }
    }
}

async fn shown(
    remote: &Remote,
    id: &str,
    verdict: Option<VerdictKind>,
    limit: u32,
) -> Result<BatchOrders, RemoteError> {
    let mut batch = None;
    let orders = paged(limit, PAGE, async |limit, cursor| {
        let asked = Page {
            limit: Some(limit),
            cursor,
            verdict,
        };
        let page: BatchOrders = remote.get(&["batches", id], &asked).await?;
        batch = Some(page.batch);
        Ok((page.orders, page.next_cursor))
    });
    let orders = orders.await?;
    let batch = batch.ok_or_else(|| remote.foreign(&"it shows no batch"))?;
    Ok(told(batch, orders))
}

/// The workflow id of the only batch that runs.
async fn only_batch(remote: &Remote) -> anyhow::Result<String> {
    let running: Listed<RunningBatch> = remote.get(&["batches", "running"], &()).await?;
    let ids = running.data.into_iter().map(|batch| batch.workflow_id);
    Ok(only(ids.collect(), String::as_str)?)
}
