//! The judgement: facts in, findings out, in the order in which things stand on each other.

mod ledger;
mod temporal;

use jiff::Timestamp;

use super::facts::{Facts, LedgerFacts};
use super::finding::Finding;
use crate::config::Config;

/// Why a check was not made.
const NO_SERVER: &str = "Not checked: there is no server to ask.";
/// Why a check was not made.
const NO_LEDGER: &str = "Not checked: there is no ledger to read.";

/// Every check's finding.
pub fn judge(facts: &Facts, config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![temporal::server(facts)];
    findings.extend(temporal::rest(facts, config, now));
    findings.push(ledger::opened(&facts.ledger));
    match &facts.ledger {
        LedgerFacts::Open(contents) => findings.extend(ledger::rest(contents, facts, config, now)),
        _ => findings.extend(ledger::CHECKS.map(|check| Finding::not_checked(check, NO_LEDGER))),
    }
    findings
}

#[cfg(test)]
mod tests;
