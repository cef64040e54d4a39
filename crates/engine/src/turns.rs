//! Turns: a limited call waits for one. The line of turns is shared by every process of the ledger; each process takes
//! the next few at a time and hands them out one by one, so that the ledger is seldom asked and a changed limit soon holds.
//! An operation with a rate of its own has a line of its own; each of its chunks holds some turns of it.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_core::ids::OperationId;
use redrive_core::policy::Policy;
use redrive_flows::activities::ForOperation;
use redrive_ledger::{LedgerError, Limited, Turns, is_stray};
use tokio::sync::{Mutex, MutexGuard};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::gateway::GatewayError;
use crate::patience::Patience;

/// A process takes turns for so long ahead, and no longer: others wait behind them, and so does a changed limit.
const AHEAD: Duration = Duration::from_millis(250);
/// The most turns taken at a time, under limits that are hardly any.
const MOST: f64 = 64.0;
/// A halt, a stop or a clock that was set back is heard at least so often while a call waits for its turn.
pub(crate) const STEP: Duration = Duration::from_millis(250);
/// A turn that was not used by then is lost: late calls would come in a crowd.
const LATE: SignedDuration = SignedDuration::from_millis(250);
/// Whoever waits longer than so for a turn asks so often whether the line's rate is another by now.
const ANOTHER_RATE: SignedDuration = SignedDuration::from_secs(1);
/// How often a call that waits for its turn says that it lives, and hears that it is to stop: well within the heartbeat timeout.
const BEAT: Duration = Duration::from_secs(2);

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
    line: &'a Line,
    turns: MutexGuard<'a, VecDeque<Held>>,
    held: Held,
    /// When the line's rate was looked at.
    looked_at: Timestamp,
}

impl Front<'_> {
    /// When it is.
    pub fn at(&self) -> Timestamp {
        self.held.at
    }

    /// How long it is until then.
    pub fn wait(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.held.at.duration_since(now)).unwrap_or_default()
    }

    /// Uses it up.
    pub fn take(mut self) -> Timestamp {
        self.turns.pop_front();
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
                    line,
                    held: *first,
                    turns: held,
                    looked_at: now,
                });
            }
            let turns = self
                .take_turns(line, at_a_time(line.per_second), now)
                .await?;
            let gap = turns.gap;
            held.extend(turns.times().map(|at| Held { at, gap }));
        }
    }

    /// Whether the turn still counts. If not, it is given up, with those behind it: this process's clock was ahead when it took
    /// them, and has been set back, or the line goes at another rate by now.
    pub(crate) async fn counts(&self, front: &mut Front<'_>) -> Result<bool, LedgerError> {
        let now = self.clock.now();
        let void = is_stray(front.held.at, front.held.gap, now)
            || self.is_of_another_rate(front, now).await?;
        if void {
            front.turns.clear();
        }
        Ok(!void)
    }

    async fn is_of_another_rate(
        &self,
        front: &mut Front<'_>,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let looked = now.duration_since(front.looked_at).abs();
        if looked < ANOTHER_RATE || front.held.at.duration_since(now) < ANOTHER_RATE {
            return Ok(false);
        }
        front.looked_at = now;
        // Who takes no turns learns how far they lie apart.
        let turns = self.take_turns(front.line, 0, now).await?;
        Ok(turns.gap != front.held.gap)
    }

    async fn take_turns(
        &self,
        line: &Line,
        count: u32,
        now: Timestamp,
    ) -> Result<Turns, LedgerError> {
        let (ledger, rate) = (&self.ledger, line.per_second);
        match &line.of {
            Of::Starts => ledger.take_turns(Limited::Starts, rate, count, now).await,
            Of::Visibility => {
                let what = Limited::Visibility;
                ledger.take_turns(what, rate, count, now).await
            }
            Of::Operation(id) => ledger.operation_turns(id, count, now).await,
        }
    }

    /// Waits for the turn of a call to visibility, as long as there is patience; its end is as if the server had refused the call.
    pub(crate) async fn await_visibility(&self, patience: Patience<'_>) -> Result<(), EngineError> {
        let mut turn = pin!(self.visibility_turn());
        loop {
            tokio::select! {
                biased;
                done = &mut turn => return Ok(done?),
                () = self.clock.sleep(BEAT) => {}
            }
            if patience.is_over(self.clock.now()) {
                return Err(no_turn().into());
            }
            patience.pulse.beat().await;
        }
    }

    async fn visibility_turn(&self) -> Result<(), LedgerError> {
        loop {
            let mut front = self.front(&self.turns.visibility).await?;
            // What is waited for is the time that passes, whatever is done to the clock meanwhile.
            let mut left = front.wait(self.clock.now());
            while !left.is_zero() && self.counts(&mut front).await? {
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

fn no_turn() -> GatewayError {
    let told =
        "no call to visibility was allowed in time: raise its limit, or let fewer batches run";
    GatewayError::Throttle(told.to_owned())
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
