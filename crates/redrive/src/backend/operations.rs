//! Operations on many dead letters: listed, shown, told something; and who works for them.

use redrive_core::ids::OperationId;
use redrive_engine::ops::Records;
use redrive_ledger::{NewAuditEvent, NotStarted, Operation};
use redrive_web::views::{Deed, NewRate, OperationShown, OperationTold, Why, Workers};
use reqwest::Method;
use serde::Serialize;

use super::lists::{PAGE, paged};
use super::{Backend, Remote, RemoteError};
use crate::cli::Session;

/// Which page.
#[derive(Serialize)]
struct Query {
    limit: Option<u32>,
    cursor: Option<String>,
}

impl Query {
    fn new(limit: Option<u32>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }
}

impl Backend<Records> {
    /// At most so many operations, the latest first.
    pub async fn operations(&self, limit: u32) -> anyhow::Result<Vec<Operation>> {
        match self {
            Self::Local(records) => Ok(records.operations(None, limit).await?),
            Self::Remote(remote) => {
                let path = ["dead-letter-queue", "actions"];
                Ok(remote.list(&path, limit, Query::new).await?)
            }
        }
    }

    /// How an operation stands, with at most so many of the orders that it did not start.
    pub async fn operation(&self, id: &OperationId, limit: u32) -> anyhow::Result<OperationShown> {
        match self {
            Self::Local(records) => {
                let operation = records.operation(id).await?;
                let not_started = records.not_started(id, None, limit).await?;
                Ok(shown(operation, not_started))
            }
            Self::Remote(remote) => Ok(asked(remote, id, limit).await?),
        }
    }

    /// Lets an operation go at another rate; without one as fast as everything.
    pub async fn set_operation_rate(
        &self,
        id: &OperationId,
        per_second: Option<f64>,
        by: NewAuditEvent,
    ) -> anyhow::Result<Operation> {
        match self {
            Self::Local(records) => {
                let set = records.set_operation_rate(id, per_second, &by);
                Ok(set.await?)
            }
            Self::Remote(remote) => {
                let new = NewRate {
                    per_second,
                    reason: by.reason,
                    by: Some(by.actor),
                };
                let path = ["dead-letter-queue", "actions", id.as_str(), "rate"];
                Ok(remote.send(Method::PUT, &path, &new).await?)
            }
        }
    }
}

impl Backend<Session> {
    /// Tells an operation something.
    pub async fn tell_operation(
        &self,
        id: &OperationId,
        deed: Deed,
        by: NewAuditEvent,
    ) -> anyhow::Result<OperationTold> {
        match self {
            Self::Local(session) => {
                let told = session.ops.tell_operation(id, deed.into(), &by);
                Ok(OperationTold::of(deed, told.await?))
            }
            Self::Remote(remote) => {
                let path = ["dead-letter-queue", "actions", id.as_str(), deed.as_str()];
                Ok(remote.send(Method::POST, &path, &Why::from(by)).await?)
            }
        }
    }

    /// Who works.
    pub async fn workers(&self) -> anyhow::Result<Workers> {
        match self {
            Self::Local(session) => Ok(Workers::look(&session.ops).await?),
            Self::Remote(remote) => Ok(remote.get(&["workers"], &()).await?),
        }
    }
}

fn shown(operation: Operation, not_started: Vec<NotStarted>) -> OperationShown {
    OperationShown {
        operation,
        not_started,
        next_cursor: None,
    }
}

async fn asked(
    remote: &Remote,
    id: &OperationId,
    limit: u32,
) -> Result<OperationShown, RemoteError> {
    let path = ["dead-letter-queue", "actions", id.as_str()];
    let mut operation = None;
    let not_started = paged(limit, PAGE, async |limit, cursor| {
        let page: OperationShown = remote.get(&path, &Query::new(Some(limit), cursor)).await?;
        operation = Some(page.operation);
        Ok((page.not_started, page.next_cursor))
    });
    let not_started = not_started.await?;
    let operation = operation.ok_or_else(|| remote.foreign(&"it shows no operation"))?;
    Ok(shown(operation, not_started))
}
