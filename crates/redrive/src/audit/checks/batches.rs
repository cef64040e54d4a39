//! *Unaccounted*, by batch: a row of `reprocessing_results` whose counts the records do not bear out.
//!
//! A restart is counted by the batch whose memo it carries. It is counted *late*, by another batch, only where the first
//! one could not know: it died, or the answer to its start was lost and it said `skipped`.

use std::collections::{BTreeMap, HashMap};

use redrive_core::ids::{RunId, WorkflowId};
use redrive_core::report::{BatchStatus, VerdictKind};
use redrive_engine::gateway::RestartMemo;
use redrive_ledger::{AttemptOutcome, BatchRow, Story};

use crate::audit::finding::Finding;
use crate::audit::records::{Books, Records, Run};

/// A scan and a settle that failed are an error each that no order has.
const FAILED_QUERIES: u64 = 2;

/// What batches said of orders, counted.
type Said<'a> = HashMap<(&'a str, &'a str), u64>;

pub(super) fn check(records: &Records, books: &Books) -> Vec<Finding> {
    let said = said(books);
    let rows: HashMap<&str, &BatchRow> = books
        .batches
        .iter()
        .map(|row| (row.result.batch_id.as_str(), row))
        .collect();
    let mut findings = unopened(&said, &rows);
    for row in books
        .batches
        .iter()
        .filter(|row| row.status != BatchStatus::Running)
    {
        findings.extend(row_as_said(row, &said));
        findings.extend(dead_letters(row, books));
    }
    findings.extend(restarts(records, books, &rows));
    findings.extend(ends(books));
    findings
}

fn said(books: &Books) -> Said<'_> {
    let mut said = Said::new();
    for (batch, verdict, ..) in books.stories.iter().flat_map(|story| &story.verdicts) {
        *said.entry((batch.as_str(), verdict)).or_default() += 1;
    }
    said
}

fn unopened(said: &Said<'_>, rows: &HashMap<&str, &BatchRow>) -> Vec<Finding> {
    let mut batches: Vec<_> = said
        .keys()
        .map(|(batch, _)| *batch)
        .filter(|batch| !rows.contains_key(batch))
        .collect();
    batches.sort_unstable();
    batches.dedup();
    let sentence =
        |batch| format!("batch {batch} gave verdicts, but it has no row in reprocessing_results");
    batches
        .into_iter()
        .map(|batch| Finding::unaccounted(sentence(batch)))
        .collect()
}

/// Each count of a finished row is the number of orders that the batch gave that verdict.
fn row_as_said(row: &BatchRow, said: &Said<'_>) -> Vec<Finding> {
    let result = &row.result;
    let batch = result.batch_id.as_str();
    let says = |kind: VerdictKind| said.get(&(batch, kind.as_str())).copied().unwrap_or(0);
    let mut findings = Vec::new();
    let mut unless = |holds: bool, what: String| {
        if !holds {
            findings.push(Finding::unaccounted(format!(
                "the row of batch {batch} says {what}"
            )));
        }
    };
    let sum = result.restarted_count + result.dlq_count + result.error_count + result.skipped_count;
    unless(
        result.found_count == sum,
        format!(
            "found {}, but its verdicts add up to {sum}",
            result.found_count
        ),
    );
    for (kind, count) in [
        (VerdictKind::Restarted, result.restarted_count),
        (VerdictKind::Dlq, result.dlq_count),
        (VerdictKind::Skipped, result.skipped_count),
    ] {
        unless(
            count == says(kind),
            format!(
                "{kind} {count}, but {} orders have that verdict",
                says(kind)
            ),
        );
    }
    let queries = result.error_count.checked_sub(says(VerdictKind::Error));
    let most = if row.status == BatchStatus::Completed {
        0
    } else {
        FAILED_QUERIES
    };
    unless(
        queries.is_some_and(|queries| queries <= most),
        format!(
            "error {}, but {} orders have that verdict",
            result.error_count,
            says(VerdictKind::Error)
        ),
    );
    findings
}

fn dead_letters(row: &BatchRow, books: &Books) -> Option<Finding> {
    let batch = row.result.batch_id.as_str();
    let letters = books.stories.iter().flat_map(|story| &story.dead_letters);
    let made = letters
        .filter(|letter| letter.batch.as_ref().is_some_and(|by| by.as_str() == batch))
        .count() as u64;
    let counted = row.result.dlq_count;
    (made != counted).then(|| {
        Finding::unaccounted(format!(
            "the row of batch {batch} says dlq {counted}, but it made {made} dead letters"
        ))
    })
}

/// Temporal's restarts of each order against the batches that counted one.
fn restarts(records: &Records, books: &Books, rows: &HashMap<&str, &BatchRow>) -> Vec<Finding> {
    let mut of_order: BTreeMap<&WorkflowId, Vec<(&Run, &RestartMemo)>> = BTreeMap::new();
    for restart in records.restarts() {
        of_order
            .entry(&restart.0.workflow_id)
            .or_default()
            .push(restart);
    }
    let mut findings = Vec::new();
    for story in &books.stories {
        let made = of_order
            .remove(&story.order.workflow_id)
            .unwrap_or_default();
        findings.extend(counted_once(story, &made, rows));
    }
    // A restart of an order that the ledger does not know is found by the check of attempts.
    findings
}

fn counted_once(
    story: &Story,
    made: &[(&Run, &RestartMemo)],
    rows: &HashMap<&str, &BatchRow>,
) -> Vec<Finding> {
    let order = &story.order.workflow_id;
    let restarted = |verdict: &str| verdict == VerdictKind::Restarted.as_str();
    let mut findings = Vec::new();
    for (run, memo) in made {
        let verdict = verdict_of(story, memo);
        if !verdict.is_some_and(restarted) && !may_be_late(verdict, memo, rows) {
            findings.push(uncounted(order, &run.run_id, memo, verdict));
        }
    }
    let counted = story
        .verdicts
        .iter()
        .filter(|(_, verdict, ..)| restarted(verdict))
        .count();
    if counted != made.len() {
        findings.push(Finding::unaccounted(format!(
            "{order}: {counted} batches count a restart of it, but Temporal has {} restarts",
            made.len()
        )));
    }
    findings
}

fn verdict_of<'a>(story: &'a Story, memo: &RestartMemo) -> Option<&'a str> {
    let said = story
        .verdicts
        .iter()
        .find(|(batch, ..)| *batch == memo.batch);
    said.map(|(_, verdict, ..)| verdict.as_str())
}

fn may_be_late(verdict: Option<&str>, memo: &RestartMemo, rows: &HashMap<&str, &BatchRow>) -> bool {
    let completed = rows
        .get(memo.batch.as_str())
        .is_none_or(|row| row.status == BatchStatus::Completed);
    !completed || verdict == Some(VerdictKind::Skipped.as_str())
}

fn uncounted(
    order: &WorkflowId,
    run: &RunId,
    memo: &RestartMemo,
    verdict: Option<&str>,
) -> Finding {
    let batch = &memo.batch;
    let said = verdict.map_or_else(
        || "has no verdict on it".to_owned(),
        |verdict| format!("says {verdict}"),
    );
    Finding::unaccounted(format!(
        "{order}: batch {batch} started run {run}, but its row {said}"
    ))
}

/// Every attempt that ended was counted by one batch.
fn ends(books: &Books) -> Vec<Finding> {
    let ended = |outcome| {
        let attempts = books.stories.iter().flat_map(|story| &story.attempts);
        attempts
            .filter(|attempt| attempt.outcome == Some(outcome))
            .count() as u64
    };
    let sum = |count: fn(&BatchRow) -> u64| books.batches.iter().map(count).sum::<u64>();
    let counts = [
        (
            "recovered",
            sum(|row| row.result.recovered_count),
            ended(AttemptOutcome::Recovered),
        ),
        (
            "failed again",
            sum(|row| row.result.failed_again_count),
            ended(AttemptOutcome::FailedAgain),
        ),
    ];
    let differ = counts
        .into_iter()
        .filter(|(_, counted, ended)| counted != ended);
    differ
        .map(|(what, counted, ended)| {
            Finding::unaccounted(format!(
                "all batches together count {counted} {what}, but {ended} attempts have"
            ))
        })
        .collect()
}
