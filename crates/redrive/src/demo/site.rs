//! The demo's site: a folder of its own, a Temporal server, a ledger, a warehouse, and a worker for each side.
//!
//! *The order worker* runs the company's order workflow; *the redrive worker* runs our batches. Nothing here is shared
//! with an installation of Redrive: the folder, the ports and the ledger are the demo's own.

use std::path::{Path, PathBuf};

use anyhow::Context;
use redrive_core::policy::Policy;
use redrive_engine::ops::Ops;
use redrive_engine::{Clock, RunningWorker, SystemClock, run_worker};
use redrive_fulfillment::{FaultPlan, FulfillmentWorker, TASK_QUEUE, Warehouse};
use tempfile::TempDir;
use temporalio_client::Client;

use super::settings;
use crate::connect::{self, Target};
use crate::dev_server::{DevServer, DevServerOptions};

/// The namespace: Temporal's default, so that its address is all that a command needs to know.
const NAMESPACE: &str = "default";

/// Everything that runs.
pub(super) struct Site {
    /// Redrive's verbs.
    pub ops: Ops,
    /// The warehouse, to end outages and read its log.
    pub warehouse: Warehouse,
    order_worker: Option<FulfillmentWorker>,
    redrive_worker: RunningWorker,
    server: DevServer,
    folder: TempDir,
    keep: bool,
}

impl Site {
    /// Makes the folder and starts everything in it. With `keep` the server has a web UI, and its state and the folder
    /// outlive the demo.
    pub async fn open(
        plan: &FaultPlan,
        temporal_cli: PathBuf,
        keep: bool,
        policy: Policy,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("redrive-demo-")
            .disable_cleanup(keep)
            .tempdir()
            .context("the demo needs a folder for temporary files, and cannot make one")?;
        let in_folder = |name: &str| folder.path().join(name);
        let server = DevServer::start(&DevServerOptions {
            cli: temporal_cli,
            database: keep.then(|| in_folder("temporal.db")),
            log: in_folder("temporal.log"),
            namespace: NAMESPACE.to_owned(),
            port: None,
            ui: keep,
        })
        .await?;
        let target = Target::plain(&server.address(), NAMESPACE)?;
        let client = target.connect().await?;
        let warehouse = Warehouse::create(&in_folder("warehouse"), plan, SystemClock.now())?;
        let order_worker =
            FulfillmentWorker::spawn(client.clone(), TASK_QUEUE, &in_folder("warehouse")).await?;
        let config = settings::config(&in_folder("ledger.db"), policy);
        let ops = connect::ops(&target, client.clone(), &config).await?;
        let redrive_worker = run_worker(ops.engine.clone(), client).await?;
        Ok(Self {
            ops,
            warehouse,
            order_worker: Some(order_worker),
            redrive_worker,
            server,
            folder,
            keep,
        })
    }

    /// The client of the demo's namespace.
    pub fn client(&self) -> &Client {
        &self.ops.client
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.folder().join("ledger.db")
    }

    /// The warehouse's folder.
    pub fn warehouse_folder(&self) -> PathBuf {
        self.folder().join("warehouse")
    }

    /// Temporal's address as `host:port`.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// Temporal's web UI, where it has one.
    pub fn ui(&self) -> Option<String> {
        self.server.ui_address()
    }

    /// Stops the order worker, if it runs: no order moves from then on.
    pub async fn stop_orders(&mut self) -> anyhow::Result<()> {
        match self.order_worker.take() {
            Some(worker) => Ok(worker.stop().await?),
            None => Ok(()),
        }
    }

    /// Stops everything, the workers before the server, and removes the folder unless it is kept.
    pub async fn close(mut self) -> anyhow::Result<()> {
        let orders = self.stop_orders().await;
        let redrive = self.redrive_worker.stop().await;
        self.server.stop().await?;
        if !self.keep {
            let path = self.folder.path().to_owned();
            let removed = self.folder.close();
            removed.with_context(|| format!("the folder {} cannot be removed", path.display()))?;
        }
        redrive?;
        orders
    }
}
