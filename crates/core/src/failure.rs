//! What went wrong with a run, as plain data taken from its close event.
//!
//! A *cause* is one link of Temporal's failure chain; the *chain* runs from the outermost (what the workflow closed
//! with) to the innermost (where it began). The engine maps Temporal's failure message to this, once, at the edge;
//! nothing here knows protobuf. Details and payloads of a failure are left behind on purpose: they may hold an
//! order's data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::suggest::did_you_mean;

/// What a run that was timed out says of itself: its close event carries no failure, hence no message.
pub const RUN_TIMED_OUT_MESSAGE: &str = "the run timed out";

/// Why a run closed: the outermost kind and the chain of causes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureFacts {
    /// The kind of the outermost failure.
    pub kind: FailureKind,
    /// The causes, outermost first; the constructors put in at least one.
    pub chain: Vec<Cause>,
}

/// The kind of a run's outermost failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The workflow failed with an application failure of its own.
    Application,
    /// The run itself timed out: the server closed it, and the close event has no failure.
    WorkflowTimeout,
    /// The workflow closed with anything else: a failed activity or child it did not wrap, a server failure.
    Other,
}

/// One link of a failure chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Which of Temporal's failures this link is.
    pub kind: CauseKind,
    /// The application failure's type, e.g. `shipping_failed`; never blank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_type: Option<String>,
    /// The link's own message, whole; may be empty.
    pub message: String,
    /// The type of the activity that failed, on a link of kind [`CauseKind::Activity`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_type: Option<String>,
    /// Which limit was hit, on a link of kind [`CauseKind::Timeout`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeoutKind>,
}

/// Which of Temporal's failures a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// Raised by a workflow's or an activity's code.
    Application,
    /// Wraps what an activity failed with.
    Activity,
    /// Wraps what a child workflow failed with.
    ChildWorkflow,
    /// A time limit was hit.
    Timeout,
    /// Cancelled on request.
    Canceled,
    /// Terminated by a person or a policy.
    Terminated,
    /// The server itself failed.
    Server,
    /// Wraps what a Nexus operation failed with.
    Nexus,
    /// The run was reset.
    Reset,
    /// A kind this version does not know.
    Unknown,
}

/// Which limit of an activity or a child a timeout hit. Written in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TimeoutKind {
    /// One try ran too long.
    StartToClose,
    /// No worker took the try in time.
    ScheduleToStart,
    /// All tries together took too long.
    ScheduleToClose,
    /// The worker stopped reporting.
    Heartbeat,
}

impl TimeoutKind {
    /// The names of all kinds, as a policy writes them.
    pub const NAMES: [&str; 4] = [
        "start_to_close",
        "schedule_to_start",
        "schedule_to_close",
        "heartbeat",
    ];

    /// The name of this kind, as a policy writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::StartToClose => "start_to_close",
            Self::ScheduleToStart => "schedule_to_start",
            Self::ScheduleToClose => "schedule_to_close",
            Self::Heartbeat => "heartbeat",
        }
    }
}

impl fmt::Display for TimeoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TimeoutKind {
    type Err = String;

    /// Reads a kind by its name; the error is a sentence that lists the names.
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "start_to_close" => Ok(Self::StartToClose),
            "schedule_to_start" => Ok(Self::ScheduleToStart),
            "schedule_to_close" => Ok(Self::ScheduleToClose),
            "heartbeat" => Ok(Self::Heartbeat),
            _ => Err(format!(
                "unknown timeout kind {name:?}: write one of {}{}",
                Self::NAMES.join(", "),
                did_you_mean(name, &Self::NAMES),
            )),
        }
    }
}

impl TryFrom<String> for TimeoutKind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<TimeoutKind> for String {
    fn from(kind: TimeoutKind) -> Self {
        kind.name().to_owned()
    }
}

impl Cause {
    /// A cause of this kind with this message and nothing else.
    pub fn new(kind: CauseKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            failure_type: None,
            message: message.into(),
            activity_type: None,
            timeout: None,
        }
    }

    /// An application failure. A blank type counts as none: that is how Temporal's wire format says "no type".
    pub fn application(failure_type: &str, message: impl Into<String>) -> Self {
        let failure_type = Some(failure_type.trim()).filter(|name| !name.is_empty());
        Self {
            failure_type: failure_type.map(str::to_owned),
            ..Self::new(CauseKind::Application, message)
        }
    }

    /// The wrapper Temporal puts around what an activity failed with.
    pub fn activity(activity_type: &str, message: impl Into<String>) -> Self {
        Self {
            activity_type: Some(activity_type.to_owned()),
            ..Self::new(CauseKind::Activity, message)
        }
    }

    /// An activity or a child that ran into a time limit.
    pub fn timeout(timeout: TimeoutKind, message: impl Into<String>) -> Self {
        Self {
            timeout: Some(timeout),
            ..Self::new(CauseKind::Timeout, message)
        }
    }
}

impl FailureFacts {
    /// The facts of a close event's failure chain, outermost first. An empty chain becomes one unknown cause.
    pub fn new(mut chain: Vec<Cause>) -> Self {
        if chain.is_empty() {
            chain.push(Cause::new(CauseKind::Unknown, ""));
        }
        let kind = match chain[0].kind {
            CauseKind::Application => FailureKind::Application,
            _ => FailureKind::Other,
        };
        Self { kind, chain }
    }

    /// A workflow that failed with one application failure of this type; a blank type counts as none.
    pub fn application(failure_type: &str, message: impl Into<String>) -> Self {
        Self::new(vec![Cause::application(failure_type, message)])
    }

    /// A run that timed out. Its cause names no [`TimeoutKind`]: those are limits of activities and children.
    pub fn run_timed_out() -> Self {
        Self {
            kind: FailureKind::WorkflowTimeout,
            chain: vec![Cause::new(CauseKind::Timeout, RUN_TIMED_OUT_MESSAGE)],
        }
    }

    /// The most telling message: an outermost application failure's own; below any wrapper, the innermost cause's.
    /// Blank messages are passed over; empty only when all are blank.
    pub fn message(&self) -> &str {
        let mut messages = self.chain.iter().map(|cause| cause.message.trim());
        let telling = |message: &&str| !message.is_empty();
        let found = match self.kind {
            FailureKind::Application => messages.find(telling),
            FailureKind::WorkflowTimeout | FailureKind::Other => messages.rfind(telling),
        };
        found.unwrap_or_default()
    }

    /// The outermost application failure: the workflow's own, or the first below its wrappers.
    pub fn outermost_application(&self) -> Option<&Cause> {
        self.chain
            .iter()
            .find(|cause| cause.kind == CauseKind::Application)
    }
}

#[cfg(test)]
mod tests;
