//! The way to Temporal, by Temporal's own configuration: `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`,
//! TLS settings, and the profiles of `temporal.toml`. Everything that can go wrong on it is one sentence.

use std::error::Error;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use redrive_engine::gateway::{GatewayError, TemporalGateway};
use redrive_engine::ops::{Ops, Records};
use redrive_engine::{Engine, Settings, SystemClock};
use temporalio_client::envconfig::{ConfigError, LoadClientConfigProfileOptions};
use temporalio_client::errors::ClientConnectError;
use temporalio_client::{Client, ClientOptions, ConnectionOptions, GrpcCompression, Url};
use temporalio_common::envconfig::load_client_config_profile;

use crate::config::Config;
use crate::environment;
use crate::ledger::{self, Opened};
use crate::problem::Problem;

/// How long one try to reach the server may take.
const TRY: Duration = Duration::from_secs(5);
/// How long a command waits for a server before it says that there is none.
const PATIENCE: Duration = Duration::from_secs(10);
/// The namespace where none is configured: Temporal's own default.
const DEFAULT_NAMESPACE: &str = "default";

/// Where Temporal is, and how to be let in.
#[derive(Debug, Clone)]
pub struct Target {
    connection: ConnectionOptions,
    client: ClientOptions,
}

impl Target {
    /// As Temporal's configuration says; `localhost:7233` and namespace `default` where it says nothing.
    pub fn configured() -> Result<Self, Problem> {
        let loaded = ClientOptions::load_from_config(LoadClientConfigProfileOptions::default());
        let (connection, client) = loaded.map_err(|error| unreadable(&error))?;
        Ok(Self {
            connection: tuned(connection),
            client,
        })
    }

    /// A server without TLS at `address` (`host:port`), as a dev server is.
    pub fn plain(address: &str, namespace: &str) -> Result<Self, Problem> {
        let url = Url::parse(&format!("http://{address}")).map_err(|error| {
            Problem::user(
                format!("{address:?} is no address: {error}."),
                "write it like 127.0.0.1:7233.",
            )
        })?;
        let connection = tuned(ConnectionOptions::new(url).build());
        Ok(Self {
            connection,
            client: ClientOptions::new(namespace).build(),
        })
    }

    /// The server as `host:port`.
    pub fn address(&self) -> String {
        let url = &self.connection.target;
        match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            _ => url.to_string(),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.client.namespace
    }

    /// Connects.
    ///
    /// Errors, each a sentence: no server answers there, or it does not let us in.
    pub async fn connect(&self) -> Result<Client, Problem> {
        let connecting = Client::connect(self.connection.clone(), self.client.clone());
        match tokio::time::timeout(PATIENCE, connecting).await {
            Ok(connected) => connected.map_err(|error| self.refused(&error)),
            Err(_) => Err(self.no_server(None)),
        }
    }

    /// Connects if the server is there at this very moment: for waiting until it is.
    pub(crate) async fn try_once(&self) -> Option<Client> {
        let connecting = Client::connect(self.connection.clone(), self.client.clone());
        tokio::time::timeout(TRY, connecting).await.ok()?.ok()
    }

    fn refused(&self, error: &ClientConnectError) -> Problem {
        let address = self.address();
        match error {
            ClientConnectError::TonicTransportError(error) => self.no_server(error.source()),
            ClientConnectError::DnsResolutionError { host, .. } => Problem::user(
                format!("no Temporal server at {address}: the host {host:?} is not known."),
                "set TEMPORAL_ADDRESS to where it listens.",
            ),
            ClientConnectError::SystemInfoCallError(status) => match status.code() {
                tonic::Code::Unauthenticated | tonic::Code::PermissionDenied => Problem::user(
                    format!(
                        "the Temporal server at {address} does not let us in: {}.",
                        status.message()
                    ),
                    "check TEMPORAL_API_KEY, or the TLS certificate that Temporal's configuration names.",
                ),
                _ => self.no_server(status.source()),
            },
            other => Problem::user(
                format!("Temporal's configuration for {address} cannot be used: {other}."),
                WHERE_CONFIGURED,
            ),
        }
    }

    fn no_server(&self, error: Option<&(dyn Error + 'static)>) -> Problem {
        let address = self.address();
        if self.connection.tls_options.is_none() {
            return Problem::user(
                format!("no Temporal server answers at {address}."),
                "start it, or set TEMPORAL_ADDRESS to where it listens; `redrive up` brings a server of its own.",
            );
        }
        // What is wrong with a certificate is said by the innermost of several errors.
        let innermost = iter::successors(error, |error| (*error).source()).last();
        let why = innermost.map_or_else(String::new, |why| format!(": {why}"));
        Problem::user(
            format!("no Temporal server answers at {address} over TLS{why}."),
            "is it up, and does it speak TLS? TEMPORAL_TLS_SERVER_CA_CERT_PATH says who signs its certificate, \
             TEMPORAL_TLS_SERVER_NAME whose name is in it. Without TLS, set TEMPORAL_TLS=false; elsewhere, set TEMPORAL_ADDRESS.",
        )
    }

    /// What a call says that could not be made for a reason of its own.
    fn no_namespace(&self, error: GatewayError) -> anyhow::Error {
        let (address, namespace) = (self.address(), self.namespace());
        match error {
            GatewayError::System(message) if message.to_lowercase().contains("namespace") => Problem::user(
                format!("the Temporal server at {address} has no namespace {namespace:?}."),
                format!(
                    "set TEMPORAL_NAMESPACE to one it has, or make it: `temporal operator namespace create {namespace}`."
                ),
            )
            .into(),
            other => anyhow::Error::new(other).context(format!("the Temporal server at {address} does not serve us")),
        }
    }
}

/// Where a server is to be looked for that Temporal's configuration does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The configuration names one.
    Configured,
    /// It names none; the namespace it names, or Temporal's default.
    Nowhere {
        /// The namespace.
        namespace: String,
    },
}

/// Whether Temporal's configuration names an address.
pub fn address() -> Result<Address, Problem> {
    let profile = load_client_config_profile(LoadClientConfigProfileOptions::default(), None);
    let profile = profile.map_err(|error| unreadable(&error))?;
    Ok(
        match profile.address.filter(|address| !address.is_empty()) {
            Some(_) => Address::Configured,
            None => Address::Nowhere {
                namespace: profile
                    .namespace
                    .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            },
        },
    )
}

/// The calls about orders, over `client`; the namespace is seen to be there.
pub async fn gateway(target: &Target, client: &Client) -> anyhow::Result<TemporalGateway> {
    TemporalGateway::connect(client.clone())
        .await
        .map_err(|error| target.no_namespace(error))
}

/// The verbs of `config` over `client`, with the ledger opened and seen to belong where `target` leads.
pub async fn ops(target: &Target, client: Client, config: &Config) -> anyhow::Result<Ops> {
    let gateway = gateway(target, &client).await?;
    let records = records(config).await?;
    let settings = Settings {
        task_queue: config.worker.task_queue.clone(),
        interval: config.schedule.interval,
        orders_at_once: config.worker.orders_at_once,
    };
    let engine = Engine::new(
        Arc::clone(&records.ledger),
        Arc::new(gateway),
        Arc::clone(&records.clock),
        config.policy.clone(),
        settings,
    )
    .await?;
    Ok(Ops {
        engine,
        client,
        records,
    })
}

/// The verbs of `config` that need no server.
pub async fn records(config: &Config) -> anyhow::Result<Records> {
    let Opened {
        ledger,
        reader,
        desk,
    } = ledger::open(&config.ledger.url).await?;
    Ok(Records {
        ledger,
        reader,
        desk,
        policy: Arc::new(config.policy.clone()),
        clock: Arc::new(SystemClock),
    })
}

/// No compression: on one machine it costs more than it saves, and our requests are small.
fn tuned(mut options: ConnectionOptions) -> ConnectionOptions {
    options.identity = identity();
    options.connect_timeout = Some(TRY);
    options.grpc_compression = GrpcCompression::None;
    options
}

/// How Temporal names us in histories and lists of pollers.
fn identity() -> String {
    format!("redrive-{}@{}", std::process::id(), environment::host())
}

const WHERE_CONFIGURED: &str = "it is read from TEMPORAL_* variables and from the file of TEMPORAL_CONFIG_FILE \
                                (without it, temporal.toml in your configuration folder's `temporalio`).";

fn unreadable(error: &ConfigError) -> Problem {
    match error {
        ConfigError::ProfileNotFound(profile) => Problem::user(
            format!("Temporal's configuration has no profile {profile:?}."),
            "set TEMPORAL_PROFILE to one it has, or unset it; `temporal config list` shows them.",
        ),
        other => Problem::user(
            format!("Temporal's configuration cannot be used: {other}."),
            WHERE_CONFIGURED,
        ),
    }
}
