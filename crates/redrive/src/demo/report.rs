//! The demo's result: one value, printed as text or as JSON.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use redrive_core::decide::DeadLetterReason;
use redrive_core::report::{Alert, BatchStatus, ReprocessingResult};
use redrive_fulfillment::FaultPlan;
use redrive_ledger::{Attempt, AttemptOutcome, DeadLetter, FailureRow, Story};
use serde::Serialize;

use super::batches::{RELEASED_AFTER, Ran};
use super::outcome::{ClassRow, outcome};
use crate::audit::{Audit, Books, Records, check};

/// Everything that the demo has to tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Whether the audit holds and every order ended as its class expects.
    pub ok: bool,
    /// The fault plan's seed.
    pub seed: u64,
    /// How many orders there were.
    pub orders: usize,
    /// How long it took.
    pub seconds: Times,
    /// What became of each class.
    pub classes: Vec<ClassRow>,
    /// The batches, in their order.
    pub batches: Vec<Batch>,
    /// After this batch the carrier was back; `null` where nothing needed it, or the demo ended before.
    pub outage_ended_after: Option<usize>,
    /// The dead letters, by order id.
    pub dead_letters: Vec<Letter>,
    /// Orders that ended otherwise than their class expects.
    pub surprises: Vec<String>,
    /// The audit.
    pub audit: Audit,
}

/// How long each part took, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Times {
    /// Until server and workers were up.
    pub start: f64,
    /// Until each order had completed or failed for the first time.
    pub first_wave: f64,
    /// The batches, and what they restarted.
    pub batches: f64,
    /// Reading and comparing the records.
    pub audit: f64,
}

/// One batch: its row, and what is not in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Batch {
    /// Its result, as its workflow returned it.
    #[serde(flatten)]
    pub result: ReprocessingResult,
    /// How its row stands.
    pub status: Option<BatchStatus>,
    /// The alerts it raised, each a sentence.
    pub alerts: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

/// A dead letter with its story.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Letter {
    /// The order id.
    pub order_id: String,
    /// The workflow id.
    pub workflow_id: String,
    /// Why it is a dead letter.
    pub reason: DeadLetterReason,
    /// What went wrong last.
    pub failure_status: String,
    /// The last message.
    pub failure_reason: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Every restart.
    pub attempts: Vec<Try>,
}

/// One restart of a dead letter, and how it failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Try {
    /// Its number.
    pub number: u32,
    /// The failed run it restarted.
    pub from_run: String,
    /// The run it started.
    pub run_id: Option<String>,
    /// When.
    pub started_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<AttemptOutcome>,
    /// What went wrong in it.
    pub failure_status: Option<String>,
    /// The message.
    pub failure_reason: Option<String>,
}

impl Report {
    /// The report of a demo that ran `batches` over `plan`.
    pub fn new(plan: &FaultPlan, batches: &[Ran], records: &Records, books: &Books) -> Self {
        let audit = check(records, books);
        let (classes, surprises) = outcome(plan, records, books);
        let outage =
            batches.len() >= RELEASED_AFTER && classes.iter().any(|row| row.class == "outage");
        Self {
            ok: audit.passed() && surprises.is_empty(),
            seed: plan.seed,
            orders: plan.orders.len(),
            seconds: Times::default(),
            classes,
            batches: batches.iter().map(|ran| Batch::new(ran, books)).collect(),
            outage_ended_after: outage.then_some(RELEASED_AFTER),
            dead_letters: letters(books),
            surprises,
            audit,
        }
    }

    /// What the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        if self.ok {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

impl Times {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.start + self.first_wave + self.batches + self.audit
    }
}

/// Tenths of seconds: what comes after them is noise.
pub(super) fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}

impl Batch {
    fn new(ran: &Ran, books: &Books) -> Self {
        let row = books
            .batches
            .iter()
            .find(|row| row.result.batch_id == ran.result.batch_id);
        Self {
            result: ran.result.clone(),
            status: row.map(|row| row.status),
            alerts: row.map_or_else(Vec::new, |row| {
                row.alerts.iter().map(Alert::sentence).collect()
            }),
            seconds: seconds(ran.took),
        }
    }
}

fn letters(books: &Books) -> Vec<Letter> {
    let of = |story: &Story| {
        let open = story
            .dead_letters
            .iter()
            .filter(|letter| letter.resolved_at.is_none());
        open.map(|letter| Letter::new(letter, story))
            .collect::<Vec<_>>()
    };
    let mut letters: Vec<Letter> = books.stories.iter().flat_map(of).collect();
    letters.sort_by(|one, other| one.order_id.cmp(&other.order_id));
    letters
}

impl Letter {
    fn new(letter: &DeadLetter, story: &Story) -> Self {
        let failures: HashMap<&str, &FailureRow> = story
            .failures
            .iter()
            .map(|failure| (failure.first_run_id.as_str(), failure))
            .collect();
        let attempts = story
            .attempts
            .iter()
            .filter(|attempt| attempt.generation == letter.generation);
        Self {
            order_id: letter.order_id.clone(),
            workflow_id: letter.workflow_id.to_string(),
            reason: letter.reason,
            failure_status: letter.failure_status.clone(),
            failure_reason: letter.failure_reason.clone(),
            created_at: letter.created_at,
            attempts: attempts
                .map(|attempt| Try::new(attempt, &failures))
                .collect(),
        }
    }
}

impl Try {
    fn new(attempt: &Attempt, failures: &HashMap<&str, &FailureRow>) -> Self {
        let run = attempt.run.as_ref().map(|run| run.as_str());
        let failure = run.and_then(|run| failures.get(run));
        Self {
            number: attempt.number,
            from_run: attempt.from_run.to_string(),
            run_id: run.map(str::to_owned),
            started_at: attempt.started_at,
            outcome: attempt.outcome,
            failure_status: failure.map(|failure| failure.failure_status.clone()),
            failure_reason: failure.map(|failure| failure.reason.clone()),
        }
    }
}
