//! What must hold when a walk has come to rest.

use std::collections::BTreeMap;

use redrive_core::decide::RunStatus;
use redrive_core::report::BatchStatus;
use redrive_core::states::State;
use redrive_ledger::{AttemptOutcome, BatchRow, Story};

use crate::sim::{History, Run};
use crate::walk::Walk;

impl Walk {
    /// Checks everything; what is broken is added to the world's problems.
    pub async fn check(&self) {
        let ledger = &self.world.ledger;
        let stories = ledger.stories_after(None, 100).await.unwrap();
        let histories = self.world.server.lock().unwrap().histories.clone();
        let mut problems = Vec::new();
        for history in &histories {
            match stories
                .iter()
                .find(|story| story.order.workflow_id == history.workflow_id)
            {
                Some(story) => problems.extend(order(history, story)),
                None => problems.push(format!("{} is not known", history.workflow_id)),
            }
        }
        for row in ledger.batches(100).await.unwrap() {
            problems.extend(self.batch(&row, &stories));
        }
        for problem in problems {
            self.world.problem(problem);
        }
    }

    /// A batch's row is finished, and its numbers are those of its verdicts.
    fn batch(&self, row: &BatchRow, stories: &[Story]) -> Vec<String> {
        let (result, mut problems) = (&row.result, Vec::new());
        let batch = &result.batch_id;
        let sum =
            result.restarted_count + result.dlq_count + result.error_count + result.skipped_count;
        if result.found_count != sum {
            problems.push(format!(
                "{batch}: found {} is not the sum {sum}",
                result.found_count
            ));
        }
        if row.status == BatchStatus::Running {
            problems.push(format!("{batch} is unfinished"));
        }
        let mut said: BTreeMap<&str, u64> = BTreeMap::new();
        for (of, verdict, _, _) in stories.iter().flat_map(|story| &story.verdicts) {
            if of.as_str() == batch {
                *said.entry(verdict.as_str()).or_default() += 1;
            }
        }
        if row.status != BatchStatus::Abandoned {
            let end = &self
                .batches
                .iter()
                .find(|known| known.id.as_str() == batch)
                .expect("all are kept")
                .end;
            *said.entry("error").or_default() +=
                u64::from(end.scan_failed) + u64::from(end.settle_failed);
        }
        let row = [
            ("restarted", result.restarted_count),
            ("dlq", result.dlq_count),
            ("error", result.error_count),
            ("skipped", result.skipped_count),
        ];
        for (verdict, counted) in row {
            let said = said.get(verdict).copied().unwrap_or(0);
            if said != counted {
                problems.push(format!(
                    "{batch} counts {counted} {verdict}, its verdicts say {said}"
                ));
            }
        }
        problems
    }
}

/// What is wrong with one order.
fn order(history: &History, story: &Story) -> Vec<String> {
    let mut problems = starts(history, story);
    problems.extend(attempts(history, story));
    problems.extend(failures(history, story));
    problems.extend(state(history, story));
    let (row, id) = (&story.order, &history.workflow_id);
    let started = || {
        story
            .attempts
            .iter()
            .filter(|attempt| attempt.run.is_some())
    };
    let now = started()
        .filter(|attempt| attempt.generation == row.generation)
        .count();
    if row.retry_count as usize != now {
        problems.push(format!(
            "{id}: {} retries counted, {now} attempts of generation {} started",
            row.retry_count, row.generation
        ));
    }
    let said = story
        .verdicts
        .iter()
        .filter(|(_, verdict, _, _)| verdict == "restarted")
        .count();
    if said != started().count() {
        problems.push(format!(
            "{id}: {said} verdicts say restarted, {} attempts started",
            started().count()
        ));
    }
    problems
}

/// Every start of ours is named by one attempt, and every attempt names a start of ours. What a look-back could not see,
/// as visibility lagged, is excused where it did not fail: no failure will ever tell of it.
fn starts(history: &History, story: &Story) -> Vec<String> {
    let mut problems = Vec::new();
    for run in history.ours() {
        let named = story
            .attempts
            .iter()
            .filter(|attempt| attempt.run.as_ref() == Some(&run.id))
            .count();
        let failed = chain(history, run).any(|run| run.status.is_failure() && !run.has_successor);
        if named != 1 && (failed || named > 1 || !history.overlooked.contains(&run.id)) {
            problems.push(format!("{} is named by {named} attempts", run.id));
        }
    }
    for attempt in &story.attempts {
        let Some(run) = &attempt.run else { continue };
        if history
            .run(run)
            .is_none_or(|run| run.from.as_ref() != Some(&attempt.from_run))
        {
            problems.push(format!("an attempt from {} names {run}", attempt.from_run));
        }
    }
    problems
}

/// Every attempt has ended, as its chain did.
fn attempts(history: &History, story: &Story) -> Vec<String> {
    let mut problems = Vec::new();
    for attempt in &story.attempts {
        let name = format!("the attempt from {}", attempt.from_run);
        let Some(outcome) = attempt.outcome else {
            problems.push(format!("{name} has not ended"));
            continue;
        };
        let Some(run) = attempt.run.as_ref().and_then(|run| history.run(run)) else {
            continue;
        };
        let some =
            |wanted: fn(RunStatus) -> bool| chain(history, run).any(|run| wanted(run.status));
        let borne_out = match outcome {
            AttemptOutcome::NotStarted => false,
            AttemptOutcome::Recovered => some(|status| status == RunStatus::Completed),
            AttemptOutcome::FailedAgain => some(RunStatus::is_failure),
            AttemptOutcome::Stopped => some(RunStatus::is_stop),
            AttemptOutcome::Unknown => true,
        };
        if !borne_out {
            problems.push(format!("{name} is said to have ended as {outcome:?}"));
        }
    }
    problems
}

/// Every failure is recorded once.
fn failures(history: &History, story: &Story) -> Vec<String> {
    let failed = history
        .runs
        .iter()
        .filter(|run| run.status.is_failure() && !run.has_successor);
    let recorded = |run: &Run| {
        story
            .failures
            .iter()
            .filter(|failure| failure.run_id == run.id)
            .count()
    };
    failed
        .filter(|run| recorded(run) != 1)
        .map(|run| format!("{} is recorded {} times", run.id, recorded(run)))
        .collect()
}

/// The order stands as its latest run says: open if and only if that failed. A closed order is looked at again only when
/// it fails anew, so how it closed may be told by an earlier run.
fn state(history: &History, story: &Story) -> Option<String> {
    let (row, latest) = (&story.order, history.latest());
    if row.resolution.as_deref() == Some("cancelled") {
        return None;
    }
    let some = |wanted: fn(RunStatus) -> bool| history.runs.iter().any(|run| wanted(run.status));
    let told = match row.state {
        State::Failed | State::DeadLettered => row.failed_run == latest.id,
        State::Recovered | State::Resolved => some(|status| status == RunStatus::Completed),
        State::Stopped => some(RunStatus::is_stop),
        State::Claimed | State::InFlight | State::Held => false,
    };
    let right = told && row.state.is_open() == latest.status.is_failure();
    let wrong = || {
        let (id, at) = (&row.workflow_id, &row.failed_run);
        format!(
            "{id} is {} at {at}, but {} is {}",
            row.state, latest.id, latest.status
        )
    };
    (!right).then(wrong)
}

fn chain<'h>(history: &'h History, first: &Run) -> impl Iterator<Item = &'h Run> {
    let first = first.first;
    history.runs.iter().filter(move |run| run.first == first)
}
