//! A ground: a namespace of a site's server and a ledger, for one measurement alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use redrive::config::{Config, LedgerConfig, WorkerConfig};
use redrive::connect::{self, Target};
use redrive_core::policy::Policy;
use redrive_engine::ops::Ops;
use temporalio_client::Client;
use temporalio_common::protos::temporal::api::workflowservice::v1::RegisterNamespaceRequest;
use tonic::Request;

use crate::site::Site;

/// Lifts the limit on starts: what is measured is how fast they can go.
const STARTS_PER_SECOND: f64 = 1e6;
/// The shortest retention that a server takes.
const RETENTION: Duration = Duration::from_secs(24 * 3600);

/// How Redrive is set on a ground, where it is not as by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tuning {
    /// Orders that a worker handles at the same time.
    pub orders_at_once: u32,
    /// Orders a chunk.
    pub batch_size: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            orders_at_once: WorkerConfig::default().orders_at_once,
            batch_size: Policy::default().batch_size,
        }
    }
}

/// The ground.
pub(crate) struct Ground {
    /// A client of its namespace.
    pub client: Client,
    /// Redrive's verbs there, in this process.
    pub ops: Ops,
    /// Temporal as `host:port`.
    pub address: String,
    /// Its namespace.
    pub namespace: String,
    folder: PathBuf,
}

impl Ground {
    /// Makes the namespace and the ledger, both called `name`.
    pub async fn open(site: &Site, name: &str, tuning: Tuning) -> anyhow::Result<Self> {
        let address = site.address();
        register(&Target::plain(&address, "default")?, name).await?;
        let target = Target::plain(&address, name)?;
        let client = target.connect().await?;
        let folder = site.folder().join(name);
        fs::create_dir(&folder).context("the ground's folder cannot be made")?;
        let config = config(&folder.join("ledger.db"), tuning);
        let text = toml::to_string(&config).context("the configuration cannot be written")?;
        fs::write(folder.join("redrive.toml"), text)?;
        let ops = connect::ops(&target, client.clone(), &config).await?;
        Ok(Self {
            client,
            ops,
            address,
            namespace: name.to_owned(),
            folder,
        })
    }

    /// Redrive's configuration there.
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("redrive.toml")
    }

    /// Where logs go.
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn config(ledger: &Path, tuning: Tuning) -> Config {
    Config {
        ledger: LedgerConfig {
            url: format!("sqlite:{}", ledger.display()),
        },
        worker: WorkerConfig {
            orders_at_once: tuning.orders_at_once,
            ..WorkerConfig::default()
        },
        policy: Policy {
            starts_per_second: STARTS_PER_SECOND,
            visibility_calls_per_second: STARTS_PER_SECOND,
            batch_size: tuning.batch_size,
            ..Policy::default()
        },
        ..Config::default()
    }
}

async fn register(server: &Target, namespace: &str) -> anyhow::Result<()> {
    let client = server.connect().await?;
    let request = RegisterNamespaceRequest {
        namespace: namespace.to_owned(),
        workflow_execution_retention_period: RETENTION.try_into().ok(),
        ..Default::default()
    };
    let mut service = client.connection().workflow_service();
    service
        .register_namespace(Request::new(request))
        .await
        .with_context(|| format!("the namespace {namespace} cannot be made"))?;
    Ok(())
}
