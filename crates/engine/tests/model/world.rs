//! What everybody in a walk shares: the server, the time, the ledger, the story so far and what was found wrong.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use redrive_core::decide::RunStatus;
use redrive_core::ids::{Home, WorkflowId};
use redrive_core::policy::{Policy, Watch};
use redrive_ledger::{ClaimedOrder, Ledger, OrderPk, SqlLedger};
use tempfile::TempDir;

use crate::clock::LogicalClock;
use crate::flaw::Flaw;
use crate::sim::{End, Server};

/// The watched workflow type.
pub const TYPE: &str = "Order";
/// How often waiting orders are described again: often, so that walks come to it.
const RECHECK: Duration = Duration::from_secs(60);

/// The world of one walk.
pub struct World {
    pub server: Mutex<Server>,
    pub time: Arc<LogicalClock>,
    pub ledger: Arc<dyn Ledger>,
    pub home: Home,
    pub policy: Policy,
    pub flaw: Flaw,
    /// Anything may happen between a description and the start that follows it.
    pub split: bool,
    /// The newest ownership of each order, for the ledger that ignores fences.
    pub owners: Mutex<HashMap<OrderPk, ClaimedOrder>>,
    story: Mutex<Vec<String>>,
    problems: Mutex<Vec<String>>,
    excused: AtomicBool,
    sqlite: SqlLedger,
    _folder: TempDir,
}

/// An empty ledger, migrated once: every walk copies it.
static EMPTY: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.db");
    let made = path.clone();
    let make = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { SqlLedger::open(&made).await.unwrap().close().await });
    };
    std::thread::spawn(make).join().unwrap();
    (folder, path)
});

impl World {
    /// A world with so many orders, each with one failed run and a budget of so many retries.
    pub async fn new(orders: usize, retries: u32, split: bool, flaw: Flaw) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        std::fs::copy(&EMPTY.1, &path).unwrap();
        let sqlite = SqlLedger::open(&path).await.unwrap();
        let world = Self {
            server: Mutex::default(),
            time: Arc::default(),
            ledger: Arc::new(sqlite.clone()),
            home: Home {
                cluster_id: "model".into(),
                namespace: "orders".into(),
            },
            policy: policy(retries),
            flaw,
            split,
            owners: Mutex::default(),
            story: Mutex::default(),
            problems: Mutex::default(),
            excused: AtomicBool::new(false),
            sqlite,
            _folder: folder,
        };
        world.ledger.bind(&world.home).await.unwrap();
        world.ledger.apply_policy(&world.policy).await.unwrap();
        for number in 1..=orders {
            world.fail_an_order(&WorkflowId::new(format!("order-{number}")));
        }
        Arc::new(world)
    }

    fn fail_an_order(&self, workflow_id: &WorkflowId) {
        let mut server = self.server.lock().unwrap();
        server.order(workflow_id.clone(), self.time.now());
        self.time.advance(Duration::from_millis(1));
        server.end(workflow_id, End::Fails, self.time.now());
        server.history_mut(workflow_id).runs[0].shown = Some(RunStatus::Failed);
    }

    /// Adds a line to the story.
    pub fn note(&self, line: impl Into<String>) {
        self.story.lock().unwrap().push(line.into());
    }

    /// A rule is broken.
    pub fn problem(&self, what: impl Into<String>) {
        let what = what.into();
        self.note(format!("  BROKEN: {what}"));
        self.problems.lock().unwrap().push(what);
    }

    /// What was found wrong.
    pub fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap().clone()
    }

    /// What happened.
    pub fn story(&self) -> Vec<String> {
        self.story.lock().unwrap().clone()
    }

    /// The walk has come to what the protocol does not exclude: another run came in between a description and its start.
    pub fn excuse(&self, what: &str) {
        self.note(format!("  excused: {what}"));
        self.excused.store(true, Ordering::SeqCst);
    }

    /// Whether it has.
    pub fn is_excused(&self) -> bool {
        self.excused.load(Ordering::SeqCst)
    }

    /// Closes the ledger.
    pub async fn close(&self) {
        self.sqlite.close().await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.story.lock().unwrap().join("\n"));
        }
    }
}

/// The policy of every walk: no waits, so that each step may be the next one.
fn policy(max_retries: u32) -> Policy {
    let mut policy = Policy {
        watch: vec![Watch {
            workflow_type: TYPE.into(),
            order_id: "order-{orderId}".into(),
            ..Watch::default()
        }],
        starts_per_second: 1e6,
        visibility_calls_per_second: 1e6,
        max_retries,
        max_item_errors: 2,
        ..Policy::default()
    };
    policy.backoff.initial = Duration::ZERO;
    policy.backoff.max = Duration::ZERO;
    policy.settle.first_check = Duration::ZERO;
    policy.settle.longest_check = Duration::ZERO;
    policy.settle.recheck = RECHECK;
    policy
}
