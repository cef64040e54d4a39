//! What happens around Redrive: runs end, visibility catches up, an operator meddles.

use std::sync::Arc;

use redrive_core::decide::RunStatus;
use redrive_core::ids::WorkflowId;
use redrive_ledger::{NewAuditEvent, Resolution, Resolve, Resolved};

use crate::sim::{End, History};
use crate::world::World;

/// Runs of one order, at most: a walk without end tells nothing new.
const RUNS: usize = 9;

/// Something that happens to one order.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Its running run ends.
    End(End),
    /// Visibility catches up with one of its runs.
    Show(usize),
    /// A person terminates or cancels its running run.
    Stop(RunStatus),
    /// A person starts it by hand.
    StartByHand,
    /// A person resets one of its runs.
    Reset(usize),
    /// A person retries its dead letter.
    Retry,
    /// A person cancels its dead letter.
    Cancel,
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Run,
    Visibility,
    /// A person at the server.
    Operator,
    /// A person at the dead letter queue.
    Decider,
}

/// What may happen to an order now.
pub fn possible(history: &History) -> Vec<(Actor, Deed)> {
    let mut deeds = Vec::new();
    let room = history.runs.len() < RUNS;
    let running = history.latest().status == RunStatus::Running;
    if running {
        deeds.extend(
            [End::Completes, End::Fails, End::Fails, End::TimesOut]
                .map(|end| (Actor::Run, Deed::End(end))),
        );
        deeds.extend(
            [RunStatus::Terminated, RunStatus::Canceled]
                .map(|by| (Actor::Operator, Deed::Stop(by))),
        );
    }
    if running && room {
        deeds.extend([End::Retries, End::ContinuesAsNew].map(|end| (Actor::Run, Deed::End(end))));
    }
    for (place, run) in history.runs.iter().enumerate() {
        if run.shown != Some(run.status) {
            deeds.push((Actor::Visibility, Deed::Show(place)));
        }
    }
    if room {
        if !running {
            deeds
                .extend([Deed::StartByHand, Deed::StartByHand].map(|deed| (Actor::Operator, deed)));
        }
        deeds.push((Actor::Operator, Deed::Reset(history.runs.len() - 1)));
        deeds.push((Actor::Operator, Deed::Reset(history.runs.len() / 2)));
        deeds.extend([Deed::Retry, Deed::Retry].map(|deed| (Actor::Decider, deed)));
    }
    deeds.push((Actor::Decider, Deed::Cancel));
    deeds
}

impl Deed {
    /// Does it. Returns whether it came to anything.
    pub async fn act(&self, world: &Arc<World>, order: &WorkflowId) -> bool {
        if let Self::Retry | Self::Cancel = self {
            return self.decide(world, order).await;
        }
        world.note(format!("{order}: {self:?}"));
        let now = world.time.now();
        let mut server = world.server.lock().unwrap();
        match self {
            Self::End(end) => server.end(order, *end, now),
            Self::Show(place) => {
                let run = &mut server.history_mut(order).runs[*place];
                run.shown = Some(run.status);
            }
            Self::Stop(status) => server.stop(order, *status, now),
            Self::StartByHand => server.start_by_hand(order, now),
            Self::Reset(base) => server.reset(order, *base, now),
            Self::Retry | Self::Cancel => {}
        }
        true
    }

    /// An operator's decision, which the ledger takes only of dead letters.
    async fn decide(&self, world: &Arc<World>, order: &WorkflowId) -> bool {
        let retry = matches!(self, Self::Retry);
        let resolution = if retry {
            Resolution::ManualRetry
        } else {
            Resolution::Cancelled
        };
        let by = NewAuditEvent {
            actor: "operator".into(),
            reason: "model".into(),
        };
        let resolve = Resolve {
            workflow_id: order.clone(),
            resolution,
            by,
        };
        let resolved = world
            .ledger
            .resolve(&world.policy, &resolve, world.time.now())
            .await;
        let done = match resolved {
            Ok(resolved) => matches!(resolved, Resolved::Done(_)),
            // An order that runs, or that a chunk owns, is not the operator's to decide on.
            Err(redrive_ledger::LedgerError::Refused { .. }) => false,
            Err(error) => {
                world.problem(format!("the ledger refuses an operator: {error}"));
                false
            }
        };
        if done {
            world.note(format!("{order}: {self:?}"));
            world.server.lock().unwrap().history_mut(order).retry_asked |= retry;
        }
        done
    }
}
