//! A gateway with no server behind it: it answers as a server does that has so many failed orders.
//!
//! It shows Redrive by itself: what it needs for a backlog that a dev server would take hours to build, and how fast it
//! would be if starts took no time. Each order's failed run closed a millisecond after the one before.

use std::ops::Range;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use redrive_core::decide::{Latest, RunStatus};
use redrive_core::failure::FailureFacts;
use redrive_core::ids::{Home, RunId, WorkflowId};
use redrive_engine::gateway::{
    FailedRun, Gateway, GatewayError, Mark, Page, Restart, Result, RunToRead, Started, Window,
};
use redrive_fulfillment::{
    Class, FaultPlan, PlannedOrder, StartOptions, WORKFLOW_TYPE, order, starter,
};
use temporalio_client::Client;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;
use uuid::Uuid;

/// Rows a page, as of a real server.
const PAGE: u64 = 1000;
/// How long ago the last order failed.
const SETTLED: SignedDuration = SignedDuration::from_secs(60);
/// The orders' ids, but for the number.
const PREFIX: &str = "ORD-BACKLOG-";

/// The gateway.
pub(crate) struct Hollow {
    home: Home,
    client: Client,
    orders: u64,
    first_closed: Timestamp,
    plan: FaultPlan,
}

impl Hollow {
    /// A server that has had `orders` failed orders a minute before `now`.
    pub fn new(home: Home, client: &Client, orders: u64, now: Timestamp) -> Self {
        let span = SignedDuration::from_millis(i64::try_from(orders).unwrap_or(i64::MAX));
        Self {
            home,
            client: client.clone(),
            orders,
            first_closed: now - SETTLED - span,
            plan: FaultPlan::smooth(0, 0),
        }
    }

    fn closed_at(&self, n: u64) -> Timestamp {
        self.first_closed + SignedDuration::from_millis(n as i64)
    }

    /// The orders whose runs closed within a window.
    fn within(&self, window: &Window) -> Range<u64> {
        if window.workflow_type != WORKFLOW_TYPE {
            return 0..0;
        }
        let first_from = |time: Timestamp| {
            let micros = time.duration_since(self.first_closed).as_micros();
            let n = (micros.max(0) as u64).div_ceil(1000);
            n.min(self.orders)
        };
        first_from(window.from)..first_from(window.to)
    }

    /// The start request of an order, without what Redrive fills in when it sends it.
    fn start_request(&self, n: u64) -> Vec<u8> {
        let order = PlannedOrder {
            order_id: order_id(n),
            class: Class::Smooth,
        };
        let options = StartOptions::default();
        let request = starter::request(&self.client, &self.plan, &order, &options);
        let request = StartWorkflowExecutionRequest {
            namespace: String::new(),
            workflow_id: String::new(),
            request_id: String::new(),
            identity: String::new(),
            ..request
        };
        request.encode_to_vec()
    }
}

fn order_id(n: u64) -> String {
    format!("{PREFIX}{n:07}")
}

fn run_id(n: u64) -> RunId {
    RunId::from(Uuid::from_u128(u128::from(n)).to_string())
}

/// The run that an order's restart starts.
fn next_run_id(n: u64) -> RunId {
    RunId::from(Uuid::from_u128(u128::MAX - u128::from(n)).to_string())
}

/// Which order that is.
fn number(id: &WorkflowId) -> Result<u64> {
    let digits = id.as_str().rsplit('-').next().unwrap_or_default();
    let unknown = |_| GatewayError::Item(format!("there is no order {id}"));
    digits.parse().map_err(unknown)
}

#[async_trait]
impl Gateway for Hollow {
    fn home(&self) -> &Home {
        &self.home
    }

    async fn describe(&self, id: &WorkflowId, _: Option<&Mark>) -> Result<Option<Latest>> {
        let n = number(id)?;
        let closed_at = self.closed_at(n);
        Ok(Some(Latest {
            run_id: run_id(n),
            first_run_id: run_id(n),
            status: RunStatus::Failed,
            started_at: closed_at,
            closed_at: Some(closed_at),
            ours: false,
        }))
    }

    async fn run_status(&self, _: &WorkflowId, _: &RunId) -> Result<Option<RunStatus>> {
        Ok(Some(RunStatus::Failed))
    }

    async fn look_back(&self, _: &WorkflowId, _: &Mark, _: Timestamp) -> Result<Option<RunId>> {
        Ok(None)
    }

    async fn start(&self, restart: &Restart) -> Result<Started> {
        Ok(Started::Run(next_run_id(number(&restart.workflow_id)?)))
    }

    async fn read_failure(&self, run: &RunToRead) -> Result<Option<FailedRun>> {
        let n = number(&run.workflow_id)?;
        Ok(Some(FailedRun {
            workflow_id: run.workflow_id.clone(),
            workflow_type: WORKFLOW_TYPE.to_owned(),
            run_id: run.run_id.clone(),
            first_run_id: run.run_id.clone(),
            timed_out: false,
            closed_at: self.closed_at(n),
            facts: FailureFacts::application("shipping_failed", "no truck came"),
            from_run: None,
            has_parent: false,
            start_request: self.start_request(n),
        }))
    }

    async fn read_start(&self, id: &WorkflowId, _: &RunId) -> Result<Option<Vec<u8>>> {
        Ok(Some(self.start_request(number(id)?)))
    }

    async fn count_failed(&self, window: &Window) -> Result<u64> {
        let within = self.within(window);
        Ok(within.end - within.start)
    }

    /// Newest first, as a server does it; the page's token is the number of the order after its first.
    async fn list_failed(&self, window: &Window, page: Vec<u8>) -> Result<Page> {
        let Range { start, end } = self.within(window);
        let end = <[u8; 8]>::try_from(page).map_or(end, u64::from_le_bytes);
        let begin = end.saturating_sub(PAGE).max(start);
        let runs = (begin..end).rev();
        let next = if begin > start {
            begin.to_le_bytes().to_vec()
        } else {
            Vec::new()
        };
        Ok(Page {
            runs: runs
                .map(|n| RunToRead::new(order::workflow_id(&order_id(n)).into(), run_id(n)))
                .collect(),
            next,
        })
    }
}
