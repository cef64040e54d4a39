//! Turns: a limited call waits for one. The line of turns is shared by every process of the ledger; each process takes
//! the next few at a time and hands them out one by one, so that the ledger is seldom asked and a changed limit soon holds.
//! A turn that is too far ahead to be taken is asked for again and again.
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

/// The most turns taken at a time, under limits that are hardly any.
const MOST: u32 = 64;
/// A halt, a stop or a clock that was set back is heard at least so often while an order waits for its turn.
const STEP: Duration = Duration::from_millis(250);
/// A turn that was not used by then is lost: late calls would come in a crowd.
const LATE: SignedDuration = SignedDuration::from_millis(250);
/// How often a line is asked whose next turn is too far ahead to be taken.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(1);
/// How often a call to visibility that waits for its turn says that it lives, and hears that it is to stop: well within the
/// heartbeat timeout.
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

/// A line's next turn, as far as this process knows, and the right to it: nobody else here gets one of its line meanwhile.
pub(crate) struct Front<'a> {
    line: &'a Line,
    turns: MutexGuard<'a, VecDeque<Held>>,
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    /// It is held here.
    Held(Held),
    /// It is too far ahead to be taken.
    Far { at: Timestamp, asked_at: Timestamp },
}

impl Front<'_> {
    /// When it is.
    pub fn at(&self) -> Timestamp {
        match self.next {
            Next::Held(held) => held.at,
            Next::Far { at, .. } => at,
        }
    }

    /// Whether it counts no more: this process's clock was ahead when it took it, and has been set back; or the line is to be asked
    /// again.
    fn is_void(&self, now: Timestamp) -> bool {
        match self.next {
            Next::Held(held) => is_stray(held.at, held.gap, now),
            Next::Far { asked_at, .. } => now.duration_since(asked_at).abs() >= ASK_AGAIN,
        }
    }
}

/// What a step of waiting for a turn came to.
pub(crate) enum Waited<'a> {
    /// It has come, and is used up.
    Come(Timestamp),
    /// It has not.
    NotYet(Front<'a>),
}

/// Whether a call whose turn was at `turn` would come too late now.
pub(crate) fn is_late(turn: Timestamp, now: Timestamp) -> bool {
    now.duration_since(turn) > LATE
}

impl Engine {
    /// Waits to be the first here, and looks for the line's next turn.
    pub(crate) async fn front<'a>(&self, line: &'a Line) -> Result<Front<'a>, LedgerError> {
        self.next(line, line.held.lock().await).await
    }

    async fn next<'a>(
        &self,
        line: &'a Line,
        mut turns: MutexGuard<'a, VecDeque<Held>>,
    ) -> Result<Front<'a>, LedgerError> {
        let next = loop {
            let now = self.clock.now();
            turns.retain(|turn| !is_late(turn.at, now) && !is_stray(turn.at, turn.gap, now));
            if let Some(first) = turns.front() {
                break Next::Held(*first);
            }
            let taken = self.take_turns(line, now).await?;
            if taken.count == 0 {
                break Next::Far {
                    at: taken.first,
                    asked_at: now,
                };
            }
            let gap = taken.gap;
            turns.extend(taken.times().map(|at| Held { at, gap }));
        };
        Ok(Front { line, turns, next })
    }

    /// Waits for the turn, for a short while.
    pub(crate) async fn wait_a_step<'a>(
        &self,
        mut front: Front<'a>,
    ) -> Result<Waited<'a>, LedgerError> {
        if front.is_void(self.clock.now()) {
            front = self.next(front.line, front.turns).await?;
        }
        let wait = front.at().duration_since(self.clock.now());
        let wait = Duration::try_from(wait).unwrap_or_default();
        match front.next {
            Next::Held(held) if wait <= STEP => {
                // What is waited for is the time that passes, whatever is done to the clock meanwhile.
                if !wait.is_zero() {
                    self.clock.sleep(wait).await;
                }
                front.turns.pop_front();
                Ok(Waited::Come(held.at))
            }
            _ => {
                self.clock.sleep(STEP).await;
                Ok(Waited::NotYet(front))
            }
        }
    }

    async fn take_turns(&self, line: &Line, now: Timestamp) -> Result<Turns, LedgerError> {
        let (ledger, rate) = (&self.ledger, line.per_second);
        match &line.of {
            Of::Starts => ledger.take_turns(Limited::Starts, rate, MOST, now).await,
            Of::Visibility => {
                let what = Limited::Visibility;
                ledger.take_turns(what, rate, MOST, now).await
            }
            Of::Operation(id) => ledger.operation_turns(id, MOST, now).await,
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
        let mut front = self.front(&self.turns.visibility).await?;
        while let Waited::NotYet(same) = self.wait_a_step(front).await? {
            front = same;
        }
        Ok(())
    }
}

fn no_turn() -> GatewayError {
    GatewayError::Throttle("the limit on calls to visibility let none be made in time".to_owned())
}
