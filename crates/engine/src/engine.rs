//! What the activities and operations share: the ledger, the way to Temporal, the clock, the policy.

use std::sync::Arc;
use std::time::Duration;

use redrive_core::policy::Policy;
use redrive_ledger::{Failure, Ledger};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::error::EngineError;
use crate::gateway::{self, FailedRun, Gateway};
use crate::halt::HaltWatch;
use crate::turns::HeldTurns;

/// Orders that one process handles at the same time, unless it is set otherwise: a dev server's restarts then run about as
/// fast as raw starts.
pub const ORDERS_AT_ONCE: u32 = 32;

/// What the engine goes by, beside the policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The task queue of our workflows.
    pub task_queue: String,
    /// The time between two ticks of the schedule.
    pub interval: Duration,
    /// Orders that this process handles at the same time, over all its chunks.
    pub orders_at_once: u32,
}

/// The engine. Cloning is cheap; clones share everything.
#[derive(Clone)]
pub struct Engine {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// The way to Temporal.
    pub gateway: Arc<dyn Gateway>,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// The policy.
    pub policy: Arc<Policy>,
    /// The rest.
    pub settings: Arc<Settings>,
    pub(crate) halt: Arc<HaltWatch>,
    pub(crate) turns: Arc<HeldTurns>,
    pub(crate) room: Arc<Semaphore>,
}

impl Engine {
    /// An engine whose ledger belongs where its gateway leads. What waits is brought in line with the policy by a worker
    /// ([`crate::run_worker`]), not by whoever only asks.
    ///
    /// Errors: the ledger belongs elsewhere, or cannot be reached.
    pub async fn new(
        ledger: Arc<dyn Ledger>,
        gateway: Arc<dyn Gateway>,
        clock: Arc<dyn Clock>,
        policy: Policy,
        settings: Settings,
    ) -> Result<Self, EngineError> {
        ledger.bind(gateway.home()).await?;
        let room = Semaphore::new(settings.orders_at_once.max(1) as usize);
        Ok(Self {
            ledger,
            gateway,
            clock,
            turns: Arc::new(HeldTurns::new(&policy)),
            policy: Arc::new(policy),
            settings: Arc::new(settings),
            halt: Arc::new(HaltWatch::default()),
            room: Arc::new(room),
        })
    }

    /// A failed run as the ledger takes it: classified, with its order id.
    pub(crate) fn classified(&self, run: FailedRun) -> Failure {
        let classification =
            redrive_core::classify::classify(&self.policy, &run.workflow_type, &run.facts);
        let watch = self.policy.watched(&run.workflow_type);
        let order_id = watch.map_or_else(
            || run.workflow_id.to_string(),
            |watch| watch.order_id_of(run.workflow_id.as_str()),
        );
        let customer_id =
            watch.and_then(|watch| gateway::customer_id(&run.start_request, &watch.customer_id));
        Failure {
            order_id,
            customer_id,
            workflow_id: run.workflow_id,
            workflow_type: run.workflow_type,
            run_id: run.run_id,
            first_run_id: run.first_run_id,
            timed_out: run.timed_out,
            closed_at: run.closed_at,
            classification,
            from_run: run.from_run,
            has_parent: run.has_parent,
            start_request: run.start_request,
        }
    }
}
