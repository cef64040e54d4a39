//! What a script sees of a workflow task: the run, and the request that started it.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use temporalio_common::protos::temporal::api::{
    common::v1::Payload,
    history::v1::{
        HistoryEvent, WorkflowExecutionStartedEventAttributes, history_event::Attributes,
    },
    workflowservice::v1::PollWorkflowTaskQueueResponse,
};

/// One workflow task, as read from the first page of the run's history.
#[derive(Debug, Clone)]
pub struct Task {
    /// The workflow id.
    pub workflow_id: String,
    /// This run.
    pub run_id: String,
    /// The first run of its chain (retry policy, continue-as-new, reset); its own id if it has no forerunner.
    pub first_run_id: String,
    /// Which attempt of the workflow retry policy this run is, from 1.
    pub attempt: u32,
    /// The workflow type.
    pub workflow_type: String,
    /// The input payloads.
    pub input: Vec<Payload>,
    /// The memo's fields.
    pub memo: HashMap<String, Payload>,
    /// Names of the signals received so far, in order.
    pub signals: Vec<String>,
    /// Whether somebody asked for the run to be cancelled.
    pub cancel_requested: bool,
    /// The whole first event, for what has no field of its own here.
    pub started: WorkflowExecutionStartedEventAttributes,
}

impl Task {
    /// Whether this run follows another one of its chain (retry policy or continue-as-new).
    #[must_use]
    pub fn is_continued(&self) -> bool {
        !self.started.continued_execution_run_id.is_empty()
    }

    /// The first input payload, read as JSON.
    #[must_use]
    pub fn input_json<T: DeserializeOwned>(&self) -> Option<T> {
        self.input.first().and_then(read_json)
    }

    /// A memo field, read as JSON.
    #[must_use]
    pub fn memo_json<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.memo.get(key).and_then(read_json)
    }

    /// Nothing if the history lacks its first event, as in the task of a query.
    pub(super) fn read(polled: PollWorkflowTaskQueueResponse) -> Option<Self> {
        let execution = polled.workflow_execution?;
        let events = polled.history?.events;
        let started = started(&events)?;
        Some(Self {
            workflow_id: execution.workflow_id,
            run_id: execution.run_id,
            first_run_id: started.first_execution_run_id.clone(),
            attempt: u32::try_from(started.attempt).unwrap_or(1).max(1),
            workflow_type: polled.workflow_type?.name,
            input: started.input.clone().unwrap_or_default().payloads,
            memo: started.memo.clone().unwrap_or_default().fields,
            signals: events.iter().filter_map(signal).collect(),
            cancel_requested: events.iter().any(is_cancel_request),
            started,
        })
    }
}

fn started(events: &[HistoryEvent]) -> Option<WorkflowExecutionStartedEventAttributes> {
    match events.first()?.attributes.clone()? {
        Attributes::WorkflowExecutionStartedEventAttributes(started) => Some(started),
        _ => None,
    }
}

fn signal(event: &HistoryEvent) -> Option<String> {
    match event.attributes.as_ref()? {
        Attributes::WorkflowExecutionSignaledEventAttributes(signal) => {
            Some(signal.signal_name.clone())
        }
        _ => None,
    }
}

fn is_cancel_request(event: &HistoryEvent) -> bool {
    matches!(
        event.attributes,
        Some(Attributes::WorkflowExecutionCancelRequestedEventAttributes(
            _
        ))
    )
}

fn read_json<T: DeserializeOwned>(payload: &Payload) -> Option<T> {
    serde_json::from_slice(&payload.data).ok()
}
