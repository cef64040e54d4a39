//! Rules: which failure status a failure has that does not name one itself.
//!
//! All conditions of a rule must hold. Each may be met by another cause of the chain, since Temporal spreads one
//! failure over several: the wrapper knows the activity's type, the cause below it the timeout.

use std::fmt;
use std::str::FromStr;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::failure::{Cause, FailureFacts, TimeoutKind};

/// Gives a status to the failures that meet all its conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Rule {
    /// What people call the rule; shown beside the orders it classified.
    pub name: String,
    /// The failed run's workflow type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_type: Option<String>,
    /// The type of an activity that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_type: Option<String>,
    /// The type of an application failure anywhere in the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_type: Option<String>,
    /// A regular expression, found in the message of any cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Pattern>,
    /// The limit that was hit. A run that timed out as a whole hit none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeoutKind>,
    /// The status these failures get.
    pub status: String,
}

/// One condition of a rule, beside a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition<'rule> {
    /// The rule's setting, e.g. `activity_type`.
    pub setting: &'static str,
    /// What it asks for, as the policy writes it.
    pub wanted: &'rule str,
    /// Whether the failure meets it.
    pub met: bool,
}

impl Rule {
    /// Whether a failed run of this type, with these facts, meets every condition.
    pub fn matches(&self, workflow_type: &str, facts: &FailureFacts) -> bool {
        self.conditions(workflow_type, facts)
            .all(|condition| condition.met)
    }

    /// The rule's conditions, each beside a failed run of this type with these facts.
    pub fn conditions(
        &self,
        workflow_type: &str,
        facts: &FailureFacts,
    ) -> impl Iterator<Item = Condition<'_>> {
        let any = |met: &dyn Fn(&Cause) -> bool| facts.chain.iter().any(met);
        let condition = |setting, wanted, met| Condition {
            setting,
            wanted,
            met,
        };
        let workflow = self.workflow_type.as_deref().map(|wanted| {
            let met = wanted == workflow_type;
            condition("workflow_type", wanted, met)
        });
        let activity = self.activity_type.as_deref().map(|wanted| {
            let met = any(&|cause| cause.activity_type.as_deref() == Some(wanted));
            condition("activity_type", wanted, met)
        });
        let failure = self.failure_type.as_deref().map(|wanted| {
            let met = any(&|cause| cause.failure_type.as_deref() == Some(wanted));
            condition("failure_type", wanted, met)
        });
        let message = self.message.as_ref().map(|wanted| {
            let met = any(&|cause| wanted.found_in(&cause.message));
            condition("message", wanted.as_str(), met)
        });
        let timeout = self.timeout.map(|wanted| {
            let met = any(&|cause| cause.timeout == Some(wanted));
            condition("timeout", wanted.name(), met)
        });
        [workflow, activity, failure, message, timeout]
            .into_iter()
            .flatten()
    }

    /// Whether the rule has a condition at all; one that has none matches every failure.
    pub fn has_condition(&self) -> bool {
        self.workflow_type.is_some()
            || self.activity_type.is_some()
            || self.failure_type.is_some()
            || self.message.is_some()
            || self.timeout.is_some()
    }
}

/// A regular expression, compiled once, when it is read. Written as its text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Regex);

impl Pattern {
    /// Whether the expression is found anywhere in the text.
    pub fn found_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Pattern {
    type Err = String;

    /// Compiles the expression; the error is a sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        Regex::new(text).map(Self).map_err(|error| {
            format!(
                "bad message pattern {text:?}: {}; write a regular expression, like \"timed? out\"",
                reason(&error)
            )
        })
    }
}

/// The last line of what the compiler says; the lines before it draw the expression with a caret.
fn reason(error: &regex::Error) -> String {
    let told = error.to_string();
    let last = told.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ")
        .unwrap_or(last)
        .trim_end_matches('.')
        .to_owned()
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.as_str().to_owned()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(conditions: &str) -> Rule {
        toml::from_str(&format!("name = 'r'\nstatus = 's'\n{conditions}")).unwrap()
    }

    /// An activity that ran out of time, its last try having failed.
    fn facts() -> FailureFacts {
        FailureFacts::new(vec![
            Cause::activity("buy_label", "activity error"),
            Cause::timeout(TimeoutKind::ScheduleToClose, "activity timeout"),
            Cause::application("HttpError", "503 Service Unavailable"),
        ])
    }

    #[test]
    fn every_condition_must_hold_on_some_cause() {
        let table = [
            ("workflow_type = 'Order'", true),
            ("workflow_type = 'Refund'", false),
            ("activity_type = 'buy_label'", true),
            ("activity_type = 'buy'", false),
            ("failure_type = 'HttpError'", true),
            ("failure_type = 'httperror'", false),
            ("message = '^5\\d\\d '", true),
            ("message = '(?i)service unavailable'", true),
            ("message = '^404'", false),
            ("timeout = 'schedule_to_close'", true),
            ("timeout = 'heartbeat'", false),
            (
                "activity_type = 'buy_label'\ntimeout = 'schedule_to_close'\nmessage = '503'",
                true,
            ),
            ("activity_type = 'buy_label'\ntimeout = 'heartbeat'", false),
        ];
        for (conditions, matched) in table {
            assert!(rule(conditions).has_condition());
            assert_eq!(
                rule(conditions).matches("Order", &facts()),
                matched,
                "{conditions}"
            );
        }
    }

    #[test]
    fn each_condition_tells_whether_it_is_met() {
        let rule =
            rule("activity_type = 'buy_label'\nmessage = '^404'\ntimeout = 'schedule_to_close'");
        let facts = facts();
        let told: Vec<_> = rule
            .conditions("Order", &facts)
            .map(|condition| (condition.setting, condition.wanted, condition.met))
            .collect();
        assert_eq!(
            told,
            [
                ("activity_type", "buy_label", true),
                ("message", "^404", false),
                ("timeout", "schedule_to_close", true),
            ]
        );
    }

    #[test]
    fn a_rule_without_a_condition_is_known_as_such() {
        assert!(!rule("").has_condition());
        assert!(rule("").matches("Order", &facts()));
    }

    #[test]
    fn a_timed_out_run_hit_no_activitys_limit() {
        for kind in TimeoutKind::NAMES {
            assert!(
                !rule(&format!("timeout = '{kind}'"))
                    .matches("Order", &FailureFacts::run_timed_out())
            );
        }
        assert!(
            rule("message = '^the run timed out$'")
                .matches("Order", &FailureFacts::run_timed_out())
        );
    }

    #[test]
    fn a_bad_pattern_is_told_in_one_sentence() {
        assert_eq!(
            "timed (out".parse::<Pattern>().unwrap_err(),
            "bad message pattern \"timed (out\": unclosed group; write a regular expression, like \"timed? out\""
        );
    }

    #[test]
    fn what_a_rule_cannot_mean_is_refused_where_it_stands() {
        let table = [
            ("message = '('", "bad message pattern"),
            ("timeout = 'start_to_finish'", "unknown timeout kind"),
            ("activity = 'buy_label'", "unknown field `activity`"),
        ];
        for (line, sentence) in table {
            let text = format!("name = 'r'\nstatus = 's'\n{line}");
            let error = toml::from_str::<Rule>(&text).unwrap_err().to_string();
            assert!(
                error.contains("line 3") && error.contains(sentence),
                "{error}"
            );
        }
    }

    #[test]
    fn a_rule_is_written_as_it_was_read() {
        let text = "name = \"r\"\nmessage = \"5[0-9]+\"\ntimeout = \"heartbeat\"\nstatus = \"s\"\n";
        let rule: Rule = toml::from_str(text).unwrap();
        assert_eq!(toml::to_string(&rule).unwrap(), text);
        assert_eq!(rule, rule.clone());
        assert_eq!(rule.message.unwrap().to_string(), "5[0-9]+");
    }
}
