//! What a batch has left in its workflows' histories: when its parts began and ended by the server's clock, how many
//! events they are, and how many actions.

use anyhow::{Context, bail};
use jiff::Timestamp;
use redrive_engine::ops::Running;
use temporalio_client::Client;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryRequest;
use tonic::Request;

use crate::actions::{actions, time};

/// The activity that scans.
const SCAN: &str = "ScanFailures";
/// The activity that processes a chunk.
const CHUNK: &str = "ProcessChunk";

/// The trace of a batch that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    /// Events in all histories of the batch and its orchestration.
    pub events: u64,
    /// Billable actions of them.
    pub actions: u64,
    /// When its scan was asked for.
    pub scan_began: Timestamp,
    /// When its first chunk was asked for.
    pub chunks_began: Timestamp,
    /// When its last chunk had ended.
    pub chunks_ended: Timestamp,
}

/// Reads the trace of a batch, over every continuation.
pub(crate) async fn read(client: &Client, running: &Running) -> anyhow::Result<Trace> {
    let batch = history(client, &running.workflow_id, &running.batch_id).await?;
    let mut next = batch.iter().find_map(child_run);
    let mut events = batch.len() as u64;
    let mut billed = actions(&batch);
    let mut times = Times::default();
    while let Some(run) = next {
        let orchestration = history(client, &running.orchestration_id, &run).await?;
        events += orchestration.len() as u64;
        billed += actions(&orchestration);
        times.read(&orchestration);
        next = orchestration.last().and_then(continued_as);
    }
    let Times {
        scan_began,
        chunks_began,
        chunks_ended,
    } = times;
    Ok(Trace {
        events,
        actions: billed,
        scan_began: scan_began.context("the batch has not scanned")?,
        chunks_began: chunks_began.context("the batch has had no chunk")?,
        chunks_ended: chunks_ended.context("no chunk of the batch has ended")?,
    })
}

async fn history(
    client: &Client,
    workflow_id: &str,
    run_id: &str,
) -> anyhow::Result<Vec<HistoryEvent>> {
    let mut service = client.connection().workflow_service();
    let (mut events, mut page) = (Vec::new(), Vec::new());
    loop {
        let request = GetWorkflowExecutionHistoryRequest {
            namespace: client.options().namespace.clone(),
            execution: Some(WorkflowExecution {
                workflow_id: workflow_id.to_owned(),
                run_id: run_id.to_owned(),
            }),
            next_page_token: page,
            ..Default::default()
        };
        let read = service.get_workflow_execution_history(Request::new(request));
        let read = read.await?.into_inner();
        events.extend(read.history.unwrap_or_default().events);
        if read.next_page_token.is_empty() {
            break;
        }
        page = read.next_page_token;
    }
    if events.is_empty() {
        bail!("the history of {workflow_id} is empty");
    }
    Ok(events)
}

fn child_run(event: &HistoryEvent) -> Option<String> {
    match event.attributes.as_ref()? {
        Attributes::ChildWorkflowExecutionStartedEventAttributes(child) => {
            Some(child.workflow_execution.clone()?.run_id)
        }
        _ => None,
    }
}

fn continued_as(event: &HistoryEvent) -> Option<String> {
    match event.attributes.as_ref()? {
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(next) => {
            Some(next.new_execution_run_id.clone())
        }
        _ => None,
    }
}

#[derive(Debug, Default)]
struct Times {
    scan_began: Option<Timestamp>,
    chunks_began: Option<Timestamp>,
    chunks_ended: Option<Timestamp>,
}

impl Times {
    fn read(&mut self, events: &[HistoryEvent]) {
        let mut chunks = Vec::new();
        for event in events {
            match event.attributes.as_ref() {
                Some(Attributes::ActivityTaskScheduledEventAttributes(activity)) => {
                    let name = activity
                        .activity_type
                        .as_ref()
                        .map(|kind| kind.name.as_str());
                    if name == Some(SCAN) {
                        self.scan_began = self.scan_began.or(time(event));
                    } else if name == Some(CHUNK) {
                        self.chunks_began = self.chunks_began.or(time(event));
                        chunks.push(event.event_id);
                    }
                }
                Some(Attributes::ActivityTaskCompletedEventAttributes(ended))
                    if chunks.contains(&ended.scheduled_event_id) =>
                {
                    self.chunks_ended = self.chunks_ended.max(time(event));
                }
                _ => {}
            }
        }
    }
}
