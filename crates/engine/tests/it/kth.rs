//! A batch whose k-th call fails, of the server or of the ledger, before it acts or after, for every k: it ends with every
//! rule intact.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use redrive_core::states::State;
use redrive_engine::gateway::GatewayError;
use redrive_engine::{Engine, EngineError, Steady};
use redrive_ledger::BatchEnd;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::hooks::{self, Hooked};
use crate::ledger_hooks::{self, HookedLedger};
use crate::world::{End, World};

/// What happens to the k-th call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It fails before it acts.
    Before,
    /// It acts, and its answer is lost.
    After,
    /// The server asks to go slower.
    Throttled,
    /// The server refuses every call like it.
    Denied,
}

impl Fault {
    fn of_server(self) -> hooks::Fate {
        hooks::Fate::Fails(match self {
            Self::After => return hooks::Fate::LosesAnswer,
            Self::Before => GatewayError::Unknown("lost".into()),
            Self::Throttled => GatewayError::Throttle("slow down".into()),
            Self::Denied => GatewayError::System("denied".into()),
        })
    }

    fn of_ledger(self) -> ledger_hooks::Fate {
        match self {
            Self::After => ledger_hooks::Fate::LosesAnswer,
            _ => ledger_hooks::Fate::Fails,
        }
    }
}

/// Counts the calls of both, and strikes the k-th.
struct Strike {
    k: usize,
    fault: Fault,
    made: usize,
    struck: Option<String>,
}

impl Strike {
    /// Whether this call is struck.
    fn meets(&mut self, call: String) -> bool {
        let now = self.made == self.k;
        self.made += 1;
        if now {
            self.struck = Some(call);
        }
        now
    }
}

/// A batch makes a few calls more or less, as its two orders fall together: so many k in vain are past every end.
const ENOUGH_MISSES: usize = 3;

type Shared = Arc<Mutex<Strike>>;

async fn struck_engine(world: &World, strike: &Shared) -> Engine {
    let of_server = Arc::clone(strike);
    let gateway = Hooked::new(world.gateway.clone(), move |call| {
        let mut strike = of_server.lock().unwrap();
        if strike.meets(format!("server: {call:?}")) {
            strike.fault.of_server()
        } else {
            hooks::Fate::Passes
        }
    });
    let of_ledger = Arc::clone(strike);
    let ledger = HookedLedger::over(&world.ledger, move |call| {
        let mut strike = of_ledger.lock().unwrap();
        // Called when an engine is made, which is no part of a batch.
        if call != "bind" && strike.meets(format!("ledger: {call}")) {
            strike.fault.of_ledger()
        } else {
            ledger_hooks::Fate::Passes
        }
    });
    world.engine_over(&ledger, gateway).await
}

/// An activity that fails is tried once more, as Temporal would.
async fn tried<T, F: Future<Output = Result<T, EngineError>>>(activity: impl Fn() -> F) {
    if activity().await.is_err() {
        drop(activity().await);
    }
}

/// One batch, step by step.
async fn batch(world: &World, engine: &Engine, id: &str) {
    let opening = world.opening(id);
    tried(|| async { Ok(engine.ledger.open_batch(&opening).await?) }).await;
    tried(|| async { engine.adopt_claims(&world.phase(id), &Steady).await }).await;
    tried(|| async { engine.scan_failures(&world.phase(id), &Steady).await }).await;
    tried(|| async { engine.settle_attempts(&world.phase(id), &Steady).await }).await;
    tried(|| async { engine.process_chunk(&world.chunk(id, 0), &Steady).await }).await;
    tried(|| async { engine.finish(&id.into(), &BatchEnd::default()).await }).await;
}

/// After a batch with a fault and two without, each order has exactly one restart, and the ledger knows it.
async fn with_fault(world: &World, round: usize, k: usize, fault: Fault) -> Strike {
    let ids: Vec<String> = (0..2).map(|n| format!("order-{round}-{n}")).collect();
    let mut first_runs = Vec::new();
    for id in &ids {
        first_runs.push(world.start(id, &[End::Fails, End::Completes]).await);
        world.await_status(id, Status::Failed).await;
    }
    world.visibility_shows(2 * (round as u64 + 1)).await;
    let strike = Arc::new(Mutex::new(Strike {
        k,
        fault,
        made: 0,
        struck: None,
    }));
    let faulty = struck_engine(world, &strike).await;
    batch(world, &faulty, &format!("f{round}")).await;
    drop(faulty);
    batch(world, &world.engine, &format!("g{round}")).await;
    batch(world, &world.engine, &format!("h{round}")).await;
    let strike = Arc::into_inner(strike).unwrap().into_inner().unwrap();
    let what = format!("call {k}, {fault:?}, {:?}", strike.struck);
    for (id, first_run) in ids.iter().zip(first_runs) {
        // Closed again, so that the next round's settle does not look at it.
        let story = world.settles_as(id, State::Recovered).await;
        let started = story.attempts.iter().filter(|one| one.run.is_some());
        let started: Vec<_> = started.collect();
        assert_eq!(started.len(), 1, "{what}: {:#?}", story.attempts);
        assert_eq!(started[0].from_run.as_str(), first_run, "{what}");
        let run = started[0].run.as_ref().unwrap();
        assert_eq!(run.as_str(), world.latest_run(id).await, "{what}");
        let restarted = story.verdicts.iter().filter(|said| said.1 == "restarted");
        assert_eq!(restarted.count(), 1, "{what}: {:?}", story.verdicts);
    }
    rows_are_their_verdicts(world, &what).await;
    strike
}

/// Every batch's row says what its verdicts say, and every row is finished.
async fn rows_are_their_verdicts(world: &World, what: &str) {
    let mut said: BTreeMap<(String, String), u64> = BTreeMap::new();
    for story in world.ledger.stories_after(None, 10_000).await.unwrap() {
        for (batch, verdict, _, _) in story.verdicts {
            *said.entry((batch.to_string(), verdict)).or_default() += 1;
        }
    }
    for row in world.ledger.batches(10_000).await.unwrap() {
        let result = row.result;
        let of = |verdict: &str| {
            let key = (result.batch_id.clone(), verdict.to_owned());
            said.get(&key).copied().unwrap_or(0)
        };
        let counts = [
            result.restarted_count,
            result.dlq_count,
            result.error_count,
            result.skipped_count,
        ];
        let verdicts = ["restarted", "dlq", "error", "skipped"].map(of);
        assert_eq!(counts, verdicts, "{what}: batch {}", result.batch_id);
        assert_eq!(result.found_count, verdicts.iter().sum::<u64>(), "{what}");
        assert_ne!(row.status.as_str(), "running", "{what}");
    }
}

#[tokio::test]
async fn a_fault_at_any_call_leaves_every_rule_intact() {
    let world = World::new("kth-call").await;
    let (mut round, mut struck, mut missed) = (0, Vec::new(), 0);
    for k in 0.. {
        let strike = with_fault(&world, round, k, Fault::Before).await;
        round += 1;
        let Some(call) = strike.struck else {
            missed += 1;
            if missed == ENOUGH_MISSES {
                break;
            }
            continue;
        };
        let of_server = call.starts_with("server");
        struck.push(call);
        for fault in [Fault::After, Fault::Throttled, Fault::Denied] {
            if of_server || fault == Fault::After {
                with_fault(&world, round, k, fault).await;
                round += 1;
            }
        }
    }
    for call in [
        "server: Describe",
        "server: Start",
        "server: CountFailed",
        "server: ListFailed",
        "server: ReadFailure",
        "ledger: open_batch",
        "ledger: claim",
        "ledger: observe",
        "ledger: settle",
        "ledger: commit",
        "ledger: finish_batch",
        "ledger: save_scan_window",
        "ledger: take_turns",
    ] {
        let seen = struck.iter().any(|struck| struck == call);
        assert!(seen, "{call} never failed: {struck:?}");
    }
}
