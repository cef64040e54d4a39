//! One order's folio: its records as a transaction read them, and what is to be written.
//!
//! A driver loads folios, hands them to [`crate::transition`], and writes what has changed: so what happens to an order
//! is decided in one place, whatever the database. A folio keeps the rules that tie columns together: an order is claimed
//! exactly while it has a claim, followed exactly while it is in flight, closed exactly while it has a resolution.

use jiff::Timestamp;
use redrive_core::decide::DeadLetterReason;
use redrive_core::ids::{BatchId, RunId};
use redrive_core::moment::Moment;
use redrive_core::observe::Known;
use redrive_core::policy::Policy;
use redrive_core::report::VerdictKind;
use redrive_core::states::{Event, State, next};

use crate::edit::{DeadLetterEdit, Requests, Verdict};
use crate::record::{AttemptRecord, OrderRecord, Seen, after, micros};
use crate::{AttemptOutcome, EscalationLevel, LedgerError, Resolution};

/// Who learns something, when, and under which policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Learning<'a> {
    pub policy: &'a Policy,
    pub batch: &'a BatchId,
    /// The chunk that commits; `None` in scan and settle.
    pub chunk: Option<u32>,
    pub moment: Moment,
}

impl Learning<'_> {
    /// The time, with the precision of a column.
    pub fn now(&self) -> Timestamp {
        micros(self.moment.now)
    }
}

/// An order in a transaction.
#[derive(Debug, Clone)]
pub(crate) struct Folio {
    pub order: OrderRecord,
    /// The order as it is stored.
    pub before: OrderRecord,
    /// Its attempts, or only those that the transaction needs.
    pub attempts: Vec<AttemptRecord>,
    /// Whether the order is not stored yet.
    pub new: bool,
    /// Whether the order differs from what is stored.
    pub changed: bool,
    /// Failures to record, each with whether its meaning waits.
    pub failures: Vec<(Seen, bool)>,
    /// What happens to its stored start requests.
    pub requests: Requests,
    /// What happens to its dead letter.
    pub dead_letter: Option<DeadLetterEdit>,
    /// What the learning batch has said of it already, where that was read.
    pub said: Option<VerdictKind>,
    /// What a batch did with it.
    pub verdict: Option<Verdict>,
}

/// Who closes a dead letter that nobody closed.
const REDRIVE: &str = "redrive";

impl Folio {
    /// The folio of a stored order.
    pub fn stored(order: OrderRecord, attempts: Vec<AttemptRecord>) -> Self {
        Self {
            before: order.clone(),
            order,
            attempts,
            new: false,
            changed: false,
            failures: Vec::new(),
            requests: Requests::Keep,
            dead_letter: None,
            said: None,
            verdict: None,
        }
    }

    /// Where the order stands.
    pub fn state(&self) -> State {
        self.order.row.state
    }

    /// Takes the order to where `event` leads. What belongs to the state it leaves goes with it.
    pub fn go(&mut self, event: Event) -> Result<State, LedgerError> {
        let row = &mut self.order.row;
        let to = next(row.state, event).ok_or_else(|| LedgerError::Refused {
            workflow_id: row.workflow_id.clone(),
            state: row.state,
            event,
        })?;
        row.state = to;
        if to != State::Claimed {
            self.order.claim = None;
        }
        if to != State::InFlight {
            row.followed_run = None;
            self.order.followed_since = None;
            self.order.checks = 0;
        }
        if to.is_open() {
            row.closed_at = None;
            row.resolution = None;
        }
        if to == State::Claimed || !to.is_open() {
            row.next_check_at = None;
        }
        self.changed = true;
        Ok(to)
    }

    /// What [`redrive_core::observe`] needs to know of the order.
    pub fn known(&self) -> Known {
        let row = &self.order.row;
        Known {
            state: row.state,
            failed_run: row.failed_run.clone(),
            failed_at: row.failed_at,
            followed: row.followed_run.clone().zip(self.order.followed_since),
            closed_at: row.closed_at,
            cancelled: row.resolution.as_deref() == Some("cancelled"),
        }
    }

    /// Describes the order again in `span`.
    pub fn check_after(&mut self, span: std::time::Duration, learning: &Learning<'_>) {
        self.order.row.next_check_at = Some(after(learning.now(), span));
        self.changed = true;
    }

    /// Follows the chain that `first_run` began, of which nothing can have closed before `since`.
    pub fn follow(
        &mut self,
        event: Event,
        first_run: &RunId,
        since: Timestamp,
        learning: &Learning<'_>,
    ) -> Result<(), LedgerError> {
        self.go(event)?;
        self.order.row.manual = false;
        self.order.row.followed_run = Some(first_run.clone());
        self.order.followed_since = Some(micros(since));
        self.order.checks = 0;
        self.check_after(learning.policy.settle.first_check, learning);
        Ok(())
    }

    /// Closes the order as of `at`, and its dead letter with it.
    pub fn close(
        &mut self,
        event: Event,
        at: Timestamp,
        learning: &Learning<'_>,
    ) -> Result<(), LedgerError> {
        let was = self.state();
        let (resolution, text) = match self.go(event)? {
            State::Recovered => (Resolution::RecoveredElsewhere, "recovered"),
            State::Stopped => (Resolution::Stopped, "stopped"),
            _ => (Resolution::RecoveredElsewhere, "recovered_elsewhere"),
        };
        if was == State::DeadLettered {
            self.dead_letter = Some(DeadLetterEdit::Close {
                resolution,
                by: REDRIVE.into(),
                notes: String::new(),
                at: learning.now(),
            });
        }
        self.order.row.closed_at = Some(micros(at));
        self.order.row.resolution = Some(text.into());
        self.order.row.manual = false;
        self.requests = Requests::Drop;
        Ok(())
    }

    /// A person ended `run` at `at`: the order is stopped, and an explicit retry of it starts from that run.
    pub fn stop(
        &mut self,
        run: &RunId,
        at: Timestamp,
        learning: &Learning<'_>,
    ) -> Result<(), LedgerError> {
        self.close(Event::FoundStopped, at, learning)?;
        self.order.row.failed_run = run.clone();
        self.order.row.failed_at = micros(at);
        Ok(())
    }

    /// Moves the order to the dead letter queue.
    pub fn bury(
        &mut self,
        event: Event,
        reason: DeadLetterReason,
        learning: &Learning<'_>,
    ) -> Result<(), LedgerError> {
        let was = self.state();
        self.go(event)?;
        self.order.row.manual = false;
        self.check_after(learning.policy.settle.recheck, learning);
        if was != State::DeadLettered {
            let batch = Some(learning.batch.clone());
            self.dead_letter = Some(DeadLetterEdit::Open {
                reason,
                batch,
                level: EscalationLevel::Normal,
                failure: None,
                at: learning.now(),
            });
            self.say(VerdictKind::Dlq, Some(reason.as_str()), learning);
        }
        Ok(())
    }

    /// Notes what the batch did with the order: it does nothing more with it.
    pub fn say(&mut self, kind: VerdictKind, reason: Option<&str>, learning: &Learning<'_>) {
        self.order.last_batch = Some(learning.batch.clone());
        self.changed = true;
        self.verdict = Some(Verdict {
            batch: learning.batch.clone(),
            chunk: learning.chunk,
            kind,
            reason: reason.map(str::to_owned),
            at: learning.now(),
        });
    }

    /// Whether `run` was started again already, as far as the loaded attempts tell.
    pub fn has_started(&self, run: &RunId) -> bool {
        let mut attempts = self.attempts.iter().map(|record| &record.attempt);
        attempts.any(|attempt| attempt.from_run == *run && attempt.run.is_some())
    }

    /// Whether the batch has counted the order as restarted or dead-lettered: it says no second thing of it, so that what
    /// would be one waits for the next batch.
    pub fn is_counted(&self) -> bool {
        let now = self.verdict.as_ref().map(|verdict| verdict.kind);
        let counts = |kind| matches!(kind, VerdictKind::Restarted | VerdictKind::Dlq);
        self.said.is_some_and(counts) || now.is_some_and(counts)
    }

    /// The open intent of a claimed order, or the attempt of one in flight.
    pub fn open_attempt(&mut self) -> Option<&mut AttemptRecord> {
        self.attempts
            .iter_mut()
            .find(|record| record.attempt.outcome.is_none() && !record.deleted)
    }

    /// Ends the open attempt, if there is one. Returns whether there was.
    pub fn end_attempt(
        &mut self,
        outcome: AttemptOutcome,
        note: Option<&str>,
        learning: &Learning<'_>,
    ) -> bool {
        let Some(record) = self.open_attempt() else {
            return false;
        };
        record.end(outcome, note, learning);
        true
    }
}

impl AttemptRecord {
    /// Its run is known now.
    pub fn start(&mut self, run: &RunId, learning: &Learning<'_>) {
        self.attempt.run = Some(run.clone());
        self.attempt.started_at = Some(learning.now());
        self.changed = true;
    }

    /// It was given up, but goes on after all.
    pub fn reopen(&mut self) {
        self.attempt.outcome = None;
        self.attempt.note = None;
        self.attempt.settled_at = None;
        self.settled_batch = None;
        self.changed = true;
    }

    /// It is known how it ended.
    pub fn end(&mut self, outcome: AttemptOutcome, note: Option<&str>, learning: &Learning<'_>) {
        self.attempt.outcome = Some(outcome);
        self.attempt.note = note.map(str::to_owned);
        self.attempt.settled_at = Some(learning.now());
        self.settled_batch = Some(learning.batch.clone());
        self.changed = true;
    }
}
