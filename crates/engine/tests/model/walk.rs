//! A walk: at each step the scheduler draws what happens next, from everything that may.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use redrive_core::decide::RunStatus;
use redrive_core::ids::WorkflowId;

use crate::activity::{Step, Try};
use crate::batch::Batch;
use crate::choose::{Action, Pace, fate, risk};
use crate::deeds::Deed;
use crate::flaw::Flaw;
use crate::gate::{Gate, Pass};
use crate::world::World;

/// What an operator does in one walk, at most.
const MEDDLING: u32 = 4;

/// A walk under way.
pub struct Walk {
    pub world: Arc<World>,
    pub rng: StdRng,
    pub batches: Vec<Batch>,
    pub tries: BTreeMap<u64, Try>,
    pub pace: Pace,
    /// How much the operator may still do.
    pub meddling: u32,
    chunk: u32,
    named: u64,
}

impl Walk {
    /// The walk of that seed. Every fourth lets anything happen between a description and its start.
    pub async fn new(seed: u64, flaw: Flaw) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let orders = if rng.random_bool(0.4) { 2 } else { 1 };
        let retries = [0, 1, 2, 2, 3].choose(&mut rng).copied().unwrap_or(1);
        let world = World::new(orders, retries, seed % 4 == 3, flaw).await;
        let pace = Pace::draw(&mut rng);
        let chunk = rng.random_range(1..=2);
        world.note(format!(
            "seed {seed}, {orders} order(s), {retries} retries, {pace:?}, split {}",
            world.split
        ));
        let (batches, tries) = (Vec::new(), BTreeMap::new());
        Self {
            world,
            rng,
            batches,
            tries,
            pace,
            meddling: MEDDLING,
            chunk,
            named: 0,
        }
    }

    /// Makes one step.
    pub async fn step(&mut self) {
        let millis = if self.world.split && self.rng.random_bool(0.05) {
            1500
        } else {
            self.rng.random_range(1..20)
        };
        self.world.time.advance(Duration::from_millis(millis));
        let actions = self.actions();
        let action = actions
            .choose_weighted(&mut self.rng, |(weight, _)| *weight)
            .ok();
        if let Some((_, action)) = action.cloned() {
            self.act(action).await;
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Pass(number) => self.pass(number, true).await,
            Action::Kill(number) => self.bury(number, "is killed"),
            Action::Tell(number) => self.tries[&number].told.store(true, Ordering::SeqCst),
            Action::Batch(only) => self.open(only),
            Action::Launch(place) => self.launch(place).await,
            Action::GiveUpOn(place) => {
                self.world
                    .note(format!("{} gives up on its try", self.batches[place].id));
                self.batches[place].current = None;
            }
            Action::Close(place) => self.close(place, RunStatus::Terminated),
            Action::Complete(place) => self.close(place, RunStatus::Completed),
            Action::Deed(order, deed) => self.do_deed(&order, &deed).await,
            Action::Wait(time) => {
                self.world.note(format!("{time:?} pass"));
                self.world.time.advance(time);
            }
        }
    }

    async fn do_deed(&mut self, order: &WorkflowId, deed: &Deed) {
        let done = deed.act(&self.world, order).await;
        if !matches!(deed, Deed::End(_) | Deed::Show(_)) {
            self.meddling -= u32::from(done);
        }
        if matches!(deed, Deed::Retry) && done {
            self.open(Some(order.clone()));
        }
    }

    /// Opens a batch.
    pub fn open(&mut self, only: Option<WorkflowId>) {
        let batch = Batch::new(
            self.batches.len() + 1,
            self.chunk,
            only,
            self.world.time.now(),
        );
        let run = (batch.id.clone(), RunStatus::Running);
        self.world
            .server
            .lock()
            .unwrap()
            .batches
            .insert(batch.workflow_id.clone(), run);
        self.batches.push(batch);
    }

    /// Ends a batch's workflow.
    pub fn close(&mut self, place: usize, status: RunStatus) {
        let batch = &mut self.batches[place];
        (batch.open, batch.current) = (false, None);
        self.world.note(format!("{} is {status}", batch.id));
        let mut server = self.world.server.lock().unwrap();
        server
            .batches
            .insert(batch.workflow_id.clone(), (batch.id.clone(), status));
    }

    async fn launch(&mut self, place: usize) {
        let batch = &mut self.batches[place];
        let Some(job) = batch.job() else { return };
        self.named += 1;
        let name = format!("t{} {} {:?}", self.named, batch.id, batch.stage);
        batch.current = Some(self.named);
        self.world.note(format!("{name} begins"));
        let one = Try::begin(&self.world, name, place, job, Gate::default()).await;
        self.tries.insert(self.named, one);
        self.advance(self.named).await;
    }

    /// Lets one call of a try pass, perhaps with a fault; then, mostly, the dull calls that come next.
    async fn pass(&mut self, number: u64, faults: bool) {
        while let Some(one) = self.tries.get(&number) {
            let Some((ticket, call)) = one.gate.waiting().choose(&mut self.rng).copied() else {
                return;
            };
            let pass = if faults {
                fate(call, self.pace.faults * risk(one).min(1.0), &mut self.rng)
            } else {
                Pass::Act
            };
            let mark = if pass == Pass::Act {
                String::new()
            } else {
                format!(" [{pass:?}]")
            };
            self.world.note(format!("{} {}{mark}", one.name, call.name));
            one.gate.pass(ticket, pass);
            self.advance(number).await;
            let next = self.tries.get(&number).map(|one| one.gate.waiting());
            let dull = next.is_some_and(|next| next.iter().all(|(_, call)| call.is_dull()));
            if !dull || self.rng.random_bool(0.2) {
                return;
            }
        }
    }

    async fn advance(&mut self, number: u64) {
        let one = self
            .tries
            .get_mut(&number)
            .expect("only tries that go on are advanced");
        match one.advance().await {
            Step::Waits => {}
            Step::Died => self.bury(number, "dies"),
            Step::Ended(result) => {
                let one = self.tries.remove(&number).expect("it has just ended");
                self.world.note(format!("{} ends: {result:?}", one.name));
                let batch = &mut self.batches[one.batch];
                if batch.current == Some(number) {
                    batch.hear(result);
                }
            }
        }
    }

    /// A try's process is gone; a batch that waits for it tries again.
    fn bury(&mut self, number: u64, how: &str) {
        let one = self
            .tries
            .remove(&number)
            .expect("only tries that go on die");
        self.world.note(format!("{} {how}", one.name));
        let batch = &mut self.batches[one.batch];
        if batch.current == Some(number) {
            batch.current = None;
        }
    }

    /// Lets every try go on without faults, up to so many calls each; then kills what is left.
    pub async fn drain(&mut self, calls: usize) {
        for _ in 0..calls {
            let numbers: Vec<u64> = self.tries.keys().copied().collect();
            let starting = self
                .tries
                .iter()
                .find(|(_, one)| one.gateway.is_about_to_start())
                .map(|(number, _)| *number);
            let starting = starting.filter(|_| !self.world.split);
            let Some(number) = starting.or_else(|| numbers.choose(&mut self.rng).copied()) else {
                return;
            };
            self.world.time.advance(Duration::from_millis(1));
            self.pass(number, false).await;
        }
        for number in self.tries.keys().copied().collect::<Vec<_>>() {
            self.bury(number, "is killed");
        }
    }
}
