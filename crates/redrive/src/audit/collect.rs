//! Reading Temporal's records: visibility lists the runs, a description says what each of them is.
//!
//! Visibility lags. It is believed once it shows every run that other witnesses name (the warehouse's log, the ledger's
//! attempts, the description of each order's latest run), and shows the same twice.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use redrive_core::decide::RunStatus;
use redrive_core::ids::{RunId, WorkflowId};
use redrive_engine::gateway::{GatewayError, restart_memo};
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::{Performed, WORKFLOW_TYPE};
use temporalio_client::{Client, grpc::WorkflowService};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, ListWorkflowExecutionsRequest,
};
use tokio::time::Instant;
use tonic::{Code, Request, Response};

use super::records::{Books, Records, Run};

/// How long visibility may lag before the audit judges by what there is.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two listings.
const PAUSE: Duration = Duration::from_millis(250);
/// So many answers to one question may be lost.
const LOST: u32 = 5;
/// Rows of a listing's page: the server's largest.
const PAGE: i32 = 1000;
/// Descriptions under way at the same time.
const AT_ONCE: usize = 32;

/// A run by its names.
type Name = (WorkflowId, RunId);

/// Instead of a run's id: whichever is the latest.
const LATEST: Option<RunId> = None;

/// The records of `orders`, and of whatever else visibility shows of the orders' type.
pub(super) async fn collect(
    client: &Client,
    orders: Vec<WorkflowId>,
    performed: Vec<Performed>,
    books: &Books,
) -> anyhow::Result<Records> {
    let orders: BTreeSet<WorkflowId> = orders.into_iter().collect();
    let mut runs = described(client, orders.iter().map(|order| (order.clone(), LATEST))).await?;
    let mut names = witnesses(&performed, books);
    names.extend(runs.iter().map(name));
    names.extend(caught_up(client, &names).await?);
    let others: BTreeSet<_> = names.iter().map(|(order, _)| order).collect();
    let others = others.into_iter().filter(|order| !orders.contains(order));
    runs.extend(described(client, others.map(|order| (order.clone(), LATEST))).await?);
    let latest: BTreeMap<_, _> = runs.iter().map(name).collect();
    for known in &runs {
        names.remove(&name(known));
    }
    let older = names.into_iter().map(|(order, run)| (order, Some(run)));
    runs.extend(described(client, older).await?);
    Ok(Records {
        runs,
        latest,
        performed,
    })
}

fn name(run: &Run) -> Name {
    (run.workflow_id.clone(), run.run_id.clone())
}

/// The runs that somebody else than visibility names.
fn witnesses(performed: &[Performed], books: &Books) -> HashSet<Name> {
    let done = performed.iter().map(|done| {
        (
            WorkflowId::from(done.workflow_id.as_str()),
            RunId::from(done.run_id.as_str()),
        )
    });
    let attempts = books.stories.iter().flat_map(|story| {
        let runs = story
            .attempts
            .iter()
            .filter_map(|attempt| attempt.run.clone());
        runs.map(|run| (story.order.workflow_id.clone(), run))
    });
    done.chain(attempts).collect()
}

/// What visibility lists, once it shows all of `witnesses` and has come to rest, or patience is at its end.
async fn caught_up(client: &Client, witnesses: &HashSet<Name>) -> anyhow::Result<HashSet<Name>> {
    let deadline = Instant::now() + PATIENCE;
    let mut before = None;
    loop {
        let listed = list(client).await?;
        let rests = before.as_ref() == Some(&listed) && witnesses.is_subset(&listed);
        if rests || Instant::now() >= deadline {
            return Ok(listed);
        }
        before = Some(listed);
        SystemClock.sleep(PAUSE).await;
    }
}

async fn list(client: &Client) -> anyhow::Result<HashSet<Name>> {
    let (mut listed, mut next_page_token) = (HashSet::new(), Vec::new());
    loop {
        let request = ListWorkflowExecutionsRequest {
            namespace: client.options().namespace.clone(),
            page_size: PAGE,
            query: format!("WorkflowType = '{WORKFLOW_TYPE}'"),
            next_page_token,
        };
        let page = answered(|| {
            let request = request.clone();
            async {
                service(client)
                    .list_workflow_executions(Request::new(request))
                    .await
            }
        });
        let page = page.await.context("the runs cannot be listed")?;
        let runs = page.executions.into_iter().filter_map(|run| run.execution);
        listed.extend(runs.map(|run| (run.workflow_id.into(), run.run_id.into())));
        if page.next_page_token.is_empty() {
            return Ok(listed);
        }
        next_page_token = page.next_page_token;
    }
}

/// Asks again where an answer is lost: now and then the server ends a connection for its age.
async fn answered<T, F>(ask: impl Fn() -> F) -> Result<T, tonic::Status>
where
    F: Future<Output = Result<Response<T>, tonic::Status>>,
{
    let mut lost = 0;
    loop {
        match ask().await {
            Err(status) if lost < LOST && is_lost(&status) => lost += 1,
            answer => return answer.map(Response::into_inner),
        }
        SystemClock.sleep(PAUSE).await;
    }
}

fn is_lost(status: &tonic::Status) -> bool {
    matches!(GatewayError::from_status(status), GatewayError::Unknown(_))
}

/// Each run as its description shows it; those that Temporal does not know are left out.
async fn described(
    client: &Client,
    runs: impl Iterator<Item = (WorkflowId, Option<RunId>)>,
) -> anyhow::Result<Vec<Run>> {
    stream::iter(runs)
        .map(|(order, run)| async move { describe(client, &order, run.as_ref()).await })
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|run| async { Ok(run) })
        .try_collect()
        .await
}

async fn describe(
    client: &Client,
    order: &WorkflowId,
    run: Option<&RunId>,
) -> anyhow::Result<Option<Run>> {
    let request = DescribeWorkflowExecutionRequest {
        namespace: client.options().namespace.clone(),
        execution: Some(WorkflowExecution {
            workflow_id: order.to_string(),
            run_id: run.map(ToString::to_string).unwrap_or_default(),
        }),
    };
    let answer = answered(|| {
        let request = request.clone();
        async {
            service(client)
                .describe_workflow_execution(Request::new(request))
                .await
        }
    });
    match answer.await {
        Ok(answer) => {
            let info = answer.workflow_execution_info;
            let info =
                info.with_context(|| format!("{order} is described without saying how it stands"))?;
            read(info).map(Some)
        }
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status).with_context(|| format!("{order} cannot be described")),
    }
}

fn read(info: WorkflowExecutionInfo) -> anyhow::Result<Run> {
    let status = status(info.status())?;
    let started = info.start_time.unwrap_or_default();
    let run = info.execution.unwrap_or_default();
    Ok(Run {
        workflow_id: run.workflow_id.into(),
        run_id: run.run_id.into(),
        first_run_id: info.first_run_id.into(),
        status,
        started_at: Timestamp::new(started.seconds, started.nanos)?,
        memo: restart_memo(info.memo.as_ref()),
    })
}

fn status(status: Status) -> anyhow::Result<RunStatus> {
    Ok(match status {
        Status::Running | Status::Paused => RunStatus::Running,
        Status::Completed => RunStatus::Completed,
        Status::Failed => RunStatus::Failed,
        Status::Canceled => RunStatus::Canceled,
        Status::Terminated => RunStatus::Terminated,
        Status::ContinuedAsNew => RunStatus::ContinuedAsNew,
        Status::TimedOut => RunStatus::TimedOut,
        Status::Unspecified => bail!("a run is described without a status"),
    })
}

fn service(client: &Client) -> Box<dyn WorkflowService> {
    client.connection().workflow_service()
}
