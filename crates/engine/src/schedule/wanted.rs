//! What the schedule is to be, and in what a schedule that was found differs from it.

use std::time::Duration;

use redrive_core::policy::duration;
use temporalio_common::protos::temporal::api::common::v1::WorkflowType;
use temporalio_common::protos::temporal::api::enums::v1::ScheduleOverlapPolicy;
use temporalio_common::protos::temporal::api::schedule::v1::{
    IntervalSpec, Schedule, ScheduleAction, SchedulePolicies, ScheduleSpec, schedule_action::Action,
};
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;

use super::ScheduleSettings;

/// The schedule that `settings` ask for.
pub(super) fn schedule(settings: &ScheduleSettings) -> Schedule {
    let interval = prost_wkt_types::Duration::try_from(settings.interval).ok();
    let timeout =
        prost_wkt_types::Duration::try_from(redrive_flows::options::EXECUTION_TIMEOUT).ok();
    Schedule {
        spec: Some(ScheduleSpec {
            interval: vec![IntervalSpec {
                interval,
                phase: None,
            }],
            ..Default::default()
        }),
        action: Some(ScheduleAction {
            action: Some(Action::StartWorkflow(NewWorkflowExecutionInfo {
                workflow_id: redrive_flows::ACTION_ID.to_owned(),
                workflow_type: Some(WorkflowType {
                    name: redrive_flows::BATCH_WORKFLOW.to_owned(),
                }),
                task_queue: Some(TaskQueue {
                    name: settings.task_queue.clone(),
                    ..Default::default()
                }),
                workflow_execution_timeout: timeout,
                ..Default::default()
            })),
        }),
        policies: Some(SchedulePolicies {
            overlap_policy: ScheduleOverlapPolicy::Skip as i32,
            catchup_window: interval,
            ..Default::default()
        }),
        state: None,
    }
}

/// In what `found` differs from `wanted`, in what Redrive sets; the server fills in more. Each is `what is, not wanted`.
pub(super) fn differences(found: &Schedule, wanted: &Schedule) -> Vec<String> {
    let (is, wanted) = (told(found), told(wanted));
    let pairs = is.into_iter().zip(wanted);
    pairs
        .filter(|((_, is), (_, wanted))| is != wanted)
        .map(|((what, is), (_, wanted))| format!("{what} {is}, not {wanted}"))
        .collect()
}

/// What Redrive sets, in words.
fn told(schedule: &Schedule) -> [(&'static str, String); 7] {
    let policies = schedule.policies.unwrap_or_default();
    let start = match schedule.action.as_ref().map(|action| &action.action) {
        Some(Some(Action::StartWorkflow(start))) => Some(start),
        _ => None,
    };
    let text = |text: Option<&String>| text.map_or_else(|| "nothing".to_owned(), Clone::clone);
    let kind = start.and_then(|start| start.workflow_type.as_ref());
    let queue = start.and_then(|start| start.task_queue.as_ref());
    let timeout = start.and_then(|start| start.workflow_execution_timeout);
    [
        ("it ticks", ticks(schedule)),
        ("its overlap policy is", overlap(&policies).to_owned()),
        ("its catchup window is", span(policies.catchup_window)),
        (
            "it starts the workflow",
            text(start.map(|start| &start.workflow_id)),
        ),
        ("of the type", text(kind.map(|kind| &kind.name))),
        ("on the task queue", text(queue.map(|queue| &queue.name))),
        ("with the timeout", span(timeout)),
    ]
}

/// Only an interval ticks; a calendar or cron line that somebody added makes it differ.
fn ticks(schedule: &Schedule) -> String {
    let spec = schedule.spec.clone().unwrap_or_default();
    let others = spec.structured_calendar.len() + spec.calendar.len() + spec.cron_string.len();
    let mut when: Vec<String> = spec
        .interval
        .iter()
        .map(|every| format!("every {}", span(every.interval)))
        .collect();
    if others > 0 {
        when.push("by a calendar".to_owned());
    }
    if when.is_empty() {
        "never".to_owned()
    } else {
        when.join(" and ")
    }
}

/// The name of an overlap policy, in small letters.
pub(super) fn overlap(policies: &SchedulePolicies) -> &'static str {
    match policies.overlap_policy() {
        ScheduleOverlapPolicy::Unspecified | ScheduleOverlapPolicy::Skip => "skip",
        ScheduleOverlapPolicy::BufferOne => "buffer one",
        ScheduleOverlapPolicy::BufferAll => "buffer all",
        ScheduleOverlapPolicy::CancelOther => "cancel other",
        ScheduleOverlapPolicy::TerminateOther => "terminate other",
        ScheduleOverlapPolicy::AllowAll => "allow all",
    }
}

/// A span of time as a person writes it.
pub(super) fn span(time: Option<prost_wkt_types::Duration>) -> String {
    length(time).map_or_else(|| "not set".to_owned(), duration::format)
}

/// A span of time.
pub(super) fn length(time: Option<prost_wkt_types::Duration>) -> Option<Duration> {
    time.and_then(|time| Duration::try_from(time).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(minutes: u64, queue: &str) -> ScheduleSettings {
        ScheduleSettings {
            id: "s".into(),
            task_queue: queue.into(),
            interval: Duration::from_secs(minutes * 60),
        }
    }

    #[test]
    fn a_schedule_does_not_differ_from_itself() {
        let one = schedule(&settings(15, "orchestrator"));
        assert_eq!(differences(&one, &one), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_told_with_what_is_wanted() {
        let wanted = schedule(&settings(15, "orchestrator"));
        let mut found = schedule(&settings(5, "mine"));
        if let Some(spec) = found.spec.as_mut() {
            spec.cron_string.push("0 0 * * *".into());
        }
        if let Some(policies) = found.policies.as_mut() {
            policies.overlap_policy = ScheduleOverlapPolicy::AllowAll as i32;
        }
        assert_eq!(
            differences(&found, &wanted),
            [
                "it ticks every 5m and by a calendar, not every 15m",
                "its overlap policy is allow all, not skip",
                "its catchup window is 5m, not 15m",
                "on the task queue mine, not orchestrator",
            ]
        );
        let starts_nothing = Schedule {
            action: None,
            ..wanted.clone()
        };
        assert_eq!(differences(&starts_nothing, &wanted).len(), 4);
    }
}
