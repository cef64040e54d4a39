//! What to do with one order: the verdict when it is claimed, and the step after the server has described it.
//!
//! A decision is a value. It is made here once, printed by a dry run, stored with the batch and carried out by the
//! engine, which never decides again. The protocol of the steps is drawn in ARCHITECTURE.md, "One order".

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::RunId;
use crate::policy::Policy;
use crate::states::named_enum;

/// What the ledger knows of an order that may be due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What went wrong.
    pub failure_status: String,
    /// Restarts of the current generation that were started.
    pub retry_count: u32,
    /// Starts in a row that the server refused for this order alone.
    pub item_errors: u32,
    /// Not before this time.
    pub due_at: Timestamp,
    /// Whether the failed run has a parent workflow.
    pub has_parent: bool,
    /// An operator's explicit retry: it overrules status and parent, and gets one start whatever the budget is.
    pub manual: bool,
}

/// What a batch was told to do differently from the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BatchRules {
    /// Only these failure statuses, whatever the policy says of them; empty: the policy's.
    pub failure_statuses: Vec<String>,
    /// This budget instead of the policy's. A lower one never dead-letters what the policy still allows.
    pub max_retries: Option<u32>,
}

/// What is to be done with an order, decided when it is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again, as this attempt of its generation (from 1).
    Restart {
        /// The attempt's number.
        attempt: u32,
    },
    /// Move it to the dead letter queue.
    DeadLetter(DeadLetterReason),
    /// Leave it until then.
    Wait {
        /// When it is due.
        until: Timestamp,
    },
    /// Leave it.
    Skip(SkipReason),
}

named_enum! {
    /// Why an order is in the dead letter queue.
    DeadLetterReason {
        /// Every retry of its budget was started, and the last one failed too.
        BudgetSpent = "budget_spent",
        /// The server refused to start it, several times running.
        CannotStart = "cannot_start",
        /// Temporal's history of it is gone, so nobody can tell how it ended.
        OutcomeUnknown = "outcome_unknown",
        /// An operator put it there.
        Parked = "parked",
    }
}

impl DeadLetterReason {
    /// The same in a few words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::BudgetSpent => "restarts used up",
            Self::CannotStart => "cannot be started",
            Self::OutcomeUnknown => "outcome unknown",
            Self::Parked => "parked by hand",
        }
    }
}

named_enum! {
    /// Why a batch did nothing with an order.
    SkipReason {
        /// The policy leaves failures of this status alone.
        NotReprocessable = "not_reprocessable",
        /// It is a child workflow; its parent answers for it.
        HasParent = "has_parent",
        /// The batch allows fewer retries than the policy.
        BatchBudget = "batch_budget",
        /// A run of it is running.
        AlreadyRunning = "already_running",
        /// A later run completed.
        Completed = "completed",
        /// A person terminated or cancelled a later run.
        Stopped = "stopped",
        /// A later run failed: that one is reprocessed in the next batch.
        NewerFailure = "newer_failure",
        /// The server's answer to the start is not known yet; the next batch asks.
        AnswerUnknown = "answer_unknown",
    }
}

/// Decides what to do with `candidate` at `now`, under `policy` and what the batch was told.
pub fn decide(
    candidate: &Candidate,
    policy: &Policy,
    batch: &BatchRules,
    now: Timestamp,
) -> Verdict {
    if let Some(reason) = left_alone(candidate, policy, batch) {
        return Verdict::Skip(reason);
    }
    if candidate.due_at > now {
        return Verdict::Wait {
            until: candidate.due_at,
        };
    }
    if candidate.item_errors >= policy.max_item_errors {
        return Verdict::DeadLetter(DeadLetterReason::CannotStart);
    }
    if candidate.manual && candidate.retry_count == 0 {
        return Verdict::Restart { attempt: 1 };
    }
    let allowed = policy.max_retries(&candidate.failure_status);
    if candidate.retry_count < batch.max_retries.unwrap_or(allowed) {
        return Verdict::Restart {
            attempt: candidate.retry_count + 1,
        };
    }
    if candidate.retry_count < allowed {
        return Verdict::Skip(SkipReason::BatchBudget);
    }
    Verdict::DeadLetter(DeadLetterReason::BudgetSpent)
}

fn left_alone(candidate: &Candidate, policy: &Policy, batch: &BatchRules) -> Option<SkipReason> {
    if candidate.manual {
        return None;
    }
    if candidate.has_parent && !policy.restart_children {
        return Some(SkipReason::HasParent);
    }
    let wanted = if batch.failure_statuses.is_empty() {
        policy.reprocess(&candidate.failure_status)
    } else {
        batch.failure_statuses.contains(&candidate.failure_status)
    };
    (!wanted).then_some(SkipReason::NotReprocessable)
}

named_enum! {
    /// The status of a run, as Temporal gives it.
    RunStatus {
        /// It has not closed.
        Running = "running",
        /// It completed.
        Completed = "completed",
        /// It failed.
        Failed = "failed",
        /// It ran into a timeout.
        TimedOut = "timed_out",
        /// A person terminated it.
        Terminated = "terminated",
        /// It was cancelled.
        Canceled = "canceled",
        /// It went on as another run.
        ContinuedAsNew = "continued_as_new",
    }
}

impl RunStatus {
    /// Whether a run of this status counts as a failure of its order.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut)
    }

    /// Whether a person ended the run.
    pub const fn is_stop(self) -> bool {
        matches!(self, Self::Terminated | Self::Canceled)
    }
}

/// The latest run of a workflow id, as the server describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    /// The run.
    pub run_id: RunId,
    /// The first run of its chain: the same over workflow retries, continue-as-new and resets.
    pub first_run_id: RunId,
    /// How it stands.
    pub status: RunStatus,
    /// When it started.
    pub started_at: Timestamp,
    /// When it closed.
    pub closed_at: Option<Timestamp>,
    /// Whether its chain was begun by the very start request that this intent sends.
    pub ours: bool,
}

/// What to do after the workflow id has been described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The failed run is still the latest: carry out the verdict (start it, or dead-letter it).
    Act,
    /// The restart was started before, by this very intent: record its first run.
    Record(RunId),
    /// Another run is the latest: look whether one of ours lies between.
    LookBack,
    /// Temporal knows the workflow id no more.
    Gone,
}

/// The step after a description. `from` is the failed run; `manual` an operator's explicit retry, which may also
/// restart a run that a person stopped.
pub fn after_describe(from: &RunId, manual: bool, latest: Option<&Latest>) -> Step {
    match latest {
        None => Step::Gone,
        Some(latest) if latest.run_id == *from => {
            if latest.status.is_failure() || (manual && latest.status.is_stop()) {
                Step::Act
            } else {
                Step::LookBack
            }
        }
        Some(latest) if latest.ours => Step::Record(latest.first_run_id.clone()),
        Some(_) => Step::LookBack,
    }
}

/// What becomes of an order whose latest run is not the failed one, nor begun by this intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// It is running: follow it.
    Running,
    /// It completed.
    Completed,
    /// It failed: it is the new failed run.
    Failed,
    /// A person stopped it.
    Stopped,
}

/// Reads `status` as the end of an order's story, or its middle. A run that continued as new has a successor, so the
/// order still runs.
pub const fn elsewhere(status: RunStatus) -> Elsewhere {
    match status {
        RunStatus::Running | RunStatus::ContinuedAsNew => Elsewhere::Running,
        RunStatus::Completed => Elsewhere::Completed,
        RunStatus::Failed | RunStatus::TimedOut => Elsewhere::Failed,
        RunStatus::Terminated | RunStatus::Canceled => Elsewhere::Stopped,
    }
}

impl Elsewhere {
    /// The reason under which a batch skips such an order.
    pub const fn skip_reason(self) -> SkipReason {
        match self {
            Self::Running => SkipReason::AlreadyRunning,
            Self::Completed => SkipReason::Completed,
            Self::Failed => SkipReason::NewerFailure,
            Self::Stopped => SkipReason::Stopped,
        }
    }
}

#[cfg(test)]
mod tests;
