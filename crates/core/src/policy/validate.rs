//! What can be wrong with a policy beyond its form, told in sentences: what is wrong, and what to write instead.

use std::collections::BTreeSet;

use super::{DEFAULT_ORDER_ID, MAX_BATCH_SIZE, ORDER_ID_PLACEHOLDER, Policy, Rule, Watch};

impl Policy {
    /// Checks that the settings make sense together. The error has one sentence for each thing that is wrong. (A bad
    /// duration, pattern or timeout kind, and an unknown setting, are refused earlier, when the file is read.)
    pub fn validate(&self) -> Result<(), Vec<String>> {
        let found: Vec<String> = [
            self.watch_problems(),
            self.limit_problems(),
            self.backoff.problems("backoff"),
            self.status_problems(),
            self.rule_problems(),
            self.scan.problems(),
            self.settle.problems(),
        ]
        .concat();
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    fn watch_problems(&self) -> Vec<String> {
        if self.watch.is_empty() {
            return vec![
                "watch is empty: name at least one workflow type, like [[policy.watch]] with workflow_type = \
                 \"OrderFulfillmentWorkflow\""
                    .to_owned(),
            ];
        }
        let mut found: Vec<String> = self.watch.iter().filter_map(watch_problem).collect();
        for name in repeated(self.watch.iter().map(|watch| watch.workflow_type.as_str())) {
            found.push(format!(
                "watch names the workflow type {name:?} twice: remove one of them"
            ));
        }
        found
    }

    fn limit_problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !(1..=MAX_BATCH_SIZE).contains(&self.batch_size) {
            found.push(format!(
                "batch_size is {}: write a number from 1 to {MAX_BATCH_SIZE}",
                self.batch_size
            ));
        }
        if !is_rate(self.starts_per_second) {
            found.push(format!(
                "starts_per_second is {}: write a number above 0, like 20 (to stop every start, use halt)",
                self.starts_per_second
            ));
        }
        if !is_rate(self.visibility_calls_per_second) {
            found.push(format!(
                "visibility_calls_per_second is {}: write a number above 0, like 5",
                self.visibility_calls_per_second
            ));
        }
        if self.max_item_errors == 0 {
            found.push("max_item_errors is 0: write 1 or more, like 5".to_owned());
        }
        found
    }

    fn status_problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (status, own) in &self.statuses {
            if status.trim().is_empty() {
                found.push(
                    "statuses has an entry without a name: name it, like \"shipping_failed\""
                        .to_owned(),
                );
            }
            if let Some(backoff) = &own.backoff {
                found.extend(backoff.problems(&format!("statuses.{status}.backoff")));
            }
        }
        found
    }

    fn rule_problems(&self) -> Vec<String> {
        let mut found: Vec<String> = self
            .rules
            .iter()
            .enumerate()
            .flat_map(rule_problems)
            .collect();
        let named = self.rules.iter().map(|rule| rule.name.as_str());
        for name in repeated(named.filter(|name| !name.trim().is_empty())) {
            found.push(format!(
                "two rules are called {name:?}: give each its own name"
            ));
        }
        found
    }
}

fn watch_problem(watch: &Watch) -> Option<String> {
    let (name, template) = (&watch.workflow_type, &watch.order_id);
    if name.trim().is_empty() {
        return Some(
            "a watch has an empty workflow_type: write the type's name as Temporal knows it"
                .to_owned(),
        );
    }
    let placeholders = template.matches(ORDER_ID_PLACEHOLDER).count();
    let wrong = match placeholders {
        0 => "has no {orderId}",
        1 => return None,
        _ => "has more than one {orderId}",
    };
    Some(format!(
        "watch {name:?}: the template order_id = {template:?} {wrong}, write it like {DEFAULT_ORDER_ID:?}"
    ))
}

fn rule_problems((index, rule): (usize, &Rule)) -> Vec<String> {
    let number = index + 1;
    let mut found = Vec::new();
    if rule.name.trim().is_empty() {
        found.push(format!(
            "rule {number} has no name: give it one, like \"carrier down\""
        ));
    }
    if rule.status.trim().is_empty() {
        found.push(format!(
            "rule {number} has no status: name the one it gives, like \"shipping_failed\""
        ));
    }
    if !rule.has_condition() {
        found.push(format!(
            "rule {number} has no condition, so it would match every failure: give it workflow_type, activity_type, \
             failure_type, message or timeout"
        ));
    }
    found
}

/// The names that occur more than once, each told once.
fn repeated<'name>(names: impl Iterator<Item = &'name str>) -> BTreeSet<&'name str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| !seen.insert(*name)).collect()
}

/// Whether something can happen so often a second.
fn is_rate(per_second: f64) -> bool {
    per_second.is_finite() && per_second > 0.0
}
