//! A world of its own for each test: a namespace, a ledger, an engine whose clock can be set forward, and orders whose
//! runs end as the test says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::policy::{Policy, Watch};
use redrive_core::states::State;
use redrive_engine::gateway::{Gateway, TemporalGateway, Window};
use redrive_engine::ops::{Ops, Records};
use redrive_engine::{Clock, Engine, RunningWorker, Settings, Steady, SystemClock, run_worker};
use redrive_flows::activities::{Chunk, ChunkReport, Phase};
use redrive_fulfillment::puppet::{Move, Puppet, Task};
use redrive_fulfillment::testbed::{Testbed, eventually, eventually_within, json_input};
use redrive_ledger::{BatchOpening, Desk, Ledger, LedgerUrl, Reader, SqlLedger, Story};
use redrive_test_postgres::Database;
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

/// The watched type, and the queue that the puppet answers.
pub const TYPE: &str = "Order";
/// The queue that the puppet answers.
pub const QUEUE: &str = "orders";

/// How one run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Fails as `shipping_failed`.
    Fails,
    /// Fails with another failure status.
    FailsAs(&'static str),
    /// Completes.
    Completes,
    /// Goes on until somebody ends it.
    Runs,
    /// Continues as new.
    ContinuesAsNew,
}

/// A clock that can be set forward and back, and stopped.
#[derive(Default)]
pub struct ShiftedClock {
    ahead: AtomicI64,
    stopped: Mutex<Option<Timestamp>>,
}

impl ShiftedClock {
    /// Sets it forward.
    pub fn advance(&self, by: Duration) {
        self.ahead
            .fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Sets it back.
    pub fn set_back(&self, by: Duration) {
        self.ahead
            .fetch_sub(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Stops it: what is done twice is done at the same time.
    pub fn stop(&self) {
        *self.stopped.lock().unwrap() = Some(SystemClock.now());
    }

    /// Lets it go on.
    pub fn go(&self) {
        *self.stopped.lock().unwrap() = None;
    }
}

#[async_trait]
impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let stopped = *self.stopped.lock().unwrap();
        stopped.unwrap_or_else(|| SystemClock.now())
            + SignedDuration::from_micros(self.ahead.load(Ordering::SeqCst))
    }

    fn seed(&self) -> u64 {
        7
    }

    async fn sleep(&self, time: Duration) {
        SystemClock.sleep(time).await;
    }
}

/// What each order's runs do, in the order of their starts; the last word holds for all that follow.
type Scripts = Arc<Mutex<HashMap<String, Vec<End>>>>;

/// The world of one test.
pub struct World {
    pub bed: Testbed,
    pub ledger: Arc<dyn Ledger>,
    pub reader: Arc<dyn Reader>,
    pub desk: Arc<dyn Desk>,
    pub gateway: TemporalGateway,
    pub clock: Arc<ShiftedClock>,
    pub engine: Engine,
    pub scripts: Scripts,
    pub folder: tempfile::TempDir,
    _database: Option<Database>,
    _puppet: Puppet,
}

/// A policy that waits for nothing: tests that are about waiting set their own.
pub fn policy() -> Policy {
    let mut policy = Policy {
        watch: vec![Watch {
            workflow_type: TYPE.into(),
            order_id: "order-{orderId}".into(),
            ..Watch::default()
        }],
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

impl World {
    /// A world under [`policy`].
    pub async fn new(name: &str) -> Self {
        Self::with(name, policy()).await
    }

    /// A world under a policy of the test's.
    pub async fn with(name: &str, policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = LedgerUrl::from(folder.path().join("ledger.db"));
        Self::over(name, policy, &url, folder, None).await
    }

    /// A world whose ledger is on PostgreSQL.
    pub async fn on_postgres(name: &str, policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new().await;
        let url = LedgerUrl::parse(&database.url()).unwrap();
        Self::over(name, policy, &url, folder, Some(database)).await
    }

    async fn over(
        name: &str,
        policy: Policy,
        url: &LedgerUrl,
        folder: tempfile::TempDir,
        database: Option<Database>,
    ) -> Self {
        let bed = Testbed::connect(name).await;
        let opened = SqlLedger::open(url).await.unwrap();
        let reader: Arc<dyn Reader> = Arc::new(opened.clone());
        let desk: Arc<dyn Desk> = Arc::new(opened.clone());
        let ledger: Arc<dyn Ledger> = Arc::new(opened);
        let gateway = TemporalGateway::connect(bed.client.clone()).await.unwrap();
        let clock = Arc::new(ShiftedClock::default());
        let engine = engine(&ledger, Arc::new(gateway.clone()), &clock, policy).await;
        let scripts = Scripts::default();
        let puppet = Puppet::spawn(
            &bed.client,
            &bed.namespace,
            QUEUE,
            play(Arc::clone(&scripts)),
        );
        Self {
            bed,
            ledger,
            reader,
            desk,
            gateway,
            clock,
            engine,
            scripts,
            folder,
            _database: database,
            _puppet: puppet,
        }
    }

    /// A world whose schedule ticks so often: its batches stop at 0.8 of that.
    pub async fn ticking(name: &str, policy: Policy, interval: Duration) -> Self {
        let mut world = Self::with(name, policy).await;
        let mut settings = (*world.engine.settings).clone();
        settings.interval = interval;
        world.engine.settings = Arc::new(settings);
        world
    }

    /// An engine over the same ledger, with a gateway of the test's.
    pub async fn engine_with(&self, gateway: Arc<dyn Gateway>, policy: Policy) -> Engine {
        engine(&self.ledger, gateway, &self.clock, policy).await
    }

    /// An engine with a ledger and a gateway of the test's.
    pub async fn engine_over(&self, ledger: &Arc<dyn Ledger>, gateway: Arc<dyn Gateway>) -> Engine {
        engine(ledger, gateway, &self.clock, policy()).await
    }

    /// What the runs of an order do from now on.
    pub fn script(&self, workflow_id: &str, ends: &[End]) {
        self.scripts
            .lock()
            .unwrap()
            .insert(workflow_id.to_owned(), ends.to_vec());
    }

    /// Starts an order and returns its first run.
    pub async fn start(&self, workflow_id: &str, ends: &[End]) -> String {
        self.script(workflow_id, ends);
        let mut request = self.bed.start_request(workflow_id, TYPE, QUEUE);
        request.input = Some(json_input(&json!({ "orderId": workflow_id })));
        self.bed.start(request).await
    }

    /// Starts the order again by hand, as an operator would.
    pub async fn start_by_hand(&self, workflow_id: &str, ends: &[End]) -> String {
        let run = self.start(workflow_id, ends).await;
        eventually("the operator's run to be the latest", || async {
            let latest = self.bed.latest(workflow_id).await?;
            (latest.execution?.run_id == run).then_some(())
        })
        .await;
        run
    }

    /// An order whose first run has failed, known to the ledger.
    pub async fn failed_order(&self, workflow_id: &str, then: &[End]) -> WorkflowId {
        let mut ends = vec![End::Fails];
        ends.extend_from_slice(then);
        self.start(workflow_id, &ends).await;
        self.await_status(workflow_id, WorkflowExecutionStatus::Failed)
            .await;
        self.scan_sees(1).await;
        WorkflowId::from(workflow_id)
    }

    /// Waits for the order's latest run to have that status.
    pub async fn await_status(&self, workflow_id: &str, status: WorkflowExecutionStatus) {
        self.bed.await_status(workflow_id, status).await;
    }

    /// Scans until so many new failures have come in: visibility lags behind.
    pub async fn scan_sees(&self, failures: u64) {
        let seen = Mutex::new(0);
        eventually("the scan to see the failures", || async {
            let phase = self.phase("scan");
            let report = self.engine.scan_failures(&phase, &Steady).await.unwrap();
            let mut seen = seen.lock().unwrap();
            *seen += report.new_failures;
            (*seen >= failures).then_some(())
        })
        .await;
    }

    /// Waits until visibility shows so many failed runs.
    pub async fn visibility_shows(&self, failures: u64) {
        let window = Window {
            workflow_type: TYPE.into(),
            from: Timestamp::UNIX_EPOCH,
            to: self.clock.now() + SignedDuration::from_hours(1),
        };
        // Thousands of runs have to close first, on a machine that may be busy.
        let patience = Duration::from_secs(180);
        eventually_within(patience, "visibility to show the failures", || async {
            (self.gateway.count_failed(&window).await.unwrap() >= failures).then_some(())
        })
        .await;
    }

    /// A phase of that batch, with plenty of time.
    pub fn phase(&self, batch: &str) -> Phase {
        Phase {
            batch: batch.into(),
            ends_at: self.clock.now() + SignedDuration::from_mins(5),
        }
    }

    /// A chunk of that batch, with plenty of time.
    pub fn chunk(&self, batch: &str, chunk: u32) -> Chunk {
        Chunk {
            batch: batch.into(),
            chunk,
            limit: 100,
            due_by: self.clock.now(),
            stops_at: self.clock.now() + SignedDuration::from_mins(5),
            rules: Default::default(),
            only: None,
            operation: None,
        }
    }

    /// Opens that batch's row and processes one chunk of it.
    pub async fn run_chunk(&self, batch: &str) -> ChunkReport {
        self.open_batch(batch).await;
        self.engine
            .process_chunk(&self.chunk(batch, 0), &Steady)
            .await
            .unwrap()
    }

    /// Opens that batch's row.
    pub async fn open_batch(&self, batch: &str) {
        self.ledger.open_batch(&self.opening(batch)).await.unwrap();
    }

    /// That batch, begun now.
    pub fn opening(&self, batch: &str) -> BatchOpening {
        BatchOpening {
            batch: BatchId::from(batch),
            workflow_id: batch.into(),
            started_at: self.clock.now(),
            one_order: false,
        }
    }

    /// Settles what is due.
    pub async fn settle(&self, batch: &str) {
        self.engine
            .settle_attempts(&self.phase(batch), &Steady)
            .await
            .unwrap();
    }

    /// Settles until the order is in that state.
    pub async fn settles_as(&self, workflow_id: &str, state: State) -> Story {
        eventually(&format!("{workflow_id} to be {state}"), || async {
            self.settle("settle").await;
            let story = self.story(workflow_id).await;
            (story.order.state == state).then_some(story)
        })
        .await
    }

    /// Everything the ledger knows of an order.
    pub async fn story(&self, workflow_id: &str) -> Story {
        self.ledger
            .story(&workflow_id.into())
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("{workflow_id} is not known"))
    }

    /// The verdicts of an order, as `verdict` or `verdict: reason`.
    pub async fn verdicts(&self, workflow_id: &str) -> Vec<String> {
        let verdicts = self.story(workflow_id).await.verdicts;
        verdicts
            .into_iter()
            .map(|(_, verdict, reason, _)| {
                reason.map_or(verdict.clone(), |reason| format!("{verdict}: {reason}"))
            })
            .collect()
    }

    /// How many orders each chunk of the only batch handled, read beside the ledger.
    pub async fn chunk_sizes(&self) -> Vec<i64> {
        let url = format!(
            "sqlite:{}?mode=ro",
            self.folder.path().join("ledger.db").display()
        );
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM verdicts GROUP BY chunk")
            .fetch_all(&pool)
            .await
            .unwrap()
    }

    /// The order's latest run.
    pub async fn latest_run(&self, workflow_id: &str) -> String {
        self.bed
            .latest(workflow_id)
            .await
            .unwrap()
            .execution
            .unwrap()
            .run_id
    }

    /// The verbs over this world's engine.
    pub fn ops(&self) -> Ops {
        Ops {
            engine: self.engine.clone(),
            client: self.bed.client.clone(),
            records: Records {
                ledger: Arc::clone(&self.ledger),
                reader: Arc::clone(&self.reader),
                desk: Arc::clone(&self.desk),
                policy: Arc::clone(&self.engine.policy),
                clock: Arc::clone(&self.engine.clock),
            },
        }
    }

    /// A worker for this world's engine.
    pub async fn worker(&self) -> RunningWorker {
        run_worker(self.engine.clone(), self.bed.client.clone())
            .await
            .unwrap()
    }
}

async fn engine(
    ledger: &Arc<dyn Ledger>,
    gateway: Arc<dyn Gateway>,
    clock: &Arc<ShiftedClock>,
    policy: Policy,
) -> Engine {
    let settings = Settings {
        task_queue: redrive_flows::TASK_QUEUE.into(),
        interval: Duration::from_secs(900),
        orders_at_once: redrive_engine::ORDERS_AT_ONCE,
    };
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    Engine::new(Arc::clone(ledger), gateway, clock, policy, settings)
        .await
        .unwrap()
}

/// Answers each run once with the next word of its order's script.
fn play(scripts: Scripts) -> impl Fn(&Task) -> Move + Send + Sync {
    let given: Mutex<HashMap<String, End>> = Mutex::default();
    move |task| {
        let mut given = given.lock().unwrap();
        let end = *given
            .entry(task.run_id.clone())
            .or_insert_with(|| next(&scripts, &task.workflow_id));
        match end {
            End::Fails => Move::fail(
                "shipping_failed",
                format!("carrier refused order {}", task.workflow_id),
            ),
            End::FailsAs(status) => {
                Move::fail(status, format!("no luck with {}", task.workflow_id))
            }
            End::Completes => Move::Complete,
            End::ContinuesAsNew => Move::ContinueAsNew,
            End::Runs if task.cancel_requested => Move::Cancel,
            End::Runs => Move::Nothing,
        }
    }
}

fn next(scripts: &Scripts, workflow_id: &str) -> End {
    let mut scripts = scripts.lock().unwrap();
    let script = scripts
        .entry(workflow_id.to_owned())
        .or_insert_with(|| vec![End::Completes]);
    if script.len() > 1 {
        script.remove(0)
    } else {
        script.first().copied().unwrap_or(End::Completes)
    }
}
