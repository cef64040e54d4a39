//! What a policy makes of one failure: its status, what gave it that status, and what follows.

use jiff::Timestamp;
use redrive_core::classify::{Matched, classify};
use redrive_core::decide::{BatchRules, Candidate, SkipReason, Verdict, decide};
use redrive_core::failure::FailureFacts;
use redrive_core::ids::{RunId, WorkflowId};
use redrive_core::policy::{Condition, Policy, Treatment};
use redrive_engine::gateway::FailedRun;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A failed run, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Classified {
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// The run.
    pub run_id: RunId,
    /// Whether it timed out; else it failed.
    pub timed_out: bool,
    /// When it closed.
    pub closed_at: Timestamp,
    /// What the policy makes of it.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// What a policy makes of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// The workflow's type.
    pub workflow_type: String,
    /// What gave it its status.
    pub matched: Matched,
    /// Its failure group.
    pub fingerprint: String,
    /// The most telling message, cut.
    pub message: String,
    /// Whether the order would be started again.
    pub restarted: bool,
    /// What follows, in a sentence.
    pub why: String,
    /// What happens to orders of that status.
    pub treatment: Treatment,
    /// Every rule up to the one that matched, or all of them.
    pub rules: Vec<Tried>,
}

/// A rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// Its place, from 1.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// Whether the failure meets each of its conditions.
    pub matches: bool,
    /// Its conditions.
    pub conditions: Vec<Asked>,
}

/// One condition of a rule, beside the failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The rule's setting.
    #[schema(example = "activity_type")]
    pub setting: String,
    /// What it asks for, as the policy writes it.
    pub wanted: String,
    /// Whether the failure meets it.
    pub met: bool,
}

impl Classified {
    /// What `policy` makes of that run.
    pub fn of(run: FailedRun, policy: &Policy) -> Self {
        Self {
            judgement: Judgement::new(policy, &run.workflow_type, &run.facts, run.has_parent),
            workflow_id: run.workflow_id,
            run_id: run.run_id,
            timed_out: run.timed_out,
            closed_at: run.closed_at,
        }
    }
}

impl Judgement {
    /// What `policy` makes of a run of this type that failed so.
    pub fn new(
        policy: &Policy,
        workflow_type: &str,
        facts: &FailureFacts,
        has_parent: bool,
    ) -> Self {
        let found = classify(policy, workflow_type, facts);
        let treatment = policy.treatment(&found.status);
        let watched = policy.watched(workflow_type).is_some();
        let verdict = verdict(policy, &found.status, has_parent);
        let last = match &found.matched {
            Matched::Rule { index, .. } => index + 1,
            _ => policy.rules.len(),
        };
        let rules = policy.rules.iter().take(last).enumerate();
        let rules = rules.map(|(index, rule)| Tried {
            number: index + 1,
            name: rule.name.clone(),
            matches: rule.matches(workflow_type, facts),
            conditions: rule
                .conditions(workflow_type, facts)
                .map(Asked::of)
                .collect(),
        });
        Self {
            workflow_type: workflow_type.to_owned(),
            matched: found.matched,
            fingerprint: found.fingerprint,
            message: found.message,
            restarted: watched && matches!(verdict, Verdict::Restart { .. }),
            why: if watched {
                sentence(&verdict, &treatment)
            } else {
                format!("the policy does not watch {workflow_type}, so its runs are never found.")
            },
            treatment,
            rules: rules.collect(),
        }
    }
}

impl Asked {
    fn of(condition: Condition<'_>) -> Self {
        Self {
            setting: condition.setting.to_owned(),
            wanted: condition.wanted.to_owned(),
            met: condition.met,
        }
    }
}

/// What a batch does with the order when it first meets it.
fn verdict(policy: &Policy, status: &str, has_parent: bool) -> Verdict {
    let candidate = Candidate {
        failure_status: status.to_owned(),
        retry_count: 0,
        item_errors: 0,
        due_at: Timestamp::UNIX_EPOCH,
        has_parent,
        manual: false,
    };
    decide(
        &candidate,
        policy,
        &BatchRules::default(),
        Timestamp::UNIX_EPOCH,
    )
}

fn sentence(verdict: &Verdict, treatment: &Treatment) -> String {
    match verdict {
        Verdict::Skip(SkipReason::HasParent) => {
            "it has a parent workflow, which answers for it (policy.restart_children is false)."
                .to_owned()
        }
        Verdict::Restart { .. } if treatment.max_retries == 1 => "1 restart, at once.".to_owned(),
        Verdict::Restart { .. } => format!(
            "up to {} restarts, the first at once, the others after random waits of at most {} (full jitter).",
            treatment.max_retries, treatment.waits
        ),
        Verdict::DeadLetter(_) => {
            "max_retries is 0, so it goes to the dead letter queue at once.".to_owned()
        }
        Verdict::Skip(_) | Verdict::Wait { .. } => format!(
            "the policy does not reprocess {}; it is kept, shown and left alone.",
            treatment.status
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "OrderFulfillmentWorkflow";

    #[test]
    fn what_follows_is_what_a_batch_would_decide() {
        let default = Policy::default();
        let children = Policy {
            restart_children: true,
            ..Policy::default()
        };
        let parks = Policy {
            max_retries: 0,
            ..Policy::default()
        };
        let once = Policy {
            max_retries: 1,
            ..Policy::default()
        };
        let table = [
            (&default, false, true, "up to 5 restarts, "),
            (&default, true, false, "it has a parent workflow, "),
            (&children, true, true, "up to 5 restarts, "),
            (&parks, false, false, "max_retries is 0, "),
            (&once, false, true, "1 restart, at once."),
        ];
        let facts = FailureFacts::application("slam_failed", "jam");
        for (policy, has_parent, restarted, why) in table {
            let judged = Judgement::new(policy, ORDER, &facts, has_parent);
            assert_eq!(judged.restarted, restarted, "{why}");
            assert!(judged.why.starts_with(why), "{}", judged.why);
        }
    }
}
