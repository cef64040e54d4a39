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
use crate::batch::{Batch, Stage};
use crate::deeds::{Actor, Deed, possible};
use crate::flaw::Flaw;
use crate::gate::{Call, Gate, Kind, Pass};
use crate::world::World;

/// Batches of a walk, at most.
const BATCHES: usize = 8;
/// Batches and tries at the same time.
const AT_ONCE: usize = 4;
/// What an operator does in one walk, at most.
const MEDDLING: u32 = 4;

/// Something that may happen next.
#[derive(Debug, Clone)]
enum Action {
    Pass(u64),
    Kill(u64),
    Tell(u64),
    Batch(Option<WorkflowId>),
    Launch(usize),
    GiveUpOn(usize),
    Close(usize),
    Complete(usize),
    Deed(WorkflowId, Deed),
    Wait(Duration),
}

/// How likely each kind of thing is in one walk: walks differ, so that rare things come together in some of them.
#[derive(Debug)]
struct Pace {
    kill: u32,
    tell: u32,
    give_up: u32,
    close: u32,
    end: u32,
    show: u32,
    meddle: u32,
    wait: u32,
    faults: f64,
    open_at_once: usize,
}

impl Pace {
    fn draw(rng: &mut StdRng) -> Self {
        let mut some = |weight: u32| weight * [0, 1, 1, 3].choose(rng).copied().unwrap_or(1);
        Self {
            kill: some(6),
            tell: some(2),
            give_up: some(6),
            close: some(8),
            end: some(25),
            show: some(25),
            meddle: some(3),
            wait: some(3),
            faults: f64::from(some(1)),
            open_at_once: rng.random_range(1..=3),
        }
    }
}

/// A walk under way.
pub struct Walk {
    pub world: Arc<World>,
    pub rng: StdRng,
    pub batches: Vec<Batch>,
    tries: BTreeMap<u64, Try>,
    pace: Pace,
    meddling: u32,
    chunk: u32,
    named: u64,
}

impl Walk {
    /// The walk of that seed. Every fourth lets anything happen between a description and its start.
    pub async fn new(seed: u64, flaw: Flaw) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let orders = if rng.random_bool(0.4) { 2 } else { 1 };
        let world = World::new(orders, seed % 4 == 3, flaw).await;
        let pace = Pace::draw(&mut rng);
        let chunk = rng.random_range(1..=2);
        world.note(format!(
            "seed {seed}, {orders} order(s), {pace:?}, split {}",
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

    /// Everything that may happen now, with its weight. Between a description and its start nobody else moves, unless the
    /// walk is split.
    fn actions(&self) -> Vec<(u32, Action)> {
        let starting = self
            .tries
            .iter()
            .find(|(_, one)| one.gateway.is_about_to_start());
        let mut actions = Vec::new();
        if let (Some((number, _)), false) = (starting, self.world.split) {
            return vec![
                (40, Action::Pass(*number)),
                (self.pace.kill, Action::Kill(*number)),
            ];
        }
        for (number, one) in &self.tries {
            actions.push((80, Action::Pass(*number)));
            actions.push((self.pace.kill, Action::Kill(*number)));
            if !one.told.load(Ordering::SeqCst) {
                actions.push((self.pace.tell, Action::Tell(*number)));
            }
        }
        self.for_batches(&mut actions);
        self.for_orders(&mut actions);
        for seconds in [1, 61, 400] {
            actions.push((self.pace.wait, Action::Wait(Duration::from_secs(seconds))));
        }
        actions
    }

    fn for_batches(&self, actions: &mut Vec<(u32, Action)>) {
        let open = self.batches.iter().filter(|batch| batch.open).count();
        if open < self.pace.open_at_once && self.batches.len() < BATCHES {
            actions.push((20, Action::Batch(None)));
        }
        for (place, batch) in self
            .batches
            .iter()
            .enumerate()
            .filter(|(_, batch)| batch.open)
        {
            actions.push((self.pace.close, Action::Close(place)));
            match batch.current {
                Some(_) if self.tries.len() < AT_ONCE => {
                    actions.push((self.pace.give_up, Action::GiveUpOn(place)))
                }
                Some(_) => {}
                None if batch.stage == Stage::Over => actions.push((40, Action::Complete(place))),
                None if self.tries.len() < AT_ONCE => actions.push((80, Action::Launch(place))),
                None => {}
            }
        }
    }

    fn for_orders(&self, actions: &mut Vec<(u32, Action)>) {
        for history in &self.world.server.lock().unwrap().histories {
            for (actor, deed) in possible(history) {
                let weight = match actor {
                    Actor::Run => self.pace.end,
                    Actor::Visibility => self.pace.show,
                    Actor::Operator if self.meddling > 0 => self.pace.meddle,
                    Actor::Operator => 0,
                };
                actions.push((weight, Action::Deed(history.workflow_id.clone(), deed)));
            }
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

    /// Lets one call of a try pass, perhaps with a fault.
    async fn pass(&mut self, number: u64, faults: bool) {
        let one = &self.tries[&number];
        let Some((ticket, call)) = one.gate.waiting().choose(&mut self.rng).copied() else {
            return;
        };
        let pass = if faults { self.fate(call) } else { Pass::Act };
        let one = &self.tries[&number];
        let mark = if pass == Pass::Act {
            String::new()
        } else {
            format!(" [{pass:?}]")
        };
        self.world.note(format!("{} {}{mark}", one.name, call.name));
        one.gate.pass(ticket, pass);
        self.advance(number).await;
    }

    /// What becomes of a call.
    fn fate(&mut self, call: Call) -> Pass {
        let percent = self.rng.random_range(0.0..100.0) / self.pace.faults.max(0.01);
        let (request, reply, refuse, death) = match call.kind {
            Kind::Start => (3.0, 12.0, 2.0, 8.0),
            Kind::Question => (3.0, 0.0, 0.0, 1.0),
            Kind::Ledger => (1.0, 2.0, 0.0, 3.0),
            Kind::Sleep => (0.0, 0.0, 0.0, 0.0),
        };
        let fates = [
            (request, Pass::LoseRequest),
            (reply, Pass::LoseReply),
            (refuse, Pass::Refuse),
            (death, Pass::DieAfter),
        ];
        let mut sum = 0.0;
        for (share, pass) in fates {
            sum += share;
            if percent < sum {
                return pass;
            }
        }
        Pass::Act
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
