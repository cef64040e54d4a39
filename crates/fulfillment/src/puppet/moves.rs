//! What a script answers, and the Temporal command it becomes.

use temporalio_common::protos::temporal::api::{
    command::v1::{
        CancelWorkflowExecutionCommandAttributes, Command,
        CompleteWorkflowExecutionCommandAttributes,
        ContinueAsNewWorkflowExecutionCommandAttributes, FailWorkflowExecutionCommandAttributes,
        command::Attributes,
    },
    common::v1::WorkflowType,
    enums::v1::CommandType,
    failure::v1::{ApplicationFailureInfo, Failure, failure::FailureInfo},
};

use super::Task;

/// The answer to one workflow task.
#[derive(Debug, Clone, PartialEq)]
pub enum Move {
    /// Fail the run with an application failure. A workflow retry policy goes on unless `non_retryable`.
    Fail {
        /// The failure's type, such as `shipping_failed`.
        r#type: String,
        /// The failure's message.
        message: String,
        /// Whether a workflow retry policy must not retry it.
        non_retryable: bool,
    },
    /// Fail the run with a failure of any other shape, such as a failed activity with its cause.
    FailWith(Box<Failure>),
    /// Complete the run, without a result.
    Complete,
    /// Continue as new with the same input, memo, header, run timeout and retry policy.
    ContinueAsNew,
    /// Close the run as cancelled; the server takes it only after a cancel request.
    Cancel,
    /// Leave the run open.
    Nothing,
    /// Leave the run open, and do something else, such as starting a child.
    Also(Box<Command>),
}

impl Move {
    /// A retryable [`Move::Fail`].
    #[must_use]
    pub fn fail(r#type: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Fail {
            r#type: r#type.into(),
            message: message.into(),
            non_retryable: false,
        }
    }

    pub(super) fn into_commands(self, task: &Task) -> Vec<Command> {
        match self {
            Self::Fail {
                r#type,
                message,
                non_retryable,
            } => vec![fail(application_failure(r#type, message, non_retryable))],
            Self::FailWith(failure) => vec![fail(*failure)],
            Self::Complete => vec![complete()],
            Self::ContinueAsNew => vec![continue_as_new(task)],
            Self::Cancel => vec![cancel()],
            Self::Nothing => Vec::new(),
            Self::Also(command) => vec![*command],
        }
    }
}

fn command(kind: CommandType, attributes: Attributes) -> Command {
    Command {
        command_type: kind as i32,
        attributes: Some(attributes),
        ..Default::default()
    }
}

fn fail(failure: Failure) -> Command {
    command(
        CommandType::FailWorkflowExecution,
        Attributes::FailWorkflowExecutionCommandAttributes(
            FailWorkflowExecutionCommandAttributes {
                failure: Some(failure),
            },
        ),
    )
}

fn application_failure(r#type: String, message: String, non_retryable: bool) -> Failure {
    Failure {
        message,
        source: "puppet".to_owned(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(
            ApplicationFailureInfo {
                r#type,
                non_retryable,
                ..Default::default()
            },
        )),
        ..Default::default()
    }
}

fn complete() -> Command {
    command(
        CommandType::CompleteWorkflowExecution,
        Attributes::CompleteWorkflowExecutionCommandAttributes(
            CompleteWorkflowExecutionCommandAttributes { result: None },
        ),
    )
}

fn cancel() -> Command {
    command(
        CommandType::CancelWorkflowExecution,
        Attributes::CancelWorkflowExecutionCommandAttributes(
            CancelWorkflowExecutionCommandAttributes { details: None },
        ),
    )
}

/// The command inherits nothing from the run by itself but its search attributes: what the next run shall
/// keep has to be said.
fn continue_as_new(task: &Task) -> Command {
    let started = task.started.clone();
    command(
        CommandType::ContinueAsNewWorkflowExecution,
        Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(
            ContinueAsNewWorkflowExecutionCommandAttributes {
                workflow_type: Some(WorkflowType {
                    name: task.workflow_type.clone(),
                }),
                task_queue: started.task_queue,
                input: started.input,
                workflow_run_timeout: started.workflow_run_timeout,
                workflow_task_timeout: started.workflow_task_timeout,
                retry_policy: started.retry_policy,
                header: started.header,
                memo: started.memo,
                search_attributes: started.search_attributes,
                ..Default::default()
            },
        ),
    )
}
