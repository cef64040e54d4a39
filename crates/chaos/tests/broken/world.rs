//! A world for one scenario: a namespace, a ledger with a flaw, one order, workers with reins, an operator; and the audit.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use redrive::audit::{self, Audit};
use redrive_core::ids::BatchId;
use redrive_core::policy::Policy;
use redrive_engine::gateway::{Gateway, TemporalGateway, Window};
use redrive_engine::{Clock, Engine, Pulse, Settings, Steady, SystemClock};
use redrive_flows::activities::{Chunk, Phase};
use redrive_fulfillment::puppet::{Move, Puppet, Task};
use redrive_fulfillment::testbed::{Testbed, eventually};
use redrive_fulfillment::warehouse::StageCall;
use redrive_fulfillment::{
    FaultPlan, Stage, StartOptions, TASK_QUEUE, WORKFLOW_TYPE, Warehouse, starter,
};
use redrive_ledger::{BatchEnd, BatchOpening, Ledger, SqlLedger};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_common::protos::temporal::api::workflowservice::v1::TerminateWorkflowExecutionRequest;
use tokio::task::JoinHandle;
use tonic::Request;

use crate::Flaw;
use crate::gateway::{Rein, Reined};
use crate::ledger::Flawed;

/// How one run of the order ends, after its first stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It fails.
    Fails,
    /// It completes.
    Completes,
    /// It goes on until somebody ends it.
    Runs,
}

/// The world.
pub struct World {
    pub bed: Testbed,
    pub ledger: Arc<dyn Ledger>,
    flaw: Flaw,
    gateway: TemporalGateway,
    plan: FaultPlan,
    folder: tempfile::TempDir,
    _puppet: Puppet,
}

impl World {
    /// A world whose order has failed once, and whose runs end so; the ledger knows the failure by batch `scan`.
    pub async fn new(name: &str, flaw: Flaw, then: &[End]) -> Self {
        let bed = Testbed::connect(name).await;
        let folder = tempfile::tempdir().unwrap();
        let plan = FaultPlan::smooth(7, 1);
        let warehouse =
            Warehouse::create(&folder.path().join("warehouse"), &plan, SystemClock.now()).unwrap();
        let ends = [End::Fails].iter().chain(then).copied().collect();
        let puppet = Puppet::spawn(
            &bed.client,
            &bed.namespace,
            TASK_QUEUE,
            play(warehouse, ends),
        );
        let inner = SqlLedger::open(&folder.path().join("ledger.db"))
            .await
            .unwrap();
        let ledger = Arc::new(Flawed {
            inner,
            flaw,
            claims: Mutex::default(),
        });
        let gateway = TemporalGateway::connect(bed.client.clone()).await.unwrap();
        let world = Self {
            bed,
            ledger,
            flaw,
            gateway,
            plan,
            folder,
            _puppet: puppet,
        };
        world.start_by_hand().await;
        world.await_latest(Status::Failed).await;
        world.await_failures(1).await;
        let engine = world.worker(None).await;
        engine.scan_failures(&phase("scan"), &Steady).await.unwrap();
        world
    }

    /// The order's workflow id.
    pub fn id(&self) -> String {
        self.plan.orders[0].workflow_id()
    }

    /// A worker process.
    pub async fn worker(&self, rein: Option<Rein>) -> Engine {
        let gateway = Reined {
            inner: self.gateway.clone(),
            flaw: self.flaw,
            rein: Mutex::new(rein),
        };
        let settings = Settings {
            task_queue: redrive_flows::TASK_QUEUE.into(),
            interval: Duration::from_secs(900),
            orders_at_once: redrive_engine::ORDERS_AT_ONCE,
        };
        let ledger = Arc::clone(&self.ledger);
        let engine = Engine::new(
            ledger,
            Arc::new(gateway),
            Arc::new(SystemClock),
            policy(),
            settings,
        );
        engine.await.unwrap()
    }

    /// Starts the order as its service does, or an operator.
    pub async fn start_by_hand(&self) {
        let mut request = starter::request(
            &self.bed.client,
            &self.plan,
            &self.plan.orders[0],
            &StartOptions::default(),
        );
        request.request_id = uuid::Uuid::new_v4().to_string();
        self.bed.start(request).await;
    }

    /// Terminates the order's latest run, as an operator does.
    pub async fn terminate(&self) {
        let request = TerminateWorkflowExecutionRequest {
            namespace: self.bed.namespace.clone(),
            workflow_execution: Some(WorkflowExecution {
                workflow_id: self.id(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let done = self
            .bed
            .service()
            .terminate_workflow_execution(Request::new(request))
            .await;
        done.unwrap();
    }

    /// Waits until the order's latest run stands so.
    pub async fn await_latest(&self, status: Status) {
        self.bed.await_status(&self.id(), status).await;
    }

    /// Waits until so many runs have done their stage: each has its word of the script then.
    pub async fn await_stages(&self, stages: usize) {
        let warehouse = Warehouse::open(&self.folder.path().join("warehouse")).unwrap();
        eventually("the warehouse to do the stages", || async {
            (warehouse.performed().unwrap().len() >= stages).then_some(())
        })
        .await;
    }

    /// Waits until visibility shows so many failed runs.
    pub async fn await_failures(&self, failures: u64) {
        let window = Window {
            workflow_type: WORKFLOW_TYPE.into(),
            from: Timestamp::UNIX_EPOCH,
            to: SystemClock.now() + SignedDuration::from_hours(1),
        };
        eventually("visibility to show the failures", || async {
            (self.gateway.count_failed(&window).await.unwrap() >= failures).then_some(())
        })
        .await;
    }

    /// Opens a batch's row.
    pub async fn open(&self, batch: &str) {
        let opening = BatchOpening {
            batch: BatchId::from(batch),
            workflow_id: batch.into(),
            started_at: SystemClock.now(),
            one_order: false,
        };
        self.ledger.open_batch(&opening).await.unwrap();
    }

    /// Finishes it.
    pub async fn finish(&self, batch: &str) {
        let end = BatchEnd::default();
        self.ledger
            .finish_batch(&batch.into(), &end, SystemClock.now())
            .await
            .unwrap();
    }

    /// Processes the first chunk of a batch, beside the test.
    pub fn chunk(
        &self,
        engine: &Engine,
        batch: &str,
        pulse: impl Pulse + 'static,
    ) -> JoinHandle<()> {
        let (engine, chunk) = (engine.clone(), chunk(batch));
        tokio::spawn(async move {
            engine.process_chunk(&chunk, &pulse).await.unwrap();
        })
    }

    /// What a batch does before its chunks.
    pub async fn prepare(&self, engine: &Engine, batch: &str) {
        self.open(batch).await;
        engine.adopt_claims(&phase(batch), &Steady).await.unwrap();
        self.scan_and_settle(engine, batch).await;
    }

    /// The part of it that learns.
    pub async fn scan_and_settle(&self, engine: &Engine, batch: &str) {
        engine.scan_failures(&phase(batch), &Steady).await.unwrap();
        engine
            .settle_attempts(&phase(batch), &Steady)
            .await
            .unwrap();
    }

    /// A whole batch.
    pub async fn batch(&self, batch: &str) {
        let engine = self.worker(None).await;
        self.prepare(&engine, batch).await;
        self.chunk(&engine, batch, Steady).await.unwrap();
        self.finish(batch).await;
    }

    /// Batches until the order has completed and the ledger knows it; then the audit.
    pub async fn to_the_end(&self, first: u32) -> Audit {
        let number = Mutex::new(first);
        eventually("the order to complete", || async {
            let batch = {
                let mut number = number.lock().unwrap();
                *number += 1;
                format!("b{}", *number - 1)
            };
            self.batch(&batch).await;
            let latest = self.bed.latest(&self.id()).await?;
            let rests = self.ledger.next_work_at().await.unwrap().is_none();
            (rests && latest.status == Status::Completed as i32).then_some(())
        })
        .await;
        let warehouse = self.folder.path().join("warehouse");
        audit::audit(&self.bed.client, &*self.ledger, &warehouse)
            .await
            .unwrap()
    }
}

/// Tells a chunk to stop, from the moment on that a test says so.
#[derive(Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Tells it.
    pub fn now(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Pulse for Cancel {
    async fn beat(&self) {}

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn phase(batch: &str) -> Phase {
    Phase {
        batch: batch.into(),
        ends_at: SystemClock.now() + SignedDuration::from_mins(5),
    }
}

fn chunk(batch: &str) -> Chunk {
    Chunk {
        batch: batch.into(),
        chunk: 0,
        limit: 10,
        due_by: SystemClock.now(),
        stops_at: SystemClock.now() + SignedDuration::from_mins(5),
        rules: Default::default(),
        only: None,
        operation: None,
    }
}

/// No waits: every step may be the next one.
fn policy() -> Policy {
    let mut policy = Policy {
        starts_per_second: 10_000.0,
        visibility_calls_per_second: 10_000.0,
        ..Policy::default()
    };
    policy.backoff.initial = Duration::ZERO;
    policy.backoff.max = Duration::ZERO;
    policy.settle.first_check = Duration::ZERO;
    policy.settle.longest_check = Duration::ZERO;
    policy
}

/// Each run does one stage, and then ends with the next word of the script; the last one holds for all that follow.
fn play(warehouse: Warehouse, ends: VecDeque<End>) -> impl Fn(&Task) -> Move + Send + Sync {
    let script = Mutex::new((ends, HashMap::<String, End>::new()));
    move |task| {
        let mut script = script.lock().unwrap();
        let (ends, given) = &mut *script;
        let end = *given
            .entry(task.run_id.clone())
            .or_insert_with(|| match ends.len() {
                1 => ends[0],
                _ => ends.pop_front().unwrap(),
            });
        warehouse
            .perform(&validation(task), SystemClock.now())
            .unwrap();
        match end {
            End::Fails => Move::fail(Stage::Shipping.failure_type(), "no carrier"),
            End::Completes => Move::Complete,
            End::Runs => Move::Nothing,
        }
    }
}

fn validation(task: &Task) -> StageCall {
    StageCall {
        order_id: task.workflow_id.replace("order-fulfillment-", ""),
        workflow_id: task.workflow_id.clone(),
        run_id: task.run_id.clone(),
        first_run_id: Some(task.first_run_id.clone()),
        stage: Stage::Validation,
        attempt: 1,
    }
}
