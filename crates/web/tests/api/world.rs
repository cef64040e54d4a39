//! A router of its own for each test, over a ledger and a namespace of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::response::Parts;
use axum::http::{Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use redrive_core::classify::{Classification, Matched};
use redrive_core::moment::Moment;
use redrive_core::policy::{Policy, Watch};
use redrive_engine::gateway::TemporalGateway;
use redrive_engine::ops::{Ops, Records};
use redrive_engine::{
    Clock, Engine, RunningWorker, ScheduleSettings, SdkMetrics, Settings, SystemClock, run_worker,
};
use redrive_fulfillment::testbed::Testbed;
use redrive_ledger::{Desk, Failure, Ledger, LedgerUrl, NewAuditEvent, Reader, Role, SqlLedger};
use redrive_test_postgres::Database;
use redrive_web::{Access, App, Links, OneAtATime};
use serde_json::{Value, json};
use temporalio_client::Client;
use tower::ServiceExt;

use crate::wire::Wire;

/// The workflow type of the orders.
pub const TYPE: &str = "Order";
/// More than any answer here has.
const MOST: usize = 1 << 20;

/// Which database the ledger is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

/// The same test on both databases.
macro_rules! on_both {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        mod $name {
            use crate::world::{On, World};

            #[tokio::test]
            async fn sqlite() {
                super::$name(World::new(concat!(stringify!($name), "-s"), On::Sqlite).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name(World::new(concat!(stringify!($name), "-p"), On::Postgres).await).await;
            }
        }
    };
}
pub(crate) use on_both;

/// `minutes` after the world's beginning.
pub fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000).unwrap() + SignedDuration::from_mins(minutes)
}

/// What the world's ledger was told happened by then, and what its API takes for now.
pub const NOW: i64 = 120;

/// A clock by which every look takes a minute.
struct Hasty(AtomicI64);

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        at(NOW + self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn seed(&self) -> u64 {
        7
    }

    /// Never ends: whoever waits for nothing else is found out.
    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

/// A clock that stands still, so that answers are the same each time.
struct StillClock(Timestamp);

#[async_trait]
impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn seed(&self) -> u64 {
        7
    }

    async fn sleep(&self, time: Duration) {
        SystemClock.sleep(time).await;
    }
}

/// A router and what is behind it.
pub struct World {
    pub bed: Testbed,
    pub ledger: Arc<dyn Ledger>,
    pub app: App,
    router: Router,
    opened: SqlLedger,
    _folder: tempfile::TempDir,
    _database: Option<Database>,
}

/// A policy that waits for nothing.
fn policy() -> Policy {
    let mut policy = Policy {
        watch: vec![Watch {
            workflow_type: TYPE.into(),
            order_id: "order-{orderId}".into(),
            ..Watch::default()
        }],
        visibility_calls_per_second: 1_000.0,
        ..Policy::default()
    };
    policy.backoff.initial = Duration::ZERO;
    policy.backoff.max = Duration::ZERO;
    policy
}

impl World {
    /// A world whose time stands still.
    pub async fn new(name: &str, on: On) -> Self {
        Self::with(name, on, Arc::new(StillClock(at(NOW)))).await
    }

    /// A world whose time goes on, for what a worker does.
    pub async fn alive(name: &str) -> Self {
        Self::alive_on(name, On::Sqlite).await
    }

    /// The same on either database.
    pub async fn alive_on(name: &str, on: On) -> Self {
        Self::with(name, on, Arc::new(SystemClock)).await
    }

    /// The same over a wire to its Temporal server that can be cut.
    pub async fn wired(name: &str) -> (Self, Wire) {
        let bed = Testbed::connect(name).await;
        let wire = Wire::to(&bed.server).await;
        let client = bed.client_at(&wire.address()).await;
        let clock = Arc::new(SystemClock);
        (Self::over(bed, client, On::Sqlite, clock).await, wire)
    }

    /// A world in which every look at the clock takes a minute.
    pub async fn hasty(name: &str, on: On) -> Self {
        Self::with(name, on, Arc::new(Hasty(AtomicI64::new(0)))).await
    }

    /// A world whose time is that clock's.
    pub async fn with(name: &str, on: On, clock: Arc<dyn Clock>) -> Self {
        let bed = Testbed::connect(name).await;
        let client = bed.client.clone();
        Self::over(bed, client, on, clock).await
    }

    /// A world that speaks to its namespace through `client`.
    async fn over(bed: Testbed, client: Client, on: On, clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = match on {
            On::Sqlite => None,
            On::Postgres => Some(Database::new().await),
        };
        let url = match &database {
            Some(database) => LedgerUrl::parse(&database.url()).unwrap(),
            None => LedgerUrl::from(folder.path().join("ledger.db")),
        };
        let opened = SqlLedger::open(&url).await.unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(opened.clone());
        let reader: Arc<dyn Reader> = Arc::new(opened.clone());
        let desk: Arc<dyn Desk> = Arc::new(opened.clone());
        let gateway = TemporalGateway::connect(client.clone()).await.unwrap();
        let interval = Duration::from_secs(900);
        let task_queue = "orchestrator";
        let engine = Engine::new(
            Arc::clone(&ledger),
            Arc::new(gateway),
            Arc::clone(&clock),
            policy(),
            Settings {
                task_queue: task_queue.into(),
                interval,
                orders_at_once: 8,
            },
        )
        .await
        .unwrap();
        let records = Records {
            ledger: Arc::clone(&ledger),
            reader,
            desk,
            policy: Arc::clone(&engine.policy),
            clock,
        };
        let app = App {
            ops: Ops {
                engine,
                client,
                records,
            },
            schedule: ScheduleSettings {
                id: "reprocessing-batch-schedule".into(),
                task_queue: task_queue.into(),
                interval,
            },
            links: Links::new("https://temporal.example", "orders"),
            access: Access::open(),
            sdk: SdkMetrics::default(),
            one_at_a_time: OneAtATime::default(),
        };
        Self {
            bed,
            ledger,
            router: redrive_web::router(app.clone()),
            app,
            opened,
            _folder: folder,
            _database: database,
        }
    }

    /// A worker of its engine.
    pub async fn worker(&self) -> RunningWorker {
        let engine = self.app.ops.engine.clone();
        run_worker(engine, self.bed.client.clone()).await.unwrap()
    }

    /// The same world, whose API lets in who shows a token.
    pub fn guarded(mut self, access: Access) -> Self {
        self.app.access = access;
        self.router = redrive_web::router(self.app.clone());
        self
    }

    /// The same world, so many minutes after its beginning.
    pub fn then(mut self, minutes: i64) -> Self {
        self.app.ops.records.clock = Arc::new(StillClock(at(minutes)));
        self.router = redrive_web::router(self.app.clone());
        self
    }

    /// The secret of a new token.
    pub async fn token(&self, name: &str, role: Role) -> String {
        let by = ann("why not");
        let made = self.app.ops.records.create_token(name, role, &by);
        made.await.unwrap().1.tell().to_owned()
    }

    /// So many minutes after the world's beginning, which was [`NOW`] minutes ago.
    fn at(&self, minutes: i64) -> Timestamp {
        let now = self.app.ops.records.clock.now();
        now + SignedDuration::from_mins(minutes - NOW)
    }

    /// Orders whose one run has failed: each a minute after the one before, and all known.
    pub async fn failed(&self, orders: &[(&str, &str)]) {
        let failures: Vec<Failure> = (1..)
            .zip(orders)
            .map(|(minute, (order, status))| failure(order, status, self.at(minute)))
            .collect();
        let moment = Moment {
            now: self.at(60),
            seed: 7,
        };
        let policy = &self.app.ops.records.policy;
        let batch = "seeded".into();
        let seen = self.ledger.observe(policy, &batch, &failures, moment);
        seen.await.unwrap();
    }

    /// Puts one of them into the dead letter queue, so many minutes after the beginning.
    pub async fn park(&self, order: &str, minute: i64) {
        let park = ann("look at it").into();
        let id = format!("order-{order}").as_str().into();
        let parked = self.ledger.park(&id, &park, self.at(minute)).await.unwrap();
        assert!(parked.is_some(), "{order}");
    }

    /// From now on its ledger answers nobody.
    pub async fn lose_ledger(&self) {
        self.opened.clone().close().await;
    }

    /// What is answered to a request without a body.
    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.answer(request("GET", path, Body::empty())).await
    }

    /// What is answered to a request with a body.
    pub async fn send(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let body = Body::from(body.to_string());
        let mut request = request(method, path, body);
        let json = "application/json".parse().unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        self.answer(request).await
    }

    /// What is answered to any request, whose body must be JSON.
    pub async fn answer(&self, request: Request<Body>) -> (StatusCode, Value) {
        let (parts, text) = self.answered(request).await;
        let read = serde_json::from_str(&text);
        (
            parts.status,
            read.unwrap_or_else(|_| json!({ "no JSON": text })),
        )
    }

    /// What is answered to any request: its head, and its body as text.
    pub async fn answered(&self, request: Request<Body>) -> (Parts, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, MOST).await.unwrap();
        (parts, String::from_utf8_lossy(&body).into_owned())
    }
}

/// A request as a client on this machine sends it.
pub fn request(method: &str, path: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "127.0.0.1:8420")
        .body(body)
        .unwrap()
}

/// Somebody, with a reason.
pub fn ann(reason: &str) -> NewAuditEvent {
    NewAuditEvent {
        actor: "ann".into(),
        reason: reason.into(),
    }
}

/// A failure of an order: its one run, closed then.
pub fn failure(order: &str, status: &str, closed_at: Timestamp) -> Failure {
    let run = format!("run-of-{order}");
    Failure {
        workflow_id: format!("order-{order}").as_str().into(),
        order_id: order.into(),
        customer_id: Some(format!("customer-of-{order}")),
        workflow_type: TYPE.into(),
        run_id: run.as_str().into(),
        first_run_id: run.as_str().into(),
        timed_out: false,
        closed_at,
        classification: Classification {
            status: status.into(),
            matched: Matched::FailureType,
            fingerprint: format!("{:0<16}", if status == "slam_failed" { "5" } else { "a" }),
            message: format!("no luck with {order}"),
        },
        from_run: None,
        has_parent: false,
        start_request: Vec::new(),
    }
}
