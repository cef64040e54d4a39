//! A try: one execution of one activity of a batch, by the engine's real code, as a future that stops at every call.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::ids::BatchId;
use redrive_engine::{Engine, EngineError, Pulse, Settings};
use redrive_flows::activities::{Chunk, ChunkReport, Phase};
use redrive_ledger::{BatchEnd, BatchOpening};

use crate::clock::GatedClock;
use crate::gate::Gate;
use crate::gateway::SimGateway;
use crate::ledger::GatedLedger;
use crate::world::World;

/// What an activity is told to do.
#[derive(Debug, Clone)]
pub enum Job {
    Open(BatchOpening),
    Adopt(Phase),
    Scan(Phase),
    Settle(Phase),
    Chunk(Chunk),
    Finish(BatchId, BatchEnd),
}

/// What it reports.
#[derive(Debug)]
pub enum Done {
    Nothing,
    Settled(Timestamp),
    Chunk(ChunkReport),
}

/// How far a try has come.
pub enum Step {
    /// Every call of it waits at its gate.
    Waits,
    /// Its process has died.
    Died,
    /// It is over.
    Ended(Result<Done, EngineError>),
}

type Work = Pin<Box<dyn Future<Output = Result<Done, EngineError>>>>;

/// A try.
pub struct Try {
    /// Its name in the story.
    pub name: String,
    /// Which batch it is of.
    pub batch: usize,
    pub gate: Gate,
    pub gateway: Arc<SimGateway>,
    /// Whether it was told to stop.
    pub told: Arc<AtomicBool>,
    /// Whether it has owned an order.
    pub owns: Arc<AtomicBool>,
    work: Work,
    woken: Arc<Woken>,
}

impl Try {
    /// A try of that job, through that gate.
    pub async fn begin(
        world: &Arc<World>,
        name: String,
        batch: usize,
        job: Job,
        gate: Gate,
    ) -> Self {
        let gateway = Arc::new(SimGateway::new(world, &gate));
        let clock = Arc::new(GatedClock {
            time: Arc::clone(&world.time),
            gate: gate.clone(),
        });
        let settings = Settings {
            task_queue: "model".into(),
            interval: Duration::from_secs(900),
            orders_at_once: redrive_engine::ORDERS_AT_ONCE,
        };
        let (owns, told) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let ledger = Arc::new(GatedLedger {
            world: Arc::clone(world),
            gate: gate.clone(),
            owns: Arc::clone(&owns),
        });
        let (way, policy) = (Arc::clone(&gateway), world.policy.clone());
        let engine = Engine::new(ledger, way, clock, policy, settings).await;
        let engine = engine.expect("an engine over a ledger that is bound");
        let work = Box::pin(run(engine, job, Told(Arc::clone(&told))));
        Self {
            name,
            batch,
            gate,
            gateway,
            told,
            owns,
            work,
            woken: Arc::default(),
        }
    }

    /// Goes on until every call of the try waits, or it is over.
    pub async fn advance(&mut self) -> Step {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        *self.woken.parent.lock().unwrap() = Some(cx.waker().clone());
        let waker = Waker::from(Arc::clone(&self.woken));
        loop {
            self.woken.flag.store(false, Ordering::SeqCst);
            if let Poll::Ready(done) = self.work.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(Step::Ended(done));
            }
            if self.gate.has_died() {
                return Poll::Ready(Step::Died);
            }
            if self.woken.flag.load(Ordering::SeqCst) {
                continue;
            }
            return if self.gate.is_quiet() {
                Poll::Ready(Step::Waits)
            } else {
                Poll::Pending
            };
        }
    }
}

/// Whether a try has something to do, beside being polled.
#[derive(Default)]
struct Woken {
    flag: AtomicBool,
    parent: Mutex<Option<Waker>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.flag.store(true, Ordering::SeqCst);
        if let Some(parent) = self.parent.lock().unwrap().as_ref() {
            parent.wake_by_ref();
        }
    }
}

/// The pulse of a try, which may be told to stop.
struct Told(Arc<AtomicBool>);

#[async_trait]
impl Pulse for Told {
    async fn beat(&self) {}

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

async fn run(engine: Engine, job: Job, pulse: Told) -> Result<Done, EngineError> {
    match job {
        Job::Open(opening) => engine.ledger.open_batch(&opening).await?,
        Job::Adopt(phase) => {
            engine.adopt_claims(&phase, &pulse).await?;
        }
        Job::Scan(phase) => {
            engine.scan_failures(&phase, &pulse).await?;
        }
        Job::Settle(phase) => {
            return Ok(Done::Settled(
                engine.settle_attempts(&phase, &pulse).await?.due_by,
            ));
        }
        Job::Chunk(chunk) => return Ok(Done::Chunk(engine.process_chunk(&chunk, &pulse).await?)),
        Job::Finish(batch, end) => {
            drop(engine.finish(&batch, &end).await?);
        }
    }
    Ok(Done::Nothing)
}
