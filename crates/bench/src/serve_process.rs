//! `redrive serve` as a child process: started, asked, measured from outside, ended.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::process;
use crate::site::Site;

/// How long it may take until it serves, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it says first.
#[derive(Deserialize)]
struct Served {
    api: String,
}

/// The process. It is killed when it is dropped.
pub(crate) struct ServeProcess {
    child: Child,
    pid: u32,
    address: String,
}

impl ServeProcess {
    /// Serves the ledger at that URL, beside the site's server.
    pub async fn start(site: &Site, ledger: &str) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's own file is not known")?;
        let mut child = Command::new(program)
            .args(["redrive", "serve", "--listen", "127.0.0.1:0"])
            .args(["--ledger", ledger, "--output", "json"])
            .env("TEMPORAL_ADDRESS", site.address())
            .env("TEMPORAL_NAMESPACE", "default")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("redrive serve cannot be started")?;
        let stdout = child.stdout.take().expect("its stdout is piped, above");
        let said = first_value(BufReader::new(stdout));
        let said = tokio::time::timeout(PATIENCE, said).await;
        let said = said.context("redrive serve does not say where it serves")??;
        let served: Served = serde_json::from_str(&said)
            .with_context(|| format!("redrive serve does not serve: {said}"))?;
        let address = served.api.trim_start_matches("http://");
        let address = address.trim_end_matches("/api/v1").to_owned();
        let pid = child.id().context("redrive serve has ended by itself")?;
        Ok(Self {
            child,
            pid,
            address,
        })
    }

    /// Where it serves.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The memory that it has in RAM now, in bytes.
    pub fn memory(&self) -> anyhow::Result<u64> {
        process::memory(self.pid)
    }

    /// Ends it in order.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.pid)?);
        kill(pid, Signal::SIGTERM).context("redrive serve cannot be told to end")?;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.context("redrive serve does not end")??;
        if !status.success() {
            bail!("redrive serve has ended badly: {status}");
        }
        Ok(())
    }
}

/// The first JSON object that is said, over as many lines as it takes.
async fn first_value(mut said: impl AsyncBufReadExt + Unpin) -> anyhow::Result<String> {
    let mut text = String::new();
    while said.read_line(&mut text).await? > 0 {
        if text.trim_end().ends_with('}') {
            break;
        }
    }
    Ok(text)
}

/// Asks for `path` at `address`, on a connection of its own, and reads the whole answer.
///
/// Errors: it is not a 200.
pub(crate) async fn get(address: &str, path: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        let said = String::from_utf8_lossy(&answer);
        bail!("{path} is answered by {}", said.trim());
    }
    Ok(())
}
