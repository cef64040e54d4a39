//! A worker of the model: it holds one order at a time, and may stop anywhere between claim and commit.

use redrive_core::decide::{Elsewhere, Step, after_describe, elsewhere};
use redrive_core::ids::BatchId;
use redrive_ledger::{AttemptOutcome, ClaimRequest, ClaimedOrder, Commit, OurRun, Outcome, Plan};

use super::server::{ORDER, Reply, Server, run_id};
use crate::conformance::world::World;

/// The chunk under which a worker holds what it has adopted.
const ADOPTED: u32 = 999;

/// An order in hand.
#[derive(Debug, Clone)]
pub struct Held {
    order: ClaimedOrder,
    /// The batch and chunk it was claimed for.
    batch: BatchId,
    chunk: u32,
    outcome: Option<Outcome>,
}

/// The worker.
#[derive(Debug, Clone)]
pub struct Worker {
    pub batch: BatchId,
    pub chunk: u32,
    pub held: Option<Held>,
    /// What an earlier try of its chunk, thought dead, still has in hand.
    zombie: Option<Held>,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            batch: "none".into(),
            chunk: 1,
            held: None,
            zombie: None,
        }
    }
}

impl Worker {
    fn request(&self, world: &World, chunk: u32, limit: u32) -> ClaimRequest {
        ClaimRequest {
            limit,
            only: Some(ORDER.into()),
            operation: None,
            ..world.wanted(self.batch.as_str(), chunk)
        }
    }

    fn hold(&mut self, order: ClaimedOrder, chunk: u32) {
        self.held = Some(Held {
            order,
            batch: self.batch.clone(),
            chunk,
            outcome: None,
        });
    }

    /// Claims in a new chunk, unless it has its hands full.
    pub async fn claim(&mut self, world: &World) {
        if self.held.is_none() {
            self.chunk += 1;
            let claimed = world.claim(&self.request(world, self.chunk, 1)).await;
            if let Some(order) = claimed.fresh.into_iter().next() {
                self.hold(order, self.chunk);
            }
        }
    }

    /// Is thought dead and tried again: the same chunk, and what was adopted.
    pub async fn retry(&mut self, world: &World) {
        self.zombie = self.held.take();
        for chunk in [self.chunk, ADOPTED] {
            let claimed = world.claim(&self.request(world, chunk, 0)).await;
            if let Some(order) = claimed.inherited.into_iter().next() {
                self.hold(order, chunk);
            }
        }
    }

    /// Takes over from a batch that has closed. The row of that batch is finished after its claims.
    pub async fn adopt(&mut self, world: &World, from: &BatchId) {
        let adopted = world
            .ledger
            .adopt(&world.policy, from, &self.batch, ADOPTED, 10)
            .await
            .unwrap();
        if let Some(order) = adopted.into_iter().next() {
            self.hold(order, ADOPTED);
        }
        let end = redrive_ledger::BatchEnd {
            abandoned: true,
            ..Default::default()
        };
        world
            .ledger
            .finish_batch(from, &end, world.now())
            .await
            .unwrap();
    }

    /// Describes, and starts if that is the step. A lost reply leaves it without an outcome: it describes again.
    pub fn act(&mut self, server: &mut Server, reply_lost: bool, visible: bool) {
        let Some(held) = self.held.as_mut().filter(|held| held.outcome.is_none()) else {
            return;
        };
        let (order, request) = (&held.order, intent(&held.order));
        let latest = server.describe(request);
        held.outcome = match after_describe(&order.from_run, order.manual, Some(&latest)) {
            Step::Record(run) => Some(Outcome::Restarted(run)),
            Step::Gone => unreachable!("the model deletes nothing"),
            Step::LookBack => Some(look_back(server, order, visible)),
            Step::Act => match (&order.plan, request) {
                (Plan::DeadLetter(reason), _) => Some(Outcome::DeadLettered(*reason)),
                (Plan::Restart { .. }, Some(request)) => {
                    match server.start(request, &order.from_run) {
                        Reply::Run(run) if !reply_lost => Some(Outcome::Restarted(run)),
                        Reply::Run(_) | Reply::Refused => None,
                    }
                }
                (Plan::Restart { .. }, None) => unreachable!("a restart has an intent"),
            },
        };
    }

    /// Commits the outcome, if it has one.
    pub async fn commit(&mut self, world: &World) {
        let Some(held) = self.held.take_if(|held| held.outcome.is_some()) else {
            return;
        };
        let commit = Commit {
            pk: held.order.pk,
            fence: held.order.fence,
            outcome: held.outcome.unwrap(),
        };
        let moment = world.moment();
        world
            .ledger
            .commit(&world.policy, &held.batch, held.chunk, &[commit], moment)
            .await
            .unwrap();
    }

    /// The earlier try goes on: acts, or commits what it has.
    pub async fn zombie_goes_on(&mut self, world: &World, server: &mut Server, reply_lost: bool) {
        std::mem::swap(&mut self.held, &mut self.zombie);
        if self
            .held
            .as_ref()
            .is_some_and(|held| held.outcome.is_some())
        {
            self.commit(world).await;
        } else {
            self.act(server, reply_lost, true);
        }
        std::mem::swap(&mut self.held, &mut self.zombie);
    }

    /// Acts and commits, without mishap.
    pub async fn finish(&mut self, world: &World, server: &mut Server) {
        self.act(server, false, true);
        self.commit(world).await;
        assert!(self.held.is_none(), "{:?}", self.held);
    }
}

fn intent(order: &ClaimedOrder) -> Option<uuid::Uuid> {
    match order.plan {
        Plan::Restart { request_id, .. } => Some(request_id),
        Plan::DeadLetter(_) => None,
    }
}

/// The latest run is another one. Visibility may not show yet that a run of ours lies between. One that failed is known by
/// its memo once it is scanned; nothing tells of another, so the model lets visibility show it.
fn look_back(server: &Server, order: &ClaimedOrder, visible: bool) -> Outcome {
    let latest = server.describe(intent(order));
    let shown = |n: &usize| visible || server.chain_end(*n) != AttemptOutcome::FailedAgain;
    let between = intent(order)
        .and_then(|_| server.look_back(&order.from_run))
        .filter(shown);
    if let Some(n) = between.filter(|n| run_id(*n) == latest.first_run_id) {
        return Outcome::Restarted(run_id(n));
    }
    let ours = between.map(|n| OurRun {
        run: run_id(n),
        end: server.chain_end(n),
    });
    let failed = elsewhere(latest.status) == Elsewhere::Failed;
    let failure = if failed {
        server.failure(server.runs.len() - 1)
    } else {
        None
    };
    Outcome::Elsewhere {
        latest,
        ours,
        failure: failure.map(Box::new),
    }
}
