//! What may happen next in a walk, and how likely each thing is.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use redrive_core::ids::WorkflowId;

use crate::activity::Try;
use crate::batch::Stage;
use crate::deeds::{Actor, Deed, possible};
use crate::gate::{Call, Kind, Pass};
use crate::walk::Walk;

/// Batches of a walk, at most.
const BATCHES: usize = 12;
/// Tries at the same time.
const TRIES: usize = 4;
/// How much more likely than the plain next call everything is that a batch or a try does by itself.
const NEXT: f64 = 80.0;
/// How much more likely a try is told to stop that its batch has given up: the server answers its heartbeats with it.
const TOLD_OF: f64 = 20.0;

/// Something that may happen next.
#[derive(Debug, Clone)]
pub enum Action {
    /// One call of a try passes.
    Pass(u64),
    /// A try's process is killed.
    Kill(u64),
    /// A try is told to stop.
    Tell(u64),
    /// A batch begins, perhaps for one order only.
    Batch(Option<WorkflowId>),
    /// A batch begins its next activity, or tries it again.
    Launch(usize),
    /// A batch takes its try for dead, which goes on.
    GiveUpOn(usize),
    /// A batch's workflow is terminated; its tries go on.
    Close(usize),
    /// A batch's workflow completes.
    Complete(usize),
    /// Something happens to an order.
    Deed(WorkflowId, Deed),
    /// Time passes.
    Wait(Duration),
}

/// How likely each kind of thing is in one walk: walks differ, so that rare things come together in some of them.
#[derive(Debug)]
pub struct Pace {
    kill: f64,
    tell: f64,
    give_up: f64,
    close: f64,
    end: f64,
    show: f64,
    meddle: f64,
    decide: f64,
    wait: f64,
    /// How fast a try goes on that its batch has given up.
    zombies: f64,
    open_at_once: usize,
    /// How likely faults of calls are, 1 being usual.
    pub faults: f64,
}

impl Pace {
    /// The pace of one walk.
    pub fn draw(rng: &mut StdRng) -> Self {
        let zombies = [0.02, 0.1, 1.0].choose(rng).copied().unwrap_or(1.0);
        let mut some =
            |weight: f64| weight * [0.0, 1.0, 1.0, 3.0].choose(rng).copied().unwrap_or(1.0);
        Self {
            kill: some(1.0),
            tell: some(0.3),
            give_up: some(1.5),
            close: some(1.0),
            end: 3.0 + some(12.0),
            show: 2.0 + some(12.0),
            meddle: some(3.0),
            decide: some(3.0),
            wait: some(1.0),
            zombies,

            faults: some(1.0),
            open_at_once: rng.random_range(1..=3),
        }
    }
}

impl Walk {
    /// Everything that may happen now, with its weight. Between a description and its start nobody else moves, unless the
    /// walk is split.
    pub fn actions(&self) -> Vec<(f64, Action)> {
        let mut starting = self
            .tries
            .iter()
            .filter(|(_, one)| one.gateway.is_about_to_start());
        if let (Some((number, _)), false) = (starting.next(), self.world.split) {
            return vec![
                (NEXT, Action::Pass(*number)),
                (self.pace.kill, Action::Kill(*number)),
            ];
        }
        let mut actions = Vec::new();
        for (number, one) in &self.tries {
            let risk = risk(one);
            let zombie = self.batches[one.batch].current != Some(*number);
            let haste = if zombie { self.pace.zombies } else { 1.0 };
            actions.push((NEXT * haste, Action::Pass(*number)));
            actions.push((self.pace.kill * risk, Action::Kill(*number)));
            if !one.told.load(Ordering::SeqCst) {
                let told = if zombie { TOLD_OF } else { 1.0 };
                actions.push((self.pace.tell * told, Action::Tell(*number)));
            }
        }
        self.for_batches(&mut actions);
        self.for_orders(&mut actions);
        for seconds in [1, 61, 400] {
            actions.push((self.pace.wait, Action::Wait(Duration::from_secs(seconds))));
        }
        actions
    }

    fn for_batches(&self, actions: &mut Vec<(f64, Action)>) {
        let open = self.batches.iter().filter(|batch| batch.open).count();
        if open < self.pace.open_at_once && self.batches.len() < BATCHES {
            actions.push((NEXT / 8.0, Action::Batch(None)));
        }
        let room = self.tries.len() < TRIES;
        for (place, batch) in self
            .batches
            .iter()
            .enumerate()
            .filter(|(_, batch)| batch.open)
        {
            let current = batch.current.and_then(|number| self.tries.get(&number));
            let risk = current.map_or(0.3, risk);
            actions.push((self.pace.close * risk, Action::Close(place)));
            match current {
                Some(_) if room => {
                    actions.push((self.pace.give_up * risk, Action::GiveUpOn(place)))
                }
                Some(_) => {}
                None if batch.stage == Stage::Over => {
                    actions.push((NEXT / 2.0, Action::Complete(place)))
                }
                None if room => actions.push((NEXT, Action::Launch(place))),
                None => {}
            }
        }
    }

    fn for_orders(&self, actions: &mut Vec<(f64, Action)>) {
        let owned = self
            .tries
            .values()
            .any(|one| one.owns.load(Ordering::SeqCst));
        for history in &self.world.server.lock().unwrap().histories {
            let begun = owned || history.ours().next().is_some();
            let eager = if begun { 1.0 } else { 0.1 };
            let deeds = possible(history);
            for (actor, deed) in &deeds {
                let weight = match actor {
                    Actor::Run => self.pace.end,
                    Actor::Visibility => self.pace.show,
                    Actor::Operator if self.meddling > 0 => self.pace.meddle * eager,
                    Actor::Decider if self.meddling > 0 => self.pace.decide * eager,
                    Actor::Operator | Actor::Decider => 0.0,
                };
                let share = deeds.iter().filter(|(other, _)| other == actor).count() as f64;
                actions.push((
                    weight / share,
                    Action::Deed(history.workflow_id.clone(), deed.clone()),
                ));
            }
        }
    }
}

/// How much more likely it is that something befalls a try that has owned an order, most of all one that is about to
/// start it or to say what became of it: that is what a walk is about.
pub fn risk(one: &Try) -> f64 {
    let at_stake =
        |call: &Call| matches!(call.kind, Kind::Start | Kind::Nap) || call.name == "commit";
    if !one.owns.load(Ordering::SeqCst) {
        0.3
    } else if one.gate.waiting().iter().any(|(_, call)| at_stake(call)) {
        8.0
    } else {
        3.0
    }
}

/// What becomes of a call: in percent, by what there is to lose.
pub fn fate(call: Call, faults: f64, rng: &mut StdRng) -> Pass {
    let percent = rng.random_range(0.0..100.0);
    let (request, reply, refuse, death) = match (call.kind, call.name) {
        (Kind::Start, _) => (5.0, 20.0, 4.0, 12.0),
        (Kind::Question, _) => (2.0, 0.0, 0.0, 1.0),
        (Kind::Ledger, "commit") => (2.0, 6.0, 0.0, 8.0),
        (Kind::Ledger, "claim" | "adopt" | "settle" | "observe" | "finish_batch") => {
            (1.0, 3.0, 0.0, 4.0)
        }
        (Kind::Ledger, _) => (0.5, 0.5, 0.0, 0.5),
        (Kind::Nap | Kind::Sleep, _) => (0.0, 0.0, 0.0, 0.0),
    };
    let fates = [
        (request, Pass::LoseRequest),
        (reply, Pass::LoseReply),
        (refuse, Pass::Refuse),
        (death, Pass::DieAfter),
    ];
    let mut sum = 0.0;
    for (share, pass) in fates {
        sum += share * faults;
        if percent < sum {
            return pass;
        }
    }
    Pass::Act
}
