//! A storm's site: a folder of its own with a Temporal server on a file, a ledger, a warehouse, and the orders' worker.
//!
//! The redrive worker is no part of it: it is a process of its own, for [`crate::lives`] to start and to kill.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use redrive::connect::{self, Target};
use redrive::dev_server::{DevServer, DevServerOptions};
use redrive_core::ids::RunId;
use redrive_core::states::State;
use redrive_engine::ops::Ops;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::puppet::Puppet;
use redrive_fulfillment::{StartOptions, TASK_QUEUE, WORKFLOW_TYPE, Warehouse, start_orders};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use temporalio_client::WorkflowCountOptions;

use crate::plan::{Act, Plan};
use crate::said::Claim;
use crate::{script, settings};

const NAMESPACE: &str = "default";

/// What the site is made from.
#[derive(Debug, Clone)]
pub(crate) struct SiteOptions {
    /// The Temporal CLI.
    pub temporal_cli: PathBuf,
    /// Workflow starts a second.
    pub starts_per_second: f64,
}

/// The site.
pub(crate) struct Site {
    /// What the seed fixes.
    pub plan: Plan,
    /// Redrive's verbs, over this process's own view of ledger and server.
    pub ops: Ops,
    /// Workflow starts a second, for the workers.
    pub starts_per_second: f64,
    first_runs: HashMap<String, RunId>,
    server: DevServer,
    puppet: Puppet,
    folder: TempDir,
}

impl Site {
    /// Makes the folder and starts what belongs in it.
    pub async fn open(plan: Plan, options: &SiteOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("redrive-chaos-")
            .tempdir()
            .context("a folder for temporary files is needed, and cannot be made")?;
        let in_folder = |name: &str| folder.path().join(name);
        let server = DevServer::start(&DevServerOptions {
            cli: options.temporal_cli.clone(),
            database: Some(in_folder("temporal.db")),
            log: in_folder("temporal.log"),
            namespace: NAMESPACE.to_owned(),
            port: None,
            ui: false,
        })
        .await?;
        let target = Target::plain(&server.address(), NAMESPACE)?;
        let client = target.connect().await?;
        let warehouse =
            Warehouse::create(&in_folder("warehouse"), &plan.faults, SystemClock.now())?;
        let held = plan.deeds.iter().filter(|deed| Act::is_held(deed.act));
        let held = held.map(|deed| deed.order.workflow_id()).collect();
        let script = script::play(Arc::new(warehouse), held);
        let puppet = Puppet::spawn(&client, NAMESPACE, TASK_QUEUE, script);
        let ledger = format!("sqlite:{}", in_folder("ledger.db").display());
        let config = settings::config(&ledger, options.starts_per_second);
        let ops = connect::ops(&target, client.clone(), &config).await?;
        Ok(Self {
            plan,
            ops,
            starts_per_second: options.starts_per_second,
            first_runs: HashMap::new(),
            server,
            puppet,
            folder,
        })
    }

    /// Starts the orders, as the order service does.
    pub async fn start_orders(&mut self) -> anyhow::Result<()> {
        let (client, faults) = (&self.ops.client, &self.plan.faults);
        let started = start_orders(client, faults, &StartOptions::default()).await?;
        let runs = started
            .into_iter()
            .map(|order| (order.workflow_id, order.run_id.into()));
        self.first_runs = runs.collect();
        Ok(())
    }

    /// The run that the order service started.
    pub fn first_run(&self, workflow_id: &str) -> Option<&RunId> {
        self.first_runs.get(workflow_id)
    }

    /// Temporal as `host:port`.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// The namespace.
    pub fn namespace(&self) -> &'static str {
        NAMESPACE
    }

    /// The ledger as a URL.
    pub fn ledger(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("ledger.db").display())
    }

    /// The warehouse's folder.
    pub fn warehouse(&self) -> PathBuf {
        self.folder.path().join("warehouse")
    }

    /// Where the workers' logs go.
    pub fn worker_log(&self) -> PathBuf {
        self.folder.path().join("worker.log")
    }

    /// How many orders these chunks own, read beside the ledger: nothing of the product asks for that.
    pub async fn open_claims(&self, of: &BTreeSet<Claim>) -> anyhow::Result<u64> {
        let file = SqliteConnectOptions::new()
            .filename(self.folder.path().join("ledger.db"))
            .read_only(true);
        let mut ledger = SqliteConnection::connect_with(&file).await?;
        let found: Vec<(String, u32)> =
            sqlx::query_as("SELECT claim_batch, claim_chunk FROM orders WHERE state = 'claimed'")
                .fetch_all(&mut ledger)
                .await
                .context("the open claims cannot be read")?;
        ledger.close().await?;
        let claims = found
            .into_iter()
            .map(|(batch, chunk)| Claim { batch, chunk });
        Ok(claims.filter(|claim| of.contains(claim)).count() as u64)
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
        self.server.stop().await?;
        if keep {
            return Ok(Some(self.folder.keep()));
        }
        self.folder
            .close()
            .context("the storm's folder cannot be removed")?;
        Ok(None)
    }
}
