//! Orders: what is known of them, and what is done to them one by one.

use redrive_core::states::State;
use redrive_engine::ops::{OpsError, OrderDeed, Records};
use redrive_ledger::{NewAuditEvent, OrderFilter};
use redrive_web::Links;
use redrive_web::views::{NotNow, OrderLine, OrderStory, WhichOrders, Why};
use reqwest::{Method, StatusCode};

use super::{Backend, Remote, RemoteError};
use crate::cli::Global;
use crate::config;
use crate::connect::Target;

/// Why nothing was done to an order.
#[derive(Debug)]
pub struct NotDone {
    /// Where it stands; `None`: there is no such order.
    pub state: Option<State>,
    /// Why, and what to do.
    pub reason: String,
}

impl From<NotNow> for NotDone {
    fn from(NotNow { state, reason }: NotNow) -> Self {
        Self {
            state: Some(state),
            reason,
        }
    }
}

impl Backend<Records> {
    /// Up to `limit` orders, those that failed last first.
    pub async fn orders(&self, filter: &OrderFilter, limit: u32) -> anyhow::Result<Vec<OrderLine>> {
        match self {
            Self::Local(records) => {
                let orders = records.orders(filter, limit).await?.into_iter();
                let lines = orders.map(|order| OrderLine::of(order, &records.policy));
                Ok(lines.collect())
            }
            Self::Remote(remote) => {
                let states = filter.states.iter().map(|state| state.as_str().to_owned());
                let which = WhichOrders {
                    state: states.collect(),
                    failure_status: filter.failure_status.clone(),
                    group: filter.group.clone(),
                    customer_id: filter.customer_id.clone(),
                    failed_before: filter.failed_before,
                    ..WhichOrders::default()
                };
                let page = |limit, cursor| WhichOrders {
                    limit,
                    cursor,
                    ..which.clone()
                };
                Ok(remote.list(&["orders"], limit, page).await?)
            }
        }
    }

    /// An order's story, with links into Temporal's pages where the configuration says where they are.
    pub async fn order(&self, id: &str, global: &Global) -> anyhow::Result<OrderStory> {
        match self {
            Self::Local(records) => {
                let story = records.show_order(id).await?;
                Ok(OrderStory::of(&story, &records.policy, &links(global)?))
            }
            Self::Remote(remote) => Ok(remote.get(&["orders", id], &()).await?),
        }
    }

    /// Does it to an order, and tells where that stands then. `Err` inside: nothing was done.
    pub async fn act_on(
        &self,
        id: &str,
        deed: OrderDeed,
        by: &NewAuditEvent,
    ) -> anyhow::Result<Result<State, NotDone>> {
        match self {
            Self::Local(records) => match records.act_on(id, deed, by).await {
                Ok(Ok(order)) => Ok(Ok(order.state)),
                Ok(Err(state)) => Ok(Err(NotDone::from(NotNow {
                    state,
                    reason: deed.refused(state),
                }))),
                Err(error @ OpsError::NoSuchOrder { .. }) => Ok(Err(nowhere(error.to_string()))),
                Err(error) => Err(error.into()),
            },
            Self::Remote(remote) => Ok(asked(remote, id, deed, by).await?),
        }
    }
}

async fn asked(
    remote: &Remote,
    id: &str,
    deed: OrderDeed,
    by: &NewAuditEvent,
) -> Result<Result<State, NotDone>, RemoteError> {
    let why = Why::from(by.clone());
    let path = ["orders", id, deed.as_str()];
    let sent: Result<OrderLine, _> = remote.send(Method::POST, &path, &why).await;
    sent.map(|line| Ok(line.order.state))
        .or_else(|error| refused(error).map(Err))
}

/// What a server says of one order keeps nobody from the others.
fn refused(error: RemoteError) -> Result<NotDone, RemoteError> {
    match &error {
        RemoteError::Refused {
            status: StatusCode::CONFLICT,
            details: Some(details),
            ..
        } => match serde_json::from_value::<NotNow>(details.clone()) {
            Ok(not_now) => Ok(not_now.into()),
            Err(_) => Err(error),
        },
        _ if error.is(StatusCode::NOT_FOUND) => Ok(nowhere(error.to_string())),
        _ => Err(error),
    }
}

fn nowhere(reason: String) -> NotDone {
    NotDone {
        state: None,
        reason,
    }
}

/// What is known is told, too, where Temporal's configuration cannot be read.
fn links(global: &Global) -> anyhow::Result<Links> {
    let links = config::load(&global.overrides())?.links;
    let target = Target::configured().ok();
    let namespace = target.as_ref().map(Target::namespace);
    Ok(namespace.map_or_else(Links::none, |namespace| links.over(namespace)))
}
