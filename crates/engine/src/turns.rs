//! Turns: a limited call waits for one. The line of turns is shared by every process of the ledger; each process takes
//! the next few at a time and hands them out one by one, so that the ledger is seldom asked and a changed limit soon holds.
//! An operation with a rate of its own has a line of its own; each of its chunks holds some turns of it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_core::ids::OperationId;
use redrive_core::policy::Policy;
use redrive_flows::activities::ForOperation;
use redrive_ledger::{LedgerError, Limited, Turns, is_stray};
use tokio::sync::{Mutex, MutexGuard};

use crate::engine::Engine;

/// A process takes turns for so long ahead, and no longer: others wait behind them, and so does a changed limit.
const AHEAD: Duration = Duration::from_millis(250);
/// The most turns taken at a time, under limits that are hardly any.
const MOST: f64 = 64.0;
/// A halt, a stop or a clock that was set back is heard at least so often while a call waits for its turn.
pub(crate) const STEP: Duration = Duration::from_millis(250);
/// A turn that was not used by then is lost: late calls would come in a crowd.
const LATE: SignedDuration = SignedDuration::from_millis(250);

/// The lines that everybody shares, as far as this process has taken their turns.
#[derive(Debug)]
pub(crate) struct HeldTurns {
    pub starts: Line,
    pub visibility: Line,
}

impl HeldTurns {
    /// No turns yet.
    pub fn new(policy: &Policy) -> Self {
        Self {
            starts: Line::new(Of::Starts, policy.starts_per_second),
            visibility: Line::new(Of::Visibility, policy.visibility_calls_per_second),
        }
    }
}

/// A line of turns, and those of it that are held here.
#[derive(Debug)]
pub(crate) struct Line {
    of: Of,
    /// The rate as it is configured; where operators have told another, the ledger knows.
    per_second: f64,
    held: Mutex<VecDeque<Held>>,
}

/// Whose line it is.
#[derive(Debug)]
enum Of {
    Starts,
    Visibility,
    Operation(OperationId),
}

impl Line {
    fn new(of: Of, per_second: f64) -> Self {
        Self {
            of,
            per_second,
            held: Mutex::default(),
        }
    }

    /// An operation's line, if it has a rate of its own: beside that of all starts.
    pub fn of_operation(operation: &ForOperation) -> Option<Self> {
        let of = Of::Operation(operation.id.clone());
        operation
            .per_second
            .map(|per_second| Self::new(of, per_second))
    }
}

/// A turn, and the gap between those of its line.
#[derive(Debug, Clone, Copy)]
struct Held {
    at: Timestamp,
    gap: SignedDuration,
}

/// The next turn that is held here, and the right to it: nobody else here gets one of its line meanwhile.
pub(crate) struct Front<'a> {
    line: MutexGuard<'a, VecDeque<Held>>,
    held: Held,
}

impl Front<'_> {
    /// When it is.
    pub fn at(&self) -> Timestamp {
        self.held.at
    }

    /// Whether this process's clock was ahead when it took it, and has been set back: nobody waits for it.
    pub fn is_stray(&self, now: Timestamp) -> bool {
        is_stray(self.held.at, self.held.gap, now)
    }

    /// Uses it up.
    pub fn take(mut self) -> Timestamp {
        self.line.pop_front();
        self.held.at
    }
}

/// Whether a call whose turn was at `turn` would come too late now.
pub(crate) fn is_late(turn: Timestamp, now: Timestamp) -> bool {
    now.duration_since(turn) > LATE
}

impl Engine {
    /// Waits to be the first here, and gets the line's next turn.
    pub(crate) async fn front<'a>(&self, line: &'a Line) -> Result<Front<'a>, LedgerError> {
        let mut held = line.held.lock().await;
        loop {
            let now = self.clock.now();
            held.retain(|turn| !is_late(turn.at, now) && !is_stray(turn.at, turn.gap, now));
            if let Some(first) = held.front() {
                return Ok(Front {
                    held: *first,
                    line: held,
                });
            }
            let turns = self.take_turns(line, now).await?;
            let gap = turns.gap;
            held.extend(turns.times().map(|at| Held { at, gap }));
        }
    }

    async fn take_turns(&self, line: &Line, now: Timestamp) -> Result<Turns, LedgerError> {
        let (ledger, rate, count) = (&self.ledger, line.per_second, at_a_time(line.per_second));
        match &line.of {
            Of::Starts => ledger.take_turns(Limited::Starts, rate, count, now).await,
            Of::Visibility => {
                let what = Limited::Visibility;
                ledger.take_turns(what, rate, count, now).await
            }
            Of::Operation(id) => ledger.operation_turns(id, count, now).await,
        }
    }

    /// Waits for the turn of a call to visibility.
    pub(crate) async fn await_visibility(&self) -> Result<(), LedgerError> {
        loop {
            let front = self.front(&self.turns.visibility).await?;
            // What is waited for is the time that passes, whatever is done to the clock meanwhile.
            let wait = front.at().duration_since(self.clock.now());
            let mut left = Duration::try_from(wait).unwrap_or_default();
            while !left.is_zero() && !front.is_stray(self.clock.now()) {
                let step = left.min(STEP);
                self.clock.sleep(step).await;
                left -= step;
            }
            if left.is_zero() {
                front.take();
                return Ok(());
            }
        }
    }
}

/// How many turns to take at a limit of so many calls a second.
#[expect(
    clippy::manual_clamp,
    reason = "`clamp` hands on a rate that is no number"
)]
fn at_a_time(per_second: f64) -> u32 {
    // `max` first: a rate that is no number takes one at a time.
    (per_second * AHEAD.as_secs_f64()).max(1.0).min(MOST) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_a_second_is_taken_ahead_within_bounds() {
        for (rate, turns) in [
            (0.1, 1),
            (20.0, 5),
            (200.0, 50),
            (1e6, 64),
            (f64::INFINITY, 64),
            (f64::NAN, 1),
        ] {
            assert_eq!(at_a_time(rate), turns, "{rate}");
        }
    }
}
