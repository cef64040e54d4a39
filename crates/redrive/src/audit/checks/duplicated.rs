//! *Duplicated*: a failure that was restarted twice, an order that one batch restarted twice, a stage that the warehouse
//! did twice for one failure or twice in one run.
//!
//! A restart that an operator asked for is no duplicate of the one before it. Nor are the stages that a chain does again
//! under its own retry policy: the order service wants that.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use redrive_core::ids::{BatchId, RunId, WorkflowId};

use crate::audit::finding::Finding;
use crate::audit::records::{Books, Records};

pub(super) fn check(records: &Records, books: &Books) -> Vec<Finding> {
    let manual = manual(books);
    let mut findings = failures(records, &manual);
    findings.extend(batches(records));
    findings.extend(stages_of_failures(records, &manual));
    findings.extend(stages_of_runs(records));
    findings
}

/// The runs that operators asked for.
fn manual(books: &Books) -> HashSet<&RunId> {
    let attempts = books.stories.iter().flat_map(|story| &story.attempts);
    attempts
        .filter(|attempt| attempt.manual)
        .filter_map(|attempt| attempt.run.as_ref())
        .collect()
}

fn failures(records: &Records, manual: &HashSet<&RunId>) -> Vec<Finding> {
    let mut starts: BTreeMap<(&WorkflowId, &RunId), Vec<&RunId>> = BTreeMap::new();
    for (run, memo) in records.restarts() {
        if !manual.contains(&run.run_id) {
            let failure = (&run.workflow_id, &memo.from_run);
            starts.entry(failure).or_default().push(&run.run_id);
        }
    }
    let twice = starts.into_iter().filter(|(_, runs)| runs.len() > 1);
    twice
        .map(|((order, failed), runs)| {
            let (count, runs) = (runs.len(), join(&runs));
            Finding::duplicated(format!(
                "{order}: the failed run {failed} was restarted {count} times: {runs}"
            ))
        })
        .collect()
}

fn batches(records: &Records) -> Vec<Finding> {
    let mut starts: BTreeMap<(&WorkflowId, &BatchId), Vec<&RunId>> = BTreeMap::new();
    for (run, memo) in records.restarts() {
        let spent = (&run.workflow_id, &memo.batch);
        starts.entry(spent).or_default().push(&run.run_id);
    }
    let twice = starts.into_iter().filter(|(_, runs)| runs.len() > 1);
    twice
        .map(|((order, batch), runs)| {
            let (count, runs) = (runs.len(), join(&runs));
            Finding::duplicated(format!(
                "{order}: batch {batch} spent {count} attempts of it: {runs}"
            ))
        })
        .collect()
}

/// The witness here is the warehouse: which chains did a stage, of those that one failure brought about.
fn stages_of_failures(records: &Records, manual: &HashSet<&RunId>) -> Vec<Finding> {
    let by_id = records.by_id();
    let mut chains: BTreeMap<_, BTreeSet<&RunId>> = BTreeMap::new();
    for done in &records.performed {
        let run = by_id.get(&RunId::from(done.run_id.as_str()));
        let first = run.and_then(|run| by_id.get(&run.first_run_id));
        if let Some(first) = first
            && let Some(memo) = first.restart()
            && !manual.contains(&first.run_id)
        {
            let stage = (&first.workflow_id, &memo.from_run, done.stage);
            chains.entry(stage).or_default().insert(&first.run_id);
        }
    }
    let twice = chains.into_iter().filter(|(_, chains)| chains.len() > 1);
    twice
        .map(|((order, failed, stage), chains)| {
            let chains = join(&Vec::from_iter(chains));
            Finding::duplicated(format!(
                "{order}: {stage} was done by each of the restarts {chains} of one failed run, {failed}"
            ))
        })
        .collect()
}

fn stages_of_runs(records: &Records) -> Vec<Finding> {
    let mut times: BTreeMap<_, usize> = BTreeMap::new();
    for done in &records.performed {
        let stage = (&done.workflow_id, &done.run_id, done.stage);
        *times.entry(stage).or_default() += 1;
    }
    let twice = times.into_iter().filter(|(_, times)| *times > 1);
    twice
        .map(|((order, run, stage), times)| {
            Finding::duplicated(format!(
                "{order}: {stage} was done {times} times in run {run}"
            ))
        })
        .collect()
}

fn join(runs: &[&RunId]) -> String {
    let runs: Vec<_> = runs.iter().map(|run| run.as_str()).collect();
    runs.join(", ")
}
