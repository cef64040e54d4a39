//! What a policy makes of one failure: its status, what gave it that status, and what follows. Shared by `policy test`, for
//! a failure that is described, and by `classify`, for one that happened.

use jiff::Timestamp;
use redrive_core::classify::{Matched, classify};
use redrive_core::decide::{BatchRules, Candidate, SkipReason, Verdict, decide};
use redrive_core::failure::FailureFacts;
use redrive_core::policy::{Condition, Policy, Treatment};
use serde::Serialize;

use crate::printer::Paint;

/// The judgement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement<'policy> {
    workflow_type: String,
    matched: Matched,
    fingerprint: String,
    message: String,
    /// Whether the order would be started again.
    restarted: bool,
    /// What follows, in a sentence.
    why: String,
    treatment: Treatment,
    /// Every rule up to the one that matched, or all of them.
    rules: Vec<Tried<'policy>>,
}

/// A rule that was looked at.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tried<'policy> {
    /// Its place, from 1.
    number: usize,
    name: &'policy str,
    matches: bool,
    conditions: Vec<Condition<'policy>>,
}

impl<'policy> Judgement<'policy> {
    /// What `policy` makes of a run of this type that failed so.
    pub fn new(
        policy: &'policy Policy,
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
            name: &rule.name,
            matches: rule.matches(workflow_type, facts),
            conditions: rule.conditions(workflow_type, facts).collect(),
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

    /// The judgement for a person.
    pub fn text(&self, paint: Paint) -> String {
        let status = paint.bold(&self.treatment.status);
        let restarted = match self.restarted {
            true => paint.green("yes"),
            false => paint.yellow("no"),
        };
        let message = self.message.lines().next().unwrap_or("none");
        let head = format!(
            "status       {status}, by {}\ngroup        {}\nmessage      {message}\nrestarted    {restarted}: {}",
            by(&self.matched),
            self.fingerprint,
            self.why,
        );
        let rules = self.rules.iter().map(|tried| tried.text(paint));
        head + &rules.collect::<String>()
    }
}

impl Tried<'_> {
    fn text(&self, paint: Paint) -> String {
        let outcome = match self.matches {
            true => paint.green("matches"),
            false => paint.dim("does not match"),
        };
        let head = format!("\n\nrule {} ({}) {outcome}", self.number, self.name);
        let conditions = self.conditions.iter().map(|condition| {
            let met = match condition.met {
                true => paint.green("met"),
                false => paint.yellow("not met"),
            };
            format!("\n  {} = {:?}: {met}", condition.setting, condition.wanted)
        });
        head + &conditions.collect::<String>()
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

fn by(matched: &Matched) -> String {
    match matched {
        Matched::Rule { .. } => matched.to_string(),
        Matched::FailureType => "the type of the application failure".to_owned(),
        Matched::RunTimeout => "the timeout of the run".to_owned(),
        Matched::Nothing => "nothing: no rule matches, and the failure names no type".to_owned(),
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
