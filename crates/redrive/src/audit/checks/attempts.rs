//! *Unaccounted*, by attempt: a restart that no attempt names, an attempt whose run is no restart of ours, one that ended
//! otherwise than the ledger says, a dead letter that did not have its tries.

use std::collections::{HashMap, HashSet};

use redrive_core::decide::{DeadLetterReason, RunStatus};
use redrive_core::ids::{RunId, WorkflowId};
use redrive_ledger::{Attempt, AttemptOutcome, Story};

use crate::audit::finding::Finding;
use crate::audit::records::{Books, Records, Run};

pub(super) fn check(records: &Records, books: &Books) -> Vec<Finding> {
    let by_id = records.by_id();
    let (chains, tries) = (chains(records), tries(records));
    let mut findings = unnamed_restarts(records, books);
    findings.extend(unknown_to_temporal(records, &by_id));
    for story in &books.stories {
        let order = &story.order.workflow_id;
        for attempt in &story.attempts {
            findings.extend(run_of(order, attempt, &by_id));
            findings.extend(outcome_of(order, attempt, &chains));
        }
        findings.extend(short_of_tries(story, &tries));
    }
    findings
}

/// How the runs of each chain stand.
fn chains(records: &Records) -> HashMap<&RunId, Vec<RunStatus>> {
    let mut chains: HashMap<_, Vec<_>> = HashMap::new();
    for run in &records.runs {
        chains
            .entry(&run.first_run_id)
            .or_default()
            .push(run.status);
    }
    chains
}

fn unnamed_restarts(records: &Records, books: &Books) -> Vec<Finding> {
    let attempts = books.stories.iter().flat_map(|story| &story.attempts);
    let named: HashSet<&RunId> = attempts
        .filter_map(|attempt| attempt.run.as_ref())
        .collect();
    let unnamed = records
        .restarts()
        .into_iter()
        .filter(|(run, _)| !named.contains(&run.run_id));
    unnamed
        .map(|(run, memo)| {
            let Run { workflow_id, run_id, .. } = run;
            let batch = &memo.batch;
            Finding::unaccounted(format!(
                "{workflow_id}: batch {batch} started run {run_id}, but no attempt in the ledger names it"
            ))
        })
        .collect()
}

/// Runs that did something, and that Temporal does not know.
fn unknown_to_temporal(records: &Records, by_id: &HashMap<&RunId, &Run>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let runs = records
        .performed
        .iter()
        .map(|done| (&done.workflow_id, RunId::from(done.run_id.as_str())));
    runs.filter(|(_, run)| !by_id.contains_key(run) && seen.insert(run.clone()))
        .map(|(order, run)| {
            Finding::unaccounted(format!(
                "{order}: the warehouse did stages for run {run}, but Temporal does not know that run"
            ))
        })
        .collect()
}

/// The run that an attempt names is a restart of ours, of that order and from that failed run.
fn run_of(order: &WorkflowId, attempt: &Attempt, by_id: &HashMap<&RunId, &Run>) -> Option<Finding> {
    let run_id = attempt.run.as_ref()?;
    let what = match by_id.get(run_id) {
        None => "Temporal does not know it".to_owned(),
        Some(run) if run.workflow_id != *order => format!("it is a run of {}", run.workflow_id),
        Some(run) => match run.restart() {
            None => "it has no memo of ours, or is not the first of its chain".to_owned(),
            Some(memo) if memo.from_run != attempt.from_run => {
                format!(
                    "its memo says that it restarts {}, not {}",
                    memo.from_run, attempt.from_run
                )
            }
            Some(_) => return None,
        },
    };
    Some(Finding::unaccounted(format!(
        "{order}: {} names run {run_id}, but {what}",
        name(attempt)
    )))
}

/// An operator may reset a chain after it has closed, so any of its runs may have ended as the ledger says.
fn outcome_of(
    order: &WorkflowId,
    attempt: &Attempt,
    chains: &HashMap<&RunId, Vec<RunStatus>>,
) -> Option<Finding> {
    let chain = chains.get(attempt.run.as_ref()?)?;
    let outcome = attempt.outcome?;
    let borne_out = match outcome {
        AttemptOutcome::Recovered => chain.contains(&RunStatus::Completed),
        AttemptOutcome::FailedAgain => chain.iter().any(|status| status.is_failure()),
        AttemptOutcome::Stopped => chain.iter().any(|status| status.is_stop()),
        AttemptOutcome::NotStarted => false,
        AttemptOutcome::Unknown => true,
    };
    (!borne_out).then(|| {
        let chain: Vec<_> = chain.iter().map(|status| status.as_str()).collect();
        Finding::unaccounted(format!(
            "{order}: {} ended as {outcome:?} by the ledger, but its runs are {}",
            name(attempt),
            chain.join(", ")
        ))
    })
}

/// The restarts that Temporal has of each generation of each order.
fn tries(records: &Records) -> HashMap<(&WorkflowId, u32), u32> {
    let mut tries = HashMap::new();
    for (run, memo) in records.restarts() {
        *tries
            .entry((&run.workflow_id, memo.generation))
            .or_default() += 1;
    }
    tries
}

/// A dead letter whose budget is spent has had as many restarts as it says.
fn short_of_tries(story: &Story, tries: &HashMap<(&WorkflowId, u32), u32>) -> Vec<Finding> {
    let order = &story.order.workflow_id;
    let spent = story
        .dead_letters
        .iter()
        .filter(|letter| letter.reason == DeadLetterReason::BudgetSpent);
    spent
        .filter_map(|letter| {
            let had = tries.get(&(order, letter.generation)).copied().unwrap_or(0);
            (had < letter.retry_count).then(|| {
                Finding::unaccounted(format!(
                    "{order}: its dead letter of generation {} says {} restarts, but Temporal has {had}",
                    letter.generation, letter.retry_count
                ))
            })
        })
        .collect()
}

fn name(attempt: &Attempt) -> String {
    format!(
        "attempt {} of generation {}",
        attempt.number, attempt.generation
    )
}
