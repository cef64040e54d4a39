//! A model: one order, a simulated server, two workers that crash, lose replies and go on as zombies, and an operator who
//! starts, resets, terminates, parks and retries, in any order. After every step the ledger's rules hold; and when
//! everybody has come to rest nothing is lost, nothing was started twice, and every restart is counted once.
//!
//! `spec/protocol-model.py` explores the protocol on paper; this drives the real decide, observe, claim, commit, settle
//! and adopt. The look-back may see nothing (visibility lags); then the memo must tell.

mod check;
mod server;
mod worker;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redrive_core::decide::{Elsewhere, RunStatus, elsewhere};
use redrive_core::ids::RunId;
use redrive_core::states::State;
use redrive_ledger::{Checked, OurRun, Resolution, Resolve, Story};

use super::world::{World, ann};
use server::{ORDER, Server, run_id};
use worker::Worker;

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Ends(RunStatus),
    /// The running run fails, and a scan sees it.
    Fails,
    GoesOn,
    StartedByHand,
    Reset,
    Scan(usize),
    Pending,
    Describe,
    Settle,
    Claim(usize),
    Act {
        worker: usize,
        reply_lost: bool,
        visible: bool,
    },
    Commit(usize),
    Retry(usize),
    Zombie(usize, bool),
    NextBatch(usize),
    Adopt(usize),
    Park,
    Resolve(Resolution),
    Wait,
    /// The worker does all it can, without mishap.
    Round(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![
        2 => Just(RunStatus::Failed), 1 => Just(RunStatus::Completed), 1 => Just(RunStatus::Terminated)
    ];
    let resolution = prop_oneof![3 => Just(Resolution::ManualRetry), 1 => Just(Resolution::Escalated), 1 => Just(Resolution::Cancelled)];
    let act =
        (0..2_usize, any::<bool>(), any::<bool>()).prop_map(|(worker, reply_lost, visible)| {
            Step::Act {
                worker,
                reply_lost,
                visible,
            }
        });
    prop_oneof![
        2 => status.prop_map(Step::Ends),
        10 => Just(Step::Fails),
        1 => Just(Step::GoesOn),
        1 => Just(Step::StartedByHand),
        1 => Just(Step::Reset),
        3 => (0..12_usize).prop_map(Step::Scan),
        2 => Just(Step::Pending),
        3 => Just(Step::Describe),
        3 => Just(Step::Settle),
        8 => (0..2_usize).prop_map(Step::Claim),
        10 => act,
        8 => (0..2_usize).prop_map(Step::Commit),
        3 => (0..2_usize).prop_map(Step::Retry),
        5 => (0..2_usize, any::<bool>()).prop_map(|(worker, lost)| Step::Zombie(worker, lost)),
        2 => (0..2_usize).prop_map(Step::NextBatch),
        4 => (0..2_usize).prop_map(Step::Adopt),
        1 => Just(Step::Park),
        2 => resolution.prop_map(Step::Resolve),
        3 => Just(Step::Wait),
        6 => (0..2_usize).prop_map(Step::Round),
    ]
}

/// Everything there is.
struct Model {
    world: World,
    server: Server,
    workers: [Worker; 2],
    /// An answer that settle has got and not yet recorded.
    answer: Option<Checked>,
    batches: u32,
}

impl Model {
    async fn new() -> Self {
        let world = World::new().await;
        world.observe(&[Server::new().failure(0).unwrap()]).await;
        let mut model = Self {
            world,
            server: Server::new(),
            workers: Default::default(),
            answer: None,
            batches: 0,
        };
        for worker in 0..2 {
            model.next_batch(worker).await;
        }
        model
    }

    /// The worker's batch closes without a word, and another begins. The worker itself goes on as a zombie would.
    async fn next_batch(&mut self, worker: usize) {
        self.batches += 1;
        let batch = format!("batch-{}", self.batches);
        self.world.open(&batch).await;
        self.workers[worker].batch = batch.as_str().into();
        self.workers[worker].chunk = 1;
    }

    async fn step(&mut self, step: &Step) {
        let Self { world, server, .. } = self;
        match step {
            Step::Ends(status) => server.end(*status),
            Step::Fails => {
                server.end(RunStatus::Failed);
                let last = server.runs.len() - 1;
                self.scan(last).await;
            }
            Step::GoesOn => server.go_on(),
            Step::StartedByHand => server.start_by_hand(),
            Step::Reset => server.reset(),
            Step::Scan(n) => self.scan(*n).await,
            Step::Pending => self.pending().await,
            Step::Describe => self.answer = Some(self.describe().await).flatten(),
            Step::Settle => self.settle().await,
            Step::Claim(w) => self.workers[*w].claim(world).await,
            Step::Act {
                worker,
                reply_lost,
                visible,
            } => self.workers[*worker].act(server, *reply_lost, *visible),
            Step::Commit(w) => self.workers[*w].commit(world).await,
            Step::Retry(w) => self.workers[*w].retry(world).await,
            Step::Zombie(w, lost) => self.workers[*w].zombie_goes_on(world, server, *lost).await,
            Step::NextBatch(w) => self.next_batch(*w).await,
            Step::Adopt(w) => self.adopt(*w).await,
            Step::Park => drop(
                world
                    .ledger
                    .park(&ORDER.into(), &ann("x").into(), world.now())
                    .await
                    .unwrap(),
            ),
            Step::Resolve(resolution) => {
                let resolve = Resolve {
                    workflow_id: ORDER.into(),
                    resolution: *resolution,
                    by: ann("x"),
                };
                drop(
                    world
                        .ledger
                        .resolve(&world.policy, &resolve, world.now())
                        .await
                        .unwrap(),
                );
            }
            Step::Wait => world.wait(5_000),
            Step::Round(w) => self.round(*w).await,
        }
    }

    /// A batch of its own, from adoption to chunk, by a worker whose hands are free.
    async fn round(&mut self, worker: usize) {
        if self.workers[worker].held.is_some() {
            return;
        }
        self.world.wait(5_000);
        self.next_batch(worker).await;
        self.adopt(worker).await;
        self.workers[worker]
            .finish(&self.world, &mut self.server)
            .await;
        self.scan(self.server.runs.len() - 1).await;
        self.workers[worker].claim(&self.world).await;
        self.workers[worker]
            .finish(&self.world, &mut self.server)
            .await;
    }

    async fn scan(&mut self, n: usize) {
        if let Some(failure) = self.server.failure(n) {
            let batch = &self.workers[n % 2].batch;
            let (ledger, policy) = (&self.world.ledger, &self.world.policy);
            ledger
                .observe(policy, batch, &[failure], self.world.moment())
                .await
                .unwrap();
        }
    }

    async fn pending(&mut self) {
        let (ledger, policy) = (&self.world.ledger, &self.world.policy);
        ledger
            .observe_pending(policy, &self.workers[0].batch, self.world.moment())
            .await
            .unwrap();
    }

    /// What settle would be told now.
    async fn describe(&self) -> Option<Checked> {
        let check = self.world.check(ORDER).await;
        if !check.state.is_open() || check.state == State::Claimed {
            return None;
        }
        let latest = self.server.describe(check.given_up);
        let chain = |run: &RunId| {
            self.server
                .chain_end((0..).find(|n| run_id(*n) == *run).unwrap())
        };
        let ended = elsewhere(latest.status) != Elsewhere::Running;
        let other = check.followed_run.as_ref() != Some(&latest.first_run_id);
        let attempt = check
            .followed_run
            .as_ref()
            .filter(|_| check.has_attempt && (ended || other))
            .map(chain);
        let late = check
            .given_up
            .filter(|_| !check.has_attempt && latest.run_id != check.failed_run)
            .and_then(|_| self.server.look_back(&check.failed_run))
            .map(|run| OurRun {
                run: run_id(run),
                end: self.server.chain_end(run),
            });
        let newer = latest.run_id != check.failed_run && latest.status.is_failure();
        let failure = if newer {
            self.server.failure(self.server.runs.len() - 1)
        } else {
            None
        };
        Some(Checked {
            ours: late,
            check,
            latest: Some(latest),
            attempt,
            failure: failure.map(Box::new),
        })
    }

    async fn settle(&mut self) {
        if let Some(checked) = self.answer.take() {
            let (ledger, policy) = (&self.world.ledger, &self.world.policy);
            ledger
                .settle(
                    policy,
                    &self.workers[0].batch,
                    &[checked],
                    self.world.moment(),
                )
                .await
                .unwrap();
        }
    }

    /// Takes over from every batch that has closed, then finishes its row.
    async fn adopt(&mut self, worker: usize) {
        if self.workers[worker].held.is_some() {
            return;
        }
        let own = self.workers.each_ref().map(|worker| worker.batch.clone());
        for row in self.world.ledger.unfinished_batches().await.unwrap() {
            let from = row.result.batch_id.as_str().into();
            if !own.contains(&from) {
                self.workers[worker].adopt(&self.world, &from).await;
            }
        }
    }

    /// Everybody comes to rest: the server's runs complete, and fresh batches do what is left.
    async fn rest(&mut self) {
        self.server.end(RunStatus::Completed);
        for round in 0..10 {
            self.world.wait(100_000);
            self.next_batch(0).await;
            self.next_batch(1).await;
            self.workers[1].held = None;
            self.workers[0].held = None;
            self.adopt(0).await;
            self.workers[0].finish(&self.world, &mut self.server).await;
            for n in 0..self.server.runs.len() {
                self.scan(n).await;
            }
            self.pending().await;
            self.answer = self.describe().await;
            self.settle().await;
            self.pending().await;
            self.workers[0].claim(&self.world).await;
            self.workers[0].finish(&self.world, &mut self.server).await;
            if self.server.is_running() {
                self.server.end(if round < 3 {
                    RunStatus::Failed
                } else {
                    RunStatus::Completed
                });
            }
        }
    }
}

/// Returns the order's story when everybody has come to rest.
async fn play(steps: &[Step]) -> Story {
    let mut model = Model::new().await;
    for (n, step) in steps.iter().enumerate() {
        model.step(step).await;
        // A rule that is broken stays broken, and reading the whole story costs more than a step.
        if n % 4 == 0 {
            check::rules(&model, &steps[..=n]).await;
        }
    }
    model.rest().await;
    check::rules(&model, steps).await;
    check::audit(&model, steps).await;
    model.world.bystanders_are_unchanged().await;
    model.world.story(ORDER).await
}

/// What chance brings together once in some thousand plays.
#[tokio::test]
async fn a_stop_that_is_to_be_retried_may_be_parked() {
    // The budget is spent, and an operator's retry finds a run that was terminated.
    let mut steps = Vec::new();
    for _ in 0..5 {
        steps.extend([Step::Round(0), Step::Fails]);
    }
    steps.extend([
        Step::Round(1),
        Step::NextBatch(1),
        Step::Resolve(Resolution::ManualRetry),
        Step::Claim(1),
        Step::StartedByHand,
        Step::Ends(RunStatus::Terminated),
        Step::NextBatch(1),
        Step::Round(0),
        Step::Resolve(Resolution::ManualRetry),
        Step::Park,
    ]);
    let story = play(&steps).await;
    assert_eq!(story.order.state, State::DeadLettered, "{story:#?}");
}

#[test]
fn whatever_happens_nothing_is_lost_or_started_twice_or_counted_twice() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(Config {
        cases: crate::factory::CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let steps = proptest::collection::vec(step(), 10..160);
    runner
        .run(&steps, |steps| {
            runtime.block_on(play(&steps));
            Ok(())
        })
        .unwrap();
}
