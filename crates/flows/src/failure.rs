//! Why a step of a workflow failed, as the sentence that lies under the SDK's wrappers; and how a workflow ends on it.

use std::fmt;

use temporalio_common::error::ApplicationFailure;
use temporalio_common::protos::temporal::api::enums::v1::TimeoutType;
use temporalio_common::protos::temporal::api::failure::v1::{Failure, failure::FailureInfo};
use temporalio_workflow::{
    ActivityExecutionError, ChildWorkflowExecutionError, ChildWorkflowStartError,
    WorkflowTermination,
};

use crate::options::{INVALID_INPUT, SYSTEM_ERROR};

/// The deepest cause of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// What happened.
    pub(crate) sentence: String,
    /// Trying again cannot mend it.
    pub(crate) system: bool,
}

impl Cause {
    /// The deepest cause of `failure`, or what `wrapper` says where there is none.
    fn of(failure: Option<&Failure>, wrapper: &dyn fmt::Display) -> Self {
        let Some(mut deepest) = failure else {
            return Self {
                sentence: wrapper.to_string(),
                system: false,
            };
        };
        while let Some(cause) = deepest.cause.as_deref() {
            deepest = cause;
        }
        let system = matches!(&deepest.failure_info,
            Some(FailureInfo::ApplicationFailureInfo(info)) if info.r#type == SYSTEM_ERROR);
        Self {
            sentence: deepest.message.clone(),
            system,
        }
    }

    /// The end of a workflow that failed for this cause.
    pub(crate) fn ends(self) -> WorkflowTermination {
        let failure = ApplicationFailure::builder(self.sentence).non_retryable(self.system);
        if self.system {
            failure.type_name(SYSTEM_ERROR.to_owned()).build().into()
        } else {
            failure.build().into()
        }
    }
}

impl From<ActivityExecutionError> for Cause {
    fn from(error: ActivityExecutionError) -> Self {
        Self::of(error.failure(), &error)
    }
}

impl From<ChildWorkflowStartError> for Cause {
    fn from(error: ChildWorkflowStartError) -> Self {
        Self::of(error.failure(), &error)
    }
}

impl From<ChildWorkflowExecutionError> for Cause {
    fn from(error: ChildWorkflowExecutionError) -> Self {
        Self::of(error.failure(), &error)
    }
}

/// Whether no worker has taken the activity up in its time.
pub(crate) fn never_begun(error: &ActivityExecutionError) -> bool {
    let cause = error.failure().and_then(|failure| failure.cause.as_deref());
    matches!(cause.and_then(|cause| cause.failure_info.as_ref()),
        Some(FailureInfo::TimeoutFailureInfo(info)) if info.timeout_type() == TimeoutType::ScheduleToStart)
}

/// The end of a workflow whose input cannot be read.
pub(crate) fn refuse(sentence: &str) -> WorkflowTermination {
    ApplicationFailure::builder(sentence.to_owned())
        .type_name(INVALID_INPUT.to_owned())
        .non_retryable(true)
        .build()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_common::protos::temporal::api::failure::v1::ApplicationFailureInfo;

    fn application(kind: &str, message: &str) -> Failure {
        Failure {
            message: message.into(),
            failure_info: Some(FailureInfo::ApplicationFailureInfo(
                ApplicationFailureInfo {
                    r#type: kind.into(),
                    ..Default::default()
                },
            )),
            ..Default::default()
        }
    }

    #[test]
    fn the_sentence_lies_deepest() {
        let wrapped = Failure {
            message: "Activity task failed".into(),
            cause: Some(Box::new(application(
                SYSTEM_ERROR,
                "Temporal refuses: permission denied",
            ))),
            ..Default::default()
        };
        let cause = Cause::of(Some(&wrapped), &"wrapper");
        assert_eq!(
            cause,
            Cause {
                sentence: "Temporal refuses: permission denied".into(),
                system: true
            }
        );
    }

    #[test]
    fn other_failures_may_be_tried_again() {
        assert!(!Cause::of(Some(&application("", "the ledger is busy")), &"wrapper").system);
        assert_eq!(Cause::of(None, &"wrapper").sentence, "wrapper");
    }
}
