//! A storm's site: a folder of its own with a Temporal server on a file, a ledger, a warehouse, and the orders' worker.
//!
//! The redrive workers are no part of it: they are processes of their own, for [`crate::lives`] to start and to kill.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use redrive::connect::{self, Target};
use redrive::dev_server::{DevServer, DevServerOptions};
use redrive_core::states::State;
use redrive_engine::ops::Ops;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::puppet::Puppet;
use redrive_fulfillment::{
    FaultPlan, StartOptions, TASK_QUEUE, WORKFLOW_TYPE, Warehouse, start_orders,
};
use tempfile::TempDir;
use temporalio_client::WorkflowCountOptions;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use crate::beside::Beside;
use crate::disk::Disk;
use crate::faults::Faults;
use crate::plan::{Act, Plan};
use crate::postgres::Postgres;
use crate::said::Claim;
use crate::told::Told;
use crate::weather::Weather;
use crate::{script, settings};

const NAMESPACE: &str = "default";

/// Ports that are given to nobody who asks for any: a connection that is tried again and again while its server is down must
/// not be given the server's own port.
const PORTS: std::ops::Range<u16> = 15_000..30_000;
/// How many of them are tried.
const TRIES: u32 = 50;

/// How often the server is started again where its port is not free yet, and the pause between.
const RESTARTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// So many orders are started together, and the time until the next ones are.
const ARRIVE: usize = 10;
const ARRIVE_EVERY: Duration = Duration::from_millis(500);

/// Which database the ledger is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Database {
    /// A file of SQLite.
    Sqlite,
    /// A private server of PostgreSQL.
    Postgres,
}

impl Database {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// What the site is made from.
#[derive(Debug, Clone)]
pub(crate) struct SiteOptions {
    /// The Temporal CLI.
    pub temporal_cli: PathBuf,
    /// The folder of PostgreSQL's programs, if it is not found by itself.
    pub postgres_bin: Option<PathBuf>,
    /// Where the ledger is.
    pub database: Database,
    /// How many workers.
    pub workers: u32,
    /// Workflow starts a second.
    pub starts_per_second: f64,
    /// What goes wrong within the workers.
    pub faults: Faults,
}

/// The site.
pub(crate) struct Site {
    /// What the seed fixes.
    pub plan: Plan,
    /// What it was made from.
    pub options: SiteOptions,
    /// Redrive's verbs, over this process's own view of ledger and server.
    pub ops: Ops,
    /// What is up.
    pub weather: Arc<Weather>,
    /// What the workers have told.
    pub told: Arc<Told>,
    /// Whether their disk is full.
    pub disk: watch::Sender<Disk>,
    server: Mutex<Server>,
    address: String,
    postgres: Option<Mutex<Postgres>>,
    ledger: String,
    beside: Beside,
    puppet: Puppet,
    folder: TempDir,
}

/// The Temporal server, and how it is started again.
struct Server {
    running: Option<DevServer>,
    options: DevServerOptions,
    starts: u32,
}

impl Site {
    /// Makes the folder and starts what belongs in it.
    pub async fn open(plan: Plan, options: &SiteOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("redrive-chaos-")
            .tempdir()
            .context("a folder for temporary files is needed, and cannot be made")?;
        let in_folder = |name: &str| folder.path().join(name);
        let mut rng = StdRng::seed_from_u64(plan.faults.seed);
        let mut server = Server {
            running: None,
            options: DevServerOptions {
                cli: options.temporal_cli.clone(),
                database: Some(in_folder("temporal.db")),
                log: in_folder("temporal.log"),
                namespace: NAMESPACE.to_owned(),
                port: Some(free_port(&mut rng)?),
                ui: false,
            },
            starts: 0,
        };
        let address = server.start().await?;
        let target = Target::plain(&address, NAMESPACE)?;
        let client = target.connect().await?;
        let warehouse =
            Warehouse::create(&in_folder("warehouse"), &plan.faults, SystemClock.now())?;
        let held = plan.deeds.iter().filter(|deed| Act::is_held(deed.act));
        let held = held.map(|deed| deed.order.workflow_id()).collect();
        let script = script::play(Arc::new(warehouse), held);
        let puppet = Puppet::spawn(&client, NAMESPACE, TASK_QUEUE, script);
        let postgres = match options.database {
            Database::Sqlite => None,
            Database::Postgres => {
                let port = free_port(&mut rng)?;
                Some(Postgres::start(options.postgres_bin.as_deref(), port).await?)
            }
        };
        let (ledger, beside) = match &postgres {
            None => {
                let file = in_folder("ledger.db");
                (format!("sqlite:{}", file.display()), Beside::File(file))
            }
            Some(postgres) => (postgres.url(), Beside::Server(postgres.url())),
        };
        let config = settings::config(&ledger, options.starts_per_second);
        let ops = connect::ops(&target, client.clone(), &config).await?;
        Ok(Self {
            plan,
            options: options.clone(),
            ops,
            weather: Arc::new(Weather::new()),
            told: Arc::default(),
            disk: watch::Sender::default(),
            server: Mutex::new(server),
            address,
            postgres: postgres.map(Mutex::new),
            ledger,
            beside,
            puppet,
            folder,
        })
    }

    /// Starts the orders, as the order service does: some, a while later some more, whatever is down meanwhile.
    pub async fn start_orders(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        for (number, orders) in (0..).zip(self.plan.faults.orders.chunks(ARRIVE)) {
            let some = FaultPlan {
                orders: orders.to_vec(),
                ..self.plan.faults.clone()
            };
            let start = async || {
                let options = StartOptions::default();
                start_orders(&self.ops.client, &some, &options).await
            };
            self.weather.ride_out(start).await?;
            let next = ARRIVE_EVERY * (number + 1);
            SystemClock
                .sleep(next.saturating_sub(began.elapsed()))
                .await;
        }
        Ok(())
    }

    /// Temporal as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The namespace.
    pub fn namespace(&self) -> &'static str {
        NAMESPACE
    }

    /// The ledger as a URL.
    pub fn ledger(&self) -> &str {
        &self.ledger
    }

    /// The warehouse's folder.
    pub fn warehouse(&self) -> PathBuf {
        self.folder.path().join("warehouse")
    }

    /// Where the workers' logs go.
    pub fn worker_log(&self) -> PathBuf {
        self.folder.path().join("worker.log")
    }

    /// A line for each order that these chunks own; `None`: that any owns. Read beside the ledger: nothing of the product
    /// asks for that.
    pub async fn open_claims(&self, of: Option<&BTreeSet<Claim>>) -> anyhow::Result<Vec<Claim>> {
        let mut claims = self.beside.open_claims().await?;
        claims.retain(|claim| of.is_none_or(|of| of.contains(claim)));
        Ok(claims)
    }

    /// Kills the Temporal server.
    pub async fn kill_server(&self) -> anyhow::Result<()> {
        let mut server = self.server.lock().await;
        match server.running.take() {
            Some(running) => running.kill().await,
            None => bail!("the Temporal server is down already"),
        }
    }

    /// Starts it again, on its file and its port.
    pub async fn start_server(&self) -> anyhow::Result<()> {
        let mut server = self.server.lock().await;
        for _ in 0..RESTARTS {
            if server.start().await? == self.address {
                return Ok(());
            }
            // What the killed one had may not be free yet, and it took any other port.
            if let Some(elsewhere) = server.running.take() {
                elsewhere.kill().await?;
            }
            SystemClock.sleep(PAUSE).await;
        }
        bail!("the Temporal server cannot have its port again")
    }

    /// Kills PostgreSQL, all of it.
    pub async fn kill_postgres(&self) -> anyhow::Result<()> {
        self.postgres()?.lock().await.kill().await
    }

    /// Starts it again, on its files and its port.
    pub async fn start_postgres(&self) -> anyhow::Result<()> {
        self.postgres()?.lock().await.start_again().await
    }

    fn postgres(&self) -> anyhow::Result<&Mutex<Postgres>> {
        self.postgres
            .as_ref()
            .context("the ledger is in no PostgreSQL")
    }

    /// How many orders are in that state, by the ledger.
    pub async fn count(&self, state: State) -> anyhow::Result<u64> {
        let counts = self.ops.engine.ledger.state_counts().await?;
        let own = counts.into_iter().find(|(name, _)| name == state.as_str());
        Ok(own.map_or(0, |(_, count)| count))
    }

    /// How many orders' runs go on, by visibility.
    pub async fn running(&self) -> anyhow::Result<usize> {
        let query = format!("WorkflowType = '{WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'");
        let options = WorkflowCountOptions::builder().build();
        let counted = self.ops.client.count_workflows(query, options).await;
        Ok(counted.context("the orders cannot be counted")?.count())
    }

    /// Stops everything. With `keep` the folder stays; its path is returned.
    pub async fn close(self, keep: bool) -> anyhow::Result<Option<PathBuf>> {
        self.puppet.stop().await;
        if let Some(server) = self.server.into_inner().running {
            server.stop().await?;
        }
        if let Some(postgres) = self.postgres {
            let kept = keep.then(|| self.folder.path().join("postgres"));
            postgres.into_inner().stop(kept.as_deref()).await?;
        }
        if keep {
            return Ok(Some(self.folder.keep()));
        }
        self.folder
            .close()
            .context("the storm's folder cannot be removed")?;
        Ok(None)
    }
}

impl Server {
    /// Starts it; each start has a log of its own. Returns its address.
    async fn start(&mut self) -> anyhow::Result<String> {
        self.options.log = numbered(&self.options.log, self.starts);
        self.starts += 1;
        let running = DevServer::start(&self.options).await?;
        let address = running.address();
        self.running = Some(running);
        Ok(address)
    }
}

/// `temporal.log`, `temporal.1.log`, `temporal.2.log` ...
fn numbered(log: &Path, number: u32) -> PathBuf {
    match number {
        0 => log.to_owned(),
        _ => log.with_file_name(format!("temporal.{number}.log")),
    }
}

/// A port that is free now, and that the system gives to nobody by itself.
pub(crate) fn free_port(rng: &mut StdRng) -> anyhow::Result<u16> {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let mut tried = (0..TRIES).map(|_| rng.random_range(PORTS));
    tried
        .find(free)
        .context("no port is free on 127.0.0.1 from 15000 to 29999")
}
