//! What is read of the histories of closed runs: how they were started, and how they ended.

use jiff::Timestamp;
use redrive_core::failure::FailureFacts;
use redrive_core::ids::{RunId, WorkflowId};
use temporalio_common::protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_common::protos::temporal::api::history::v1::{
    HistoryEvent, WorkflowExecutionStartedEventAttributes, history_event::Attributes,
};
use temporalio_common::protos::temporal::api::sdk::v1::UserMetadata;
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryRequest;

use super::temporal::{TemporalGateway, execution, found, time};
use super::{FailedRun, GatewayError, Result, RunToRead, asked, failure, start_request};

/// A history of no more bytes is read as a whole. Chosen so that all that are read at the same time have half a megabyte.
const SHORT: i64 = 32 << 10;
/// And of no more events: they come as one page.
const SHORT_EVENTS: i32 = 250;

impl TemporalGateway {
    /// The failure of a closed run, and how it was started.
    pub(super) async fn failure_of(&self, run: &RunToRead) -> Result<Option<FailedRun>> {
        let Some((first, close)) = self.ends(run).await? else {
            return Ok(None);
        };
        let closed_at = time(close.event_time).unwrap_or(Timestamp::UNIX_EPOCH);
        let (timed_out, facts) = match close.attributes {
            Some(Attributes::WorkflowExecutionFailedEventAttributes(close))
                if close.new_execution_run_id.is_empty() =>
            {
                (false, failure::facts(close.failure.as_ref()))
            }
            Some(Attributes::WorkflowExecutionTimedOutEventAttributes(close))
                if close.new_execution_run_id.is_empty() =>
            {
                (true, FailureFacts::run_timed_out())
            }
            _ => return Ok(None),
        };
        let (start, metadata) = started(first)?;
        Ok(Some(FailedRun {
            workflow_id: run.workflow_id.clone(),
            workflow_type: start
                .workflow_type
                .as_ref()
                .map(|kind| kind.name.clone())
                .unwrap_or_default(),
            run_id: run.run_id.clone(),
            first_run_id: start.first_execution_run_id.as_str().into(),
            timed_out,
            closed_at,
            facts,
            from_run: start_request::restart_memo(start.memo.as_ref()).map(|memo| memo.from_run),
            has_parent: start.parent_workflow_execution.is_some(),
            start_request: start_request::from_event(start, metadata),
        }))
    }

    /// A run's start request, encoded.
    pub(super) async fn start_of(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<Vec<u8>>> {
        let Some(first) = self.first_event(workflow_id, run_id).await? else {
            return Ok(None);
        };
        let (start, metadata) = started(first)?;
        Ok(Some(start_request::from_event(start, metadata)))
    }

    /// Events of a run: the first ones, at most so many, or the one that closed it; and whether there are more.
    async fn events(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
        filter: HistoryEventFilterType,
        most: i32,
    ) -> Result<(Vec<HistoryEvent>, bool)> {
        let request = GetWorkflowExecutionHistoryRequest {
            namespace: self.home.namespace.clone(),
            execution: Some(execution(workflow_id, Some(run_id))),
            maximum_page_size: most,
            history_event_filter_type: filter as i32,
            ..Default::default()
        };
        let read = asked(&self.client, &request, |mut service, request| async move {
            service.get_workflow_execution_history(request).await
        });
        let Some(response) = found(read.await)? else {
            return Ok((Vec::new(), false));
        };
        let events = response.history.map(|history| history.events);
        let more = !response.next_page_token.is_empty();
        Ok((events.unwrap_or_default(), more))
    }

    /// A run's first event; `None` where the run is gone.
    async fn first_event(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<HistoryEvent>> {
        let all = HistoryEventFilterType::AllEvent;
        let (first, _) = self.events(workflow_id, run_id, all, 1).await?;
        Ok(first.into_iter().next())
    }

    /// A run's first event and the one that closed it; `None` where the run is gone.
    async fn ends(&self, run: &RunToRead) -> Result<Option<(HistoryEvent, HistoryEvent)>> {
        let (workflow_id, run_id) = (&run.workflow_id, &run.run_id);
        if run.short {
            let all = HistoryEventFilterType::AllEvent;
            let (whole, more) = self.events(workflow_id, run_id, all, SHORT_EVENTS).await?;
            if !more {
                let mut whole = whole.into_iter();
                let first = whole.next();
                return Ok(first.zip(whole.next_back()));
            }
        }
        let closing = HistoryEventFilterType::CloseEvent;
        let (close, _) = self.events(workflow_id, run_id, closing, 1).await?;
        let Some(close) = close.into_iter().next() else {
            return Ok(None);
        };
        let first = self.first_event(workflow_id, run_id).await?;
        Ok(first.map(|first| (first, close)))
    }
}

/// A run that visibility lists.
pub(super) fn to_read(info: WorkflowExecutionInfo) -> Option<RunToRead> {
    let run = info.execution?;
    // Of an unknown size is what a server says nothing of.
    let short = (1..=SHORT).contains(&info.history_size_bytes)
        && (1..=SHORT_EVENTS.into()).contains(&info.history_length);
    Some(RunToRead {
        workflow_id: run.workflow_id.into(),
        run_id: run.run_id.into(),
        short,
    })
}

/// A run's start, and what its user said of it.
fn started(
    first: HistoryEvent,
) -> Result<(
    WorkflowExecutionStartedEventAttributes,
    Option<UserMetadata>,
)> {
    match first.attributes {
        Some(Attributes::WorkflowExecutionStartedEventAttributes(start)) => {
            Ok((start, first.user_metadata))
        }
        _ => Err(GatewayError::Item(
            "the history does not begin with a start".into(),
        )),
    }
}
