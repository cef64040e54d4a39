//! A namespace of its own on a real Temporal dev server for every test, and waiting without sleeping.
//!
//! *Testbed*: a client on a fresh, uniquely named namespace. *Eventually*: a state that a test polls until
//! it is observed, or fails with the sentence that names it.

mod runs;

use std::future::Future;
use std::time::Duration;

use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, GrpcCompression, Url,
    grpc::WorkflowService,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::RegisterNamespaceRequest;
use tokio::time::Instant;

pub use runs::{json_input, json_payload};

/// The variable that names the dev server as `host:port`.
pub const SERVER_VARIABLE: &str = "REDRIVE_TEST_SERVER";

/// What a server test says when no server is named.
pub const NO_SERVER: &str =
    "no Temporal dev server: run `make test`, or set REDRIVE_TEST_SERVER=host:port";

/// How long [`eventually`] waits: far beyond what a loaded two-core machine needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Pause between two probes: short beside a workflow task (a few ms), long beside a system call.
const PROBE_INTERVAL: Duration = Duration::from_millis(20);

/// The shortest retention the server takes.
const RETENTION: Duration = Duration::from_secs(24 * 3600);

/// A client on a namespace that no other test uses.
#[derive(Clone)]
pub struct Testbed {
    /// The client, bound to [`Testbed::namespace`].
    pub client: Client,
    /// The namespace, `<name>-<8 hex digits>`.
    pub namespace: String,
    /// The server as `host:port`.
    pub server: String,
}

impl Testbed {
    /// Connects to the server of [`SERVER_VARIABLE`] and registers a fresh namespace.
    ///
    /// # Panics
    /// With [`NO_SERVER`] if the variable is not set, and if the server does not answer.
    pub async fn connect(name: &str) -> Self {
        let server = server_address();
        let connection = connect(&server).await;
        let suffix = uuid::Uuid::new_v4().simple().to_string();
        let namespace = format!("{name}-{}", &suffix[..8]);
        register(&connection, &namespace).await;
        let client = bind(connection, &namespace);
        Self {
            client,
            namespace,
            server,
        }
    }

    /// The raw Temporal service.
    #[must_use]
    pub fn service(&self) -> Box<dyn WorkflowService> {
        self.client.connection().workflow_service()
    }

    /// A second client on the same namespace with a connection of its own, as another process has.
    ///
    /// # Panics
    /// If the server does not answer.
    pub async fn another_client(&self) -> Client {
        self.client_at(&self.server).await
    }

    /// The same, to wherever leads to the server.
    ///
    /// # Panics
    /// If nobody answers there.
    pub async fn client_at(&self, address: &str) -> Client {
        bind(connect(address).await, &self.namespace)
    }
}

/// Probes until `probe` returns a value, and returns it.
///
/// # Panics
/// After [`PATIENCE`], with `what`: say what should have been seen, as in `"the run to close"`.
pub async fn eventually<T, F, Fut>(what: &str, probe: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    eventually_within(PATIENCE, what, probe).await
}

/// As [`eventually`], with a limit of its own.
///
/// # Panics
/// After `limit`, with `what`.
pub async fn eventually_within<T, F, Fut>(limit: Duration, what: &str, mut probe: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + limit;
    loop {
        if let Some(seen) = probe().await {
            return seen;
        }
        assert!(
            Instant::now() < deadline,
            "waited {limit:?} in vain for {what}"
        );
        pause().await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two looks at what a test waits for"
)]
async fn pause() {
    tokio::time::sleep(PROBE_INTERVAL).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no binary that could hand them the server's address"
)]
fn server_address() -> String {
    match std::env::var(SERVER_VARIABLE) {
        Ok(address) if !address.is_empty() => address,
        _ => panic!("{NO_SERVER}"),
    }
}

async fn connect(server: &str) -> Connection {
    let url = Url::parse(&format!("http://{server}"))
        .unwrap_or_else(|error| panic!("{SERVER_VARIABLE}={server} is not host:port: {error}"));
    let options = ConnectionOptions::new(url)
        .identity("testbed")
        .grpc_compression(GrpcCompression::None)
        .build();
    Connection::connect(options)
        .await
        .unwrap_or_else(|error| panic!("no Temporal server answers at {server}: {error}"))
}

async fn register(connection: &Connection, namespace: &str) {
    let request = RegisterNamespaceRequest {
        namespace: namespace.to_owned(),
        workflow_execution_retention_period: RETENTION.try_into().ok(),
        ..Default::default()
    };
    let mut service = connection.workflow_service();
    if let Err(status) = service
        .register_namespace(tonic::Request::new(request))
        .await
    {
        panic!("cannot register the namespace {namespace}: {status}");
    }
}

fn bind(connection: Connection, namespace: &str) -> Client {
    Client::new(connection, ClientOptions::new(namespace).build())
        .unwrap_or_else(|error| panic!("cannot make a client for {namespace}: {error}"))
}
