//! Every field of a start event is copied, filled in or dropped on purpose.

use std::collections::BTreeSet;

use temporalio_common::protos::temporal::api::common::v1::{
    Header, Payloads, Priority, RetryPolicy, WorkflowType,
};
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflow::v1::VersioningOverride;
use uuid::Uuid;

use super::*;
use crate::gateway::Mark;

/// Copied into the new start.
const COPIED: &[&str] = &[
    "workflow_type",
    "task_queue",
    "input",
    "workflow_execution_timeout",
    "workflow_run_timeout",
    "workflow_task_timeout",
    "retry_policy",
    "memo",
    "search_attributes",
    "header",
    "versioning_override",
    "priority",
];

/// Dropped: they speak of the run that was, or of whoever started it.
const DROPPED: &[&str] = &[
    "parent_workflow_namespace",
    "parent_workflow_namespace_id",
    "parent_workflow_execution",
    "parent_initiated_event_id",
    "parent_initiated_event_version",
    "parent_pinned_worker_deployment_version",
    "root_workflow_execution",
    "continued_execution_run_id",
    "initiator",
    "continued_failure",
    "last_completion_result",
    "original_execution_run_id",
    "identity",
    "first_execution_run_id",
    "attempt",
    "workflow_execution_expiration_time",
    "cron_schedule",
    "first_workflow_task_backoff",
    "prev_auto_reset_points",
    "workflow_id",
    "source_version_stamp",
    "completion_callbacks",
    "inherited_build_id",
    "inherited_pinned_version",
    "inherited_auto_upgrade_info",
    "eager_execution_accepted",
    "declined_target_version_upgrade",
    "time_skipping_config",
    "time_skipping_state_propagation",
];

/// The fields of the event, from the names in its `Debug` output: a new one turns this red.
fn fields() -> BTreeSet<String> {
    let debug = format!("{:#?}", WorkflowExecutionStartedEventAttributes::default());
    let top = debug
        .lines()
        .filter(|line| line.starts_with("    ") && !line.starts_with("     "));
    top.filter_map(|line| Some(line.trim().split_once(':')?.0.to_owned()))
        .collect()
}

#[test]
fn every_field_of_a_start_event_is_decided() {
    let decided: BTreeSet<_> = COPIED
        .iter()
        .chain(DROPPED)
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(fields(), decided);
    assert_eq!(
        decided.len(),
        COPIED.len() + DROPPED.len(),
        "a field is decided twice"
    );
}

fn payload(data: &str) -> Payload {
    Payload {
        data: data.into(),
        ..Default::default()
    }
}

fn event() -> WorkflowExecutionStartedEventAttributes {
    let seconds = |seconds| Some(prost_wkt_types::Duration { seconds, nanos: 0 });
    WorkflowExecutionStartedEventAttributes {
        workflow_type: Some(WorkflowType {
            name: "Order".into(),
        }),
        task_queue: Some(TaskQueue {
            name: "orders".into(),
            ..Default::default()
        }),
        input: Some(Payloads {
            payloads: vec![payload("in")],
        }),
        workflow_execution_timeout: seconds(3),
        workflow_run_timeout: seconds(2),
        workflow_task_timeout: seconds(1),
        retry_policy: Some(RetryPolicy {
            maximum_attempts: 4,
            ..Default::default()
        }),
        memo: Some(Memo {
            fields: [("shop".to_owned(), payload("memo"))].into(),
        }),
        search_attributes: Some(SearchAttributes {
            indexed_fields: [
                ("CustomerId".to_owned(), payload("c-1")),
                ("TemporalScheduledById".to_owned(), payload("s")),
                ("BuildIds".to_owned(), payload("b")),
            ]
            .into(),
        }),
        header: Some(Header {
            fields: [("trace".to_owned(), payload("t"))].into(),
        }),
        versioning_override: Some(VersioningOverride::default()),
        priority: Some(Priority {
            priority_key: 2,
            ..Default::default()
        }),
        identity: "shop".into(),
        cron_schedule: "@daily".into(),
        attempt: 3,
        ..Default::default()
    }
}

fn restart(request: Vec<u8>) -> Restart {
    Restart {
        workflow_id: "order-1".into(),
        mark: Mark {
            from_run: "r0".into(),
            request_id: Uuid::nil(),
        },
        batch: "b1".into(),
        generation: 2,
        attempt: 3,
        request,
    }
}

#[test]
fn what_is_copied_arrives_and_what_is_dropped_does_not() {
    let metadata = UserMetadata {
        summary: Some(payload("s")),
        details: None,
    };
    let bytes = from_event(event(), Some(metadata.clone()));
    let sent = to_send(&restart(bytes), "shop", "redrive").unwrap();
    let event = event();
    assert_eq!(sent.workflow_type, event.workflow_type);
    assert_eq!(sent.task_queue, event.task_queue);
    assert_eq!(sent.input, event.input);
    assert_eq!(
        sent.workflow_execution_timeout,
        event.workflow_execution_timeout
    );
    assert_eq!(sent.workflow_run_timeout, event.workflow_run_timeout);
    assert_eq!(sent.workflow_task_timeout, event.workflow_task_timeout);
    assert_eq!(sent.retry_policy, event.retry_policy);
    assert_eq!(sent.header, event.header);
    assert_eq!(sent.versioning_override, event.versioning_override);
    assert_eq!(sent.priority, event.priority);
    assert_eq!(sent.user_metadata, Some(metadata));
    assert_eq!(sent.identity, "redrive");
    assert_eq!(sent.cron_schedule, "");
    let attributes: Vec<_> = sent
        .search_attributes
        .unwrap()
        .indexed_fields
        .into_keys()
        .collect();
    assert_eq!(attributes, ["CustomerId"]);
}

#[test]
fn the_memo_gains_where_the_run_comes_from() {
    let sent = to_send(&restart(from_event(event(), None)), "shop", "redrive").unwrap();
    assert_eq!(sent.memo.as_ref().unwrap().fields["shop"], payload("memo"));
    let memo = RestartMemo {
        batch: "b1".into(),
        generation: 2,
        attempt: 3,
        from_run: "r0".into(),
    };
    assert_eq!(restart_memo(sent.memo.as_ref()), Some(memo));
}

#[test]
fn a_start_is_refused_beside_a_running_or_after_a_completed_run() {
    let sent = to_send(&restart(from_event(event(), None)), "shop", "redrive").unwrap();
    assert_eq!(
        sent.workflow_id_reuse_policy(),
        WorkflowIdReusePolicy::AllowDuplicateFailedOnly
    );
    assert_eq!(
        sent.workflow_id_conflict_policy(),
        WorkflowIdConflictPolicy::Fail
    );
    assert_eq!(sent.request_id, Uuid::nil().to_string());
}

#[test]
fn a_request_that_cannot_be_read_is_the_orders_own_error() {
    let refused = to_send(&restart(vec![0xff; 9]), "shop", "redrive").unwrap_err();
    assert!(matches!(refused, GatewayError::Item(_)), "{refused}");
}
