//! Temporal's failure, as the plain facts that the policy classifies.

use redrive_core::failure::{Cause, CauseKind, FailureFacts, FailureKind, TimeoutKind};
use temporalio_common::protos::temporal::api::enums::v1::TimeoutType;
use temporalio_common::protos::temporal::api::failure::v1::{Failure, failure::FailureInfo};

/// The deepest chain of causes that is read: the server bounds failures too, this bounds a hand-made one.
const DEEPEST: usize = 20;

/// The facts of a failed run's failure.
pub(super) fn facts(failure: Option<&Failure>) -> FailureFacts {
    let mut chain = Vec::new();
    let mut next = failure;
    while let Some(failure) = next.filter(|_| chain.len() < DEEPEST) {
        chain.push(cause(failure));
        next = failure.cause.as_deref();
    }
    if chain.is_empty() {
        chain.push(blank(
            CauseKind::Unknown,
            "the run failed without saying why",
        ));
    }
    let kind = match chain[0].kind {
        CauseKind::Application => FailureKind::Application,
        _ => FailureKind::Other,
    };
    FailureFacts { kind, chain }
}

fn blank(kind: CauseKind, message: &str) -> Cause {
    Cause {
        kind,
        failure_type: None,
        message: message.to_owned(),
        activity_type: None,
        timeout: None,
    }
}

fn cause(failure: &Failure) -> Cause {
    let of = |kind| blank(kind, &failure.message);
    match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) => Cause {
            failure_type: Some(info.r#type.clone()).filter(|name| !name.is_empty()),
            ..of(CauseKind::Application)
        },
        Some(FailureInfo::TimeoutFailureInfo(info)) => Cause {
            timeout: timeout(info.timeout_type()),
            ..of(CauseKind::Timeout)
        },
        Some(FailureInfo::ActivityFailureInfo(info)) => Cause {
            activity_type: info
                .activity_type
                .as_ref()
                .map(|activity| activity.name.clone()),
            ..of(CauseKind::Activity)
        },
        Some(FailureInfo::ChildWorkflowExecutionFailureInfo(_)) => of(CauseKind::ChildWorkflow),
        Some(FailureInfo::CanceledFailureInfo(_)) => of(CauseKind::Canceled),
        Some(FailureInfo::TerminatedFailureInfo(_)) => of(CauseKind::Terminated),
        Some(FailureInfo::ServerFailureInfo(_)) => of(CauseKind::Server),
        Some(FailureInfo::ResetWorkflowFailureInfo(_)) => of(CauseKind::Reset),
        Some(
            FailureInfo::NexusOperationExecutionFailureInfo(_)
            | FailureInfo::NexusHandlerFailureInfo(_),
        ) => of(CauseKind::Nexus),
        None => of(CauseKind::Unknown),
    }
}

fn timeout(kind: TimeoutType) -> Option<TimeoutKind> {
    match kind {
        TimeoutType::StartToClose => Some(TimeoutKind::StartToClose),
        TimeoutType::ScheduleToStart => Some(TimeoutKind::ScheduleToStart),
        TimeoutType::ScheduleToClose => Some(TimeoutKind::ScheduleToClose),
        TimeoutType::Heartbeat => Some(TimeoutKind::Heartbeat),
        TimeoutType::Unspecified => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_common::protos::temporal::api::common::v1::ActivityType;
    use temporalio_common::protos::temporal::api::failure::v1::{
        ActivityFailureInfo, ApplicationFailureInfo, TimeoutFailureInfo,
    };

    fn failure(message: &str, info: FailureInfo, cause: Option<Failure>) -> Failure {
        Failure {
            message: message.into(),
            failure_info: Some(info),
            cause: cause.map(Box::new),
            ..Default::default()
        }
    }

    #[test]
    fn the_chain_is_read_outermost_first() {
        let timed_out = failure(
            "activity timed out",
            FailureInfo::TimeoutFailureInfo(TimeoutFailureInfo {
                timeout_type: TimeoutType::Heartbeat as i32,
                ..Default::default()
            }),
            None,
        );
        let activity = failure(
            "activity error",
            FailureInfo::ActivityFailureInfo(ActivityFailureInfo {
                activity_type: Some(ActivityType {
                    name: "shipping".into(),
                }),
                ..Default::default()
            }),
            Some(timed_out),
        );
        let outer = failure(
            "no label",
            FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
                r#type: "shipping_failed".into(),
                ..Default::default()
            }),
            Some(activity),
        );
        let facts = facts(Some(&outer));
        assert_eq!(facts.kind, FailureKind::Application);
        let kinds: Vec<_> = facts.chain.iter().map(|cause| cause.kind).collect();
        assert_eq!(
            kinds,
            [
                CauseKind::Application,
                CauseKind::Activity,
                CauseKind::Timeout
            ]
        );
        assert_eq!(
            facts.chain[0].failure_type.as_deref(),
            Some("shipping_failed")
        );
        assert_eq!(facts.chain[1].activity_type.as_deref(), Some("shipping"));
        assert_eq!(facts.chain[2].timeout, Some(TimeoutKind::Heartbeat));
    }

    #[test]
    fn a_failure_that_says_nothing_is_still_a_fact() {
        assert_eq!(facts(None).chain.len(), 1);
    }

    #[test]
    fn a_bottomless_chain_is_cut() {
        let mut chain = Failure::default();
        for _ in 0..100 {
            chain = Failure {
                cause: Some(Box::new(chain)),
                ..Default::default()
            };
        }
        assert_eq!(facts(Some(&chain)).chain.len(), DEEPEST);
    }
}
