//! One claimed order, from its intent to its outcome: describe, then start or record (ARCHITECTURE.md, "One order").
//!
//! Nothing here decides: [`redrive_core::decide`] does. Nothing here writes to the ledger either: the outcome is
//! committed by the chunk, under the fence.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive_core::decide::{Elsewhere, Latest, RunStatus, Step, after_describe, elsewhere};
use redrive_core::ids::{BatchId, WorkflowId};
use redrive_ledger::{AttemptOutcome, ClaimedOrder, LedgerError, OurRun, Outcome, Plan};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::gateway::{GatewayError, Mark, Restart, RunToRead, Started};
use crate::patience::Patience;
use crate::pulse::Told;
use crate::turns::{Line, Waited, is_late};

/// A description older than this is not acted on: describe again.
const FRESH: SignedDuration = SignedDuration::from_secs(2);
/// Visibility may show a start this late; by then what it does not show was not started.
const VISIBLE: SignedDuration = SignedDuration::from_secs(60);
/// The pause after an answer that was lost, or a throttle; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// So often an order that is not ready in time waits for another turn.
const TURNS_LOST_AT_MOST: u32 = 2;
/// So many descriptions of one order may be lost in a row, and so many answers about it in all, while the server answers about others.
const LOST_IN_A_ROW: u32 = 12;
const LOST_IN_ALL: u32 = 24;

/// When to begin nothing new, and when to stop asking.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From then on no start is made.
    pub stops_at: Timestamp,
    /// From then on an unknown answer stays unknown.
    pub gives_up_at: Timestamp,
}

/// How far an order has come in this process.
struct Progress {
    /// Nobody has acted on the intent yet, so it may be given back.
    untouched: bool,
    /// A start may have been made of which nobody has heard.
    in_doubt: bool,
    /// Its turn under the limit of starts, once that has come.
    turn: Option<Timestamp>,
    /// Turns that came to nothing, for the order was not ready in time.
    turns_lost: u32,
    /// Answers that were lost since the order was last described.
    lost: u32,
    /// All that were lost.
    lost_in_all: u32,
    pause: Duration,
}

impl Progress {
    /// Counts one more answer that was lost. Returns whether they are so many that the server may not tell of this order at all.
    fn loses_too_much(&mut self) -> bool {
        self.lost += 1;
        self.lost_in_all += 1;
        self.lost.is_multiple_of(LOST_IN_A_ROW) || self.lost_in_all.is_multiple_of(LOST_IN_ALL)
    }

    /// The outcome when no more is done: an order that was touched stays claimed, for a start of it may be on its way,
    /// and the next owner finds out.
    fn given_up(&self) -> Outcome {
        if self.untouched {
            Outcome::Released
        } else {
            Outcome::AnswerUnknown
        }
    }
}

/// Why the loop goes round again, or how it ends.
enum Turn {
    Again,
    AgainAfterPause,
    End(Outcome),
}

impl Engine {
    /// Brings one order to its outcome. `fresh`: claimed by this try, so nothing can have been done for it before.
    ///
    /// Errors: only what concerns every order (Temporal refuses us, the ledger fails); the order then stays claimed.
    pub(crate) async fn handle(
        &self,
        order: &ClaimedOrder,
        batch: &BatchId,
        fresh: bool,
        limits: Limits,
        stop: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Outcome, EngineError> {
        let mut progress = Progress {
            untouched: fresh,
            in_doubt: !fresh,
            turn: None,
            turns_lost: 0,
            lost: 0,
            lost_in_all: 0,
            pause: FIRST_PAUSE,
        };
        loop {
            if progress.untouched && self.must_stop(limits, stop).await? {
                return Ok(Outcome::Released);
            }
            match self.turn(order, batch, &mut progress, limits, stop).await {
                Ok(Turn::End(outcome)) => return Ok(outcome),
                Ok(Turn::Again) => {}
                Err(EngineError::Gateway(GatewayError::Unknown(error))) => {
                    if progress.loses_too_much() && self.server_answers().await {
                        tracing::warn!(error, workflow.id = %order.workflow_id, "the server does not tell of an order; it stays claimed");
                        return Ok(Outcome::AnswerUnknown);
                    }
                    if !self.pauses(&mut progress, limits, stop).await {
                        return Ok(progress.given_up());
                    }
                }
                Ok(Turn::AgainAfterPause)
                | Err(EngineError::Gateway(GatewayError::Throttle(_))) => {
                    if !self.pauses(&mut progress, limits, stop).await {
                        return Ok(progress.given_up());
                    }
                }
                Err(EngineError::Gateway(GatewayError::Item(message))) => {
                    return Ok(Outcome::ItemError { message });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits before it asks again; not where that is over.
    async fn pauses(
        &self,
        progress: &mut Progress,
        limits: Limits,
        stop: &(dyn Fn() -> bool + Send + Sync),
    ) -> bool {
        let goes_on = !stop() && self.clock.now() < limits.gives_up_at;
        if goes_on {
            self.clock.sleep(progress.pause).await;
            progress.pause = (progress.pause * 2).min(LONGEST_PAUSE);
        }
        goes_on
    }

    async fn must_stop(
        &self,
        limits: Limits,
        stop: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<bool, LedgerError> {
        Ok(stop() || self.clock.now() >= limits.stops_at || self.halted().await?)
    }

    /// One description, and what follows from it.
    async fn turn(
        &self,
        order: &ClaimedOrder,
        batch: &BatchId,
        progress: &mut Progress,
        limits: Limits,
        stop: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Turn, EngineError> {
        let restarts = matches!(order.plan, Plan::Restart { .. });
        // What may have been started already is described first: it needs no turn, and a halt does not keep its answer.
        if restarts && progress.untouched && !self.await_turn(progress, limits, stop).await? {
            return Ok(Turn::End(progress.given_up()));
        }
        let mark = mark(order);
        let described_at = self.clock.now();
        let latest = self
            .gateway
            .describe(&order.workflow_id, mark.as_ref())
            .await?;
        progress.lost = 0;
        match after_describe(&order.from_run, order.manual, latest.as_ref()) {
            Step::Record(run) => Ok(Turn::End(Outcome::Restarted(run))),
            Step::LookBack => match latest {
                Some(latest) => {
                    let patience = Patience {
                        ends_at: limits.gives_up_at,
                        pulse: &Told(stop),
                    };
                    self.look_back(order, mark.as_ref(), latest, progress.in_doubt, patience)
                        .await
                }
                None => Ok(Turn::End(Outcome::Gone)),
            },
            Step::Gone if !order.manual => Ok(Turn::End(Outcome::Gone)),
            Step::Act | Step::Gone => match &order.plan {
                Plan::DeadLetter(reason) => Ok(Turn::End(Outcome::DeadLettered(*reason))),
                Plan::Restart {
                    attempt,
                    request_id,
                    ..
                } => {
                    if !self.await_turn(progress, limits, stop).await? {
                        return Ok(Turn::End(progress.given_up()));
                    }
                    let mark = Mark {
                        from_run: order.from_run.clone(),
                        request_id: *request_id,
                    };
                    let Some(request) = self.start_request(order).await? else {
                        return Ok(Turn::End(no_start_request()));
                    };
                    let late = self.too_late(described_at, progress, limits, stop).await?;
                    if let Some(late) = late {
                        return Ok(late);
                    }
                    let restart = Restart {
                        workflow_id: order.workflow_id.clone(),
                        mark,
                        batch: batch.clone(),
                        generation: order.generation,
                        attempt: *attempt,
                        request,
                    };
                    self.start(&restart, progress).await
                }
            },
        }
    }

    /// Waits for its turn under the limit that all workers share. Returns whether the order may be started. A turn that it has
    /// already is kept.
    async fn await_turn(
        &self,
        progress: &mut Progress,
        limits: Limits,
        stop: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<bool, LedgerError> {
        if progress.turn.is_some() {
            return Ok(!self.must_stop(limits, stop).await?);
        }
        progress.turn = self.turn_in(&self.turns.starts, limits, stop).await?;
        Ok(progress.turn.is_some())
    }

    /// Waits for the next turn of a line, in short steps, so that a halt or stop is heard; `None`: nothing is begun any more, or the
    /// turn is after the end.
    pub(crate) async fn turn_in(
        &self,
        line: &Line,
        limits: Limits,
        stop: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Option<Timestamp>, LedgerError> {
        let mut front = self.front(line).await?;
        loop {
            if front.at() >= limits.stops_at || self.must_stop(limits, stop).await? {
                return Ok(None);
            }
            front = match self.wait_a_step(front).await? {
                Waited::Come(turn) => return Ok(Some(turn)),
                Waited::NotYet(front) => front,
            };
        }
    }

    /// Whether the order comes too late for its turn, and waits for another. On a server that is that slow for long the
    /// limit is not what matters: it goes on then.
    fn loses_its_turn(&self, progress: &mut Progress) -> bool {
        let late = progress
            .turn
            .is_some_and(|turn| is_late(turn, self.clock.now()));
        let loses = late && progress.turns_lost < TURNS_LOST_AT_MOST;
        if loses {
            progress.turn = None;
            progress.turns_lost += 1;
        }
        loses
    }

    /// What happens instead where it may not be started any more. Who comes too late for a turn waits for another, and is
    /// described again only when the description has grown old meanwhile: where the server is the limit, and not the turns,
    /// many come too late.
    async fn too_late(
        &self,
        described_at: Timestamp,
        progress: &mut Progress,
        limits: Limits,
        stop: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Option<Turn>, LedgerError> {
        let has_turn =
            !self.loses_its_turn(progress) || self.await_turn(progress, limits, stop).await?;
        // A halt is heard that was made after its turn had come.
        if !has_turn || self.must_stop(limits, stop).await? {
            return Ok(Some(Turn::End(progress.given_up())));
        }
        // A clock that was set back says nothing of how old it is.
        let age = self.clock.now().duration_since(described_at).abs();
        Ok((age > FRESH).then_some(Turn::Again))
    }

    /// Starts it, with a description that is fresh.
    async fn start(&self, restart: &Restart, progress: &mut Progress) -> Result<Turn, EngineError> {
        progress.untouched = false;
        progress.turn = None;
        fail::fail_point!("before-start");
        let started = self.gateway.start(restart).await;
        fail::fail_point!("after-start");
        progress.in_doubt |= matches!(started, Err(GatewayError::Unknown(_)));
        match started? {
            Started::Run(run) => Ok(Turn::End(Outcome::Restarted(run))),
            Started::Conflict => Ok(Turn::AgainAfterPause),
        }
    }

    /// From the ledger; where it keeps none, or one that is damaged (which concerns this order only), from the server.
    async fn start_request(&self, order: &ClaimedOrder) -> Result<Option<Vec<u8>>, EngineError> {
        let kept = match &order.start_request {
            Some(stored) => stored.read().map(Some),
            None => self.ledger.start_request(order.pk).await,
        };
        match kept {
            Ok(Some(request)) => return Ok(Some(request)),
            Ok(None) => {}
            Err(error @ LedgerError::StartRequest(_)) => {
                tracing::warn!(%error, workflow.id = %order.workflow_id, "asking the server instead");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(self
            .gateway
            .read_start(&order.workflow_id, &order.from_run)
            .await?)
    }

    /// The latest run is another one: whether a run of ours lies between, and what the order becomes.
    async fn look_back(
        &self,
        order: &ClaimedOrder,
        mark: Option<&Mark>,
        latest: Latest,
        in_doubt: bool,
        patience: Patience<'_>,
    ) -> Result<Turn, EngineError> {
        let ours = match mark {
            Some(mark) => {
                self.run_between(&order.workflow_id, mark, order.failed_at, patience)
                    .await?
            }
            None => None,
        };
        if let Some(ours) = &ours
            && ours.run == latest.first_run_id
        {
            return Ok(Turn::End(Outcome::Restarted(ours.run.clone())));
        }
        let ends = matches!(
            elsewhere(latest.status),
            Elsewhere::Completed | Elsewhere::Stopped
        );
        if ours.is_none() && in_doubt && ends && self.is_young(order) {
            return Ok(Turn::End(Outcome::AnswerUnknown));
        }
        let failure = if elsewhere(latest.status) == Elsewhere::Failed {
            let run = RunToRead::new(order.workflow_id.clone(), latest.run_id.clone());
            match self.gateway.read_failure(&run).await? {
                Some(run) => Some(Box::new(self.classified(run))),
                // It has a successor by now: describe again.
                None => return Ok(Turn::AgainAfterPause),
            }
        } else {
            None
        };
        Ok(Turn::End(Outcome::Elsewhere {
            latest,
            ours,
            failure,
        }))
    }

    /// Whether a start under the order's intent may be hidden by visibility still. An order that ends here is looked at no
    /// more, so it stays claimed until that is known; any other is looked back on when it is settled.
    fn is_young(&self, order: &ClaimedOrder) -> bool {
        match order.plan {
            Plan::Restart { intent_at, .. } => self.clock.now().duration_since(intent_at) < VISIBLE,
            Plan::DeadLetter(_) => false,
        }
    }

    /// The run that was started under `mark` since the failed run closed, as far as visibility shows it, and its end.
    pub(crate) async fn run_between(
        &self,
        workflow_id: &WorkflowId,
        mark: &Mark,
        since: Timestamp,
        patience: Patience<'_>,
    ) -> Result<Option<OurRun>, EngineError> {
        self.await_visibility(patience).await?;
        let Some(run) = self.gateway.look_back(workflow_id, mark, since).await? else {
            return Ok(None);
        };
        let status = self.gateway.run_status(workflow_id, &run).await?;
        Ok(Some(OurRun {
            run,
            end: attempt_end(status),
        }))
    }
}

/// That nobody has the order's start request.
fn no_start_request() -> Outcome {
    Outcome::ItemError {
        message: "its start request is neither in the ledger nor on the server".to_owned(),
    }
}

/// The mark of the order's open intent.
fn mark(order: &ClaimedOrder) -> Option<Mark> {
    match &order.plan {
        Plan::Restart { request_id, .. } => Some(Mark {
            from_run: order.from_run.clone(),
            request_id: *request_id,
        }),
        Plan::DeadLetter(_) => None,
    }
}

/// How an attempt ended whose run has that status; a run that is gone, or went on in a chain that is not the latest, ended
/// in a way nobody can tell.
pub(crate) fn attempt_end(status: Option<RunStatus>) -> AttemptOutcome {
    match status {
        Some(RunStatus::Completed) => AttemptOutcome::Recovered,
        Some(RunStatus::Failed | RunStatus::TimedOut) => AttemptOutcome::FailedAgain,
        Some(RunStatus::Terminated | RunStatus::Canceled) => AttemptOutcome::Stopped,
        Some(RunStatus::Running | RunStatus::ContinuedAsNew) | None => AttemptOutcome::Unknown,
    }
}
