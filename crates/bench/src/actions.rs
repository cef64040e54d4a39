//! Billable actions, counted from a run's history by Temporal's public definition (<https://docs.temporal.io/cloud/actions>).
//!
//! Counted: each workflow started (by a client, by continue-as-new, as a child; a child counts twice, since its parent's
//! request was billed too in earlier versions of the definition), each try of an activity, each timer, each signal, each
//! heartbeat that reaches the server. Heartbeats leave no event: their most is counted, one for each second that an
//! activity with a heartbeat timeout takes, and one more. Not counted: workflow tasks, and the search attribute of versions.

use std::collections::HashMap;

use jiff::Timestamp;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

/// The actions of one run.
pub(crate) fn actions(events: &[HistoryEvent]) -> u64 {
    let mut beating: HashMap<i64, Option<Timestamp>> = HashMap::new();
    let mut sum = 0;
    for event in events {
        sum += match event.attributes.as_ref() {
            Some(Attributes::WorkflowExecutionStartedEventAttributes(start)) => {
                1 + u64::from(start.parent_workflow_execution.is_some())
            }
            Some(
                Attributes::WorkflowExecutionSignaledEventAttributes(_)
                | Attributes::TimerStartedEventAttributes(_),
            ) => 1,
            Some(Attributes::ActivityTaskScheduledEventAttributes(activity)) => {
                if activity
                    .heartbeat_timeout
                    .is_some_and(|time| time.seconds > 0)
                {
                    beating.insert(event.event_id, None);
                }
                1
            }
            Some(Attributes::ActivityTaskStartedEventAttributes(started)) => {
                if let Some(began) = beating.get_mut(&started.scheduled_event_id) {
                    *began = time(event);
                }
                u64::try_from(started.attempt - 1).unwrap_or_default()
            }
            Some(attributes) => {
                let ended = scheduled_event(attributes).and_then(|id| beating.remove(&id));
                ended.map_or(0, |began| heartbeats(began, time(event)))
            }
            None => 0,
        };
    }
    sum
}

/// The event that scheduled the activity that ends with this one.
fn scheduled_event(attributes: &Attributes) -> Option<i64> {
    match attributes {
        Attributes::ActivityTaskCompletedEventAttributes(ended) => Some(ended.scheduled_event_id),
        Attributes::ActivityTaskFailedEventAttributes(ended) => Some(ended.scheduled_event_id),
        Attributes::ActivityTaskTimedOutEventAttributes(ended) => Some(ended.scheduled_event_id),
        Attributes::ActivityTaskCanceledEventAttributes(ended) => Some(ended.scheduled_event_id),
        _ => None,
    }
}

/// The most heartbeats between two times.
fn heartbeats(began: Option<Timestamp>, ended: Option<Timestamp>) -> u64 {
    let (Some(began), Some(ended)) = (began, ended) else {
        return 0;
    };
    u64::try_from(ended.duration_since(began).as_secs()).unwrap_or_default() + 1
}

/// When an event happened.
pub(crate) fn time(event: &HistoryEvent) -> Option<Timestamp> {
    let time = event.event_time?;
    Timestamp::new(time.seconds, time.nanos).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_wkt_types::Timestamp as Wire;
    use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
    use temporalio_common::protos::temporal::api::history::v1::{
        ActivityTaskCompletedEventAttributes, ActivityTaskScheduledEventAttributes,
        ActivityTaskStartedEventAttributes, WorkflowExecutionStartedEventAttributes,
    };

    fn event(event_id: i64, seconds: i64, attributes: Attributes) -> HistoryEvent {
        HistoryEvent {
            event_id,
            event_time: Some(Wire { seconds, nanos: 0 }),
            attributes: Some(attributes),
            ..Default::default()
        }
    }

    fn activity(beats: bool, attempt: i32, took: i64) -> Vec<HistoryEvent> {
        let scheduled = ActivityTaskScheduledEventAttributes {
            heartbeat_timeout: beats.then_some(prost_wkt_types::Duration {
                seconds: 20,
                nanos: 0,
            }),
            ..Default::default()
        };
        let started = ActivityTaskStartedEventAttributes {
            scheduled_event_id: 5,
            attempt,
            ..Default::default()
        };
        let completed = ActivityTaskCompletedEventAttributes {
            scheduled_event_id: 5,
            ..Default::default()
        };
        vec![
            event(
                5,
                100,
                Attributes::ActivityTaskScheduledEventAttributes(scheduled),
            ),
            event(
                6,
                100,
                Attributes::ActivityTaskStartedEventAttributes(started),
            ),
            event(
                7,
                100 + took,
                Attributes::ActivityTaskCompletedEventAttributes(completed),
            ),
        ]
    }

    #[test]
    fn each_try_of_an_activity_counts_and_the_most_heartbeats_it_may_have_sent() {
        assert_eq!(actions(&activity(false, 1, 9)), 1);
        assert_eq!(actions(&activity(false, 3, 9)), 3);
        assert_eq!(actions(&activity(true, 1, 9)), 1 + 10);
        assert_eq!(actions(&activity(true, 1, 0)), 1 + 1);
    }

    #[test]
    fn a_child_counts_twice() {
        let start = |parent: Option<WorkflowExecution>| {
            let start = WorkflowExecutionStartedEventAttributes {
                parent_workflow_execution: parent,
                ..Default::default()
            };
            vec![event(
                1,
                0,
                Attributes::WorkflowExecutionStartedEventAttributes(start),
            )]
        };
        assert_eq!(actions(&start(None)), 1);
        assert_eq!(actions(&start(Some(WorkflowExecution::default()))), 2);
    }
}
