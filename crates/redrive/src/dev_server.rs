//! A Temporal development server of our own: the Temporal CLI's `server start-dev` as a child process.
//!
//! It is in a process group of its own, so that Ctrl-C in the terminal reaches us and not it, and we stop it in order.
//! It never outlives us, however we end: beside it stands a shell that waits for our end of a pipe to close.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use redrive_engine::{Clock, SystemClock};
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::Instant;

use crate::connect::Target;
use crate::problem::Problem;

/// How long a new server may take until it answers: it makes its schema first, on a slow disk too.
const START: Duration = Duration::from_secs(60);
/// How long a server may take to end.
const STOP: Duration = Duration::from_secs(10);
/// Pause between two looks at a server that starts.
const LOOK: Duration = Duration::from_millis(50);
/// How often another port is tried where the chosen one was taken in between.
const TRIES: u32 = 5;
/// The web UI is so many ports above the server, as the Temporal CLI does it.
const UI_ABOVE: u16 = 1000;

/// Becomes the server, leaving a watcher behind: a line on the pipe sends the watcher away, its end ends the server.
const WATCHED: &str =
    r#"exec 3<&0; (read -r line <&3 || kill $$) & exec 3<&-; exec "$@" </dev/null"#;

/// What server to start.
#[derive(Debug, Clone)]
pub struct DevServerOptions {
    /// The Temporal CLI ([`crate::temporal_cli::find`]).
    pub cli: PathBuf,
    /// The file that keeps its state; `None`: in memory.
    pub database: Option<PathBuf>,
    /// The file its log goes to.
    pub log: PathBuf,
    /// The namespace it has, beside `default`.
    pub namespace: String,
    /// The port to take if it is free; else any.
    pub port: Option<u16>,
    /// Whether it serves its web UI.
    pub ui: bool,
}

/// A server that answers. [`DevServer::stop`] ends it in order; dropping it kills it.
#[derive(Debug)]
pub struct DevServer {
    child: Child,
    leash: Option<ChildStdin>,
    port: u16,
    ui_port: Option<u16>,
}

impl DevServer {
    /// Starts a server, and waits until it answers.
    pub async fn start(options: &DevServerOptions) -> anyhow::Result<Self> {
        let mut preferred = options.port;
        for _ in 1..TRIES {
            let mut server = Self::spawn(options, preferred)?;
            match server.answers(options).await {
                Ok(()) => return Ok(server),
                Err(Failed::PortTaken) => preferred = None,
                Err(Failed::For(problem)) => return Err(problem.into()),
            }
        }
        Err(ended(options, "every port it was given was taken").into())
    }

    /// The server as `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address of its web UI, if it serves one.
    pub fn ui_address(&self) -> Option<String> {
        self.ui_port.map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// Its process id; `None` once it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Returns when it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        // Waiting for a child of ours fails only when it was waited for before; its status is kept then.
        self.child.wait().await.unwrap_or_default()
    }

    /// Ends it in order: it is asked to, and killed if it does not.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.release().await;
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // It may have ended by itself a moment ago.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        if tokio::time::timeout(STOP, self.child.wait()).await.is_err() {
            self.child
                .kill()
                .await
                .context("the Temporal dev server cannot be stopped")?;
        }
        Ok(())
    }

    /// Kills it, as a crash does: nothing of it is closed or written out.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.release().await;
        let killed = self.child.kill().await;
        killed.context("the Temporal dev server cannot be killed")
    }

    /// Sends the watcher away: from here on the process id may become somebody else's.
    async fn release(&mut self) {
        if let Some(mut leash) = self.leash.take() {
            let _ = leash.write_all(b"\n").await;
        }
    }

    fn spawn(options: &DevServerOptions, preferred: Option<u16>) -> anyhow::Result<Self> {
        let port = free_port(preferred)?;
        let ui_port = options
            .ui
            .then(|| free_port(port.checked_add(UI_ABOVE)))
            .transpose()?;
        let log = File::create(&options.log).with_context(|| {
            format!(
                "the server's log {} cannot be written",
                options.log.display()
            )
        })?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", WATCHED, "redrive-dev-server"])
            .arg(&options.cli)
            .args(arguments(options, port, ui_port));
        command
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .context("a shell to start the Temporal dev server in cannot be started")?;
        let leash = child.stdin.take();
        Ok(Self {
            child,
            leash,
            port,
            ui_port,
        })
    }

    async fn answers(&mut self, options: &DevServerOptions) -> Result<(), Failed> {
        let target = Target::plain(&self.address(), &options.namespace)?;
        let deadline = Instant::now() + START;
        while !has_namespace(&target).await {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.release().await;
                return Err(why(options, status));
            }
            if Instant::now() >= deadline {
                return Err(ended(options, "it does not answer").into());
            }
            SystemClock.sleep(LOOK).await;
        }
        Ok(())
    }
}

enum Failed {
    PortTaken,
    For(Problem),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::For(problem)
    }
}

/// `preferred` if it is free, else any free port. It is released here and taken by the server a moment later.
fn free_port(preferred: Option<u16>) -> anyhow::Result<u16> {
    let bound = preferred.and_then(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    let bound = bound.map_or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), Ok);
    let address = bound
        .and_then(|listener| listener.local_addr())
        .context("no port is free on 127.0.0.1")?;
    Ok(address.port())
}

fn arguments(options: &DevServerOptions, port: u16, ui_port: Option<u16>) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "server",
        "start-dev",
        "--ip",
        "127.0.0.1",
        "--color",
        "never",
        "--log-level",
        "warn",
    ]
    .map(str::to_owned)
    .into();
    arguments.extend([
        "--port".to_owned(),
        port.to_string(),
        "--namespace".to_owned(),
        options.namespace.clone(),
    ]);
    match ui_port {
        Some(port) => arguments.extend(["--ui-port".to_owned(), port.to_string()]),
        None => arguments.push("--headless".to_owned()),
    }
    if let Some(database) = &options.database {
        arguments.extend(["--db-filename".to_owned(), database.display().to_string()]);
        // Twice as fast as the default; a power loss can undo its last commits, which the daily look at Temporal finds.
        for pragma in ["journal_mode=WAL", "synchronous=NORMAL"] {
            arguments.extend(["--sqlite-pragma".to_owned(), pragma.to_owned()]);
        }
    }
    arguments
}

async fn has_namespace(target: &Target) -> bool {
    let Some(client) = target.try_once().await else {
        return false;
    };
    let request = DescribeNamespaceRequest {
        namespace: target.namespace().to_owned(),
        ..Default::default()
    };
    client
        .connection()
        .workflow_service()
        .describe_namespace(tonic::Request::new(request))
        .await
        .is_ok()
}

fn why(options: &DevServerOptions, status: ExitStatus) -> Failed {
    let said = last_line(&options.log);
    if said.contains("address already in use") || said.contains("port") && said.contains("in use") {
        return Failed::PortTaken;
    }
    let said = if said.is_empty() {
        status.to_string()
    } else {
        said
    };
    Failed::For(ended(options, &said))
}

fn ended(options: &DevServerOptions, said: &str) -> Problem {
    Problem::user(
        format!(
            "the Temporal dev server does not start: {}.",
            said.trim_end_matches('.')
        ),
        format!(
            "its log is {}; the program is {}.",
            options.log.display(),
            options.cli.display()
        ),
    )
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or_default()
        .to_owned()
}
