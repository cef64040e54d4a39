//! A worker as a child process: started, measured from outside, ended.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::ground::Ground;
use crate::process;
use crate::worker::READY;

/// How long a worker may take until it works, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// The process. It ends when its stdin closes, and is killed when it is dropped.
pub(crate) struct WorkerProcess {
    child: Child,
    pid: u32,
}

impl WorkerProcess {
    /// Starts this program with these words, on `ground`, and waits until it says that it works.
    pub async fn start(ground: &Ground, words: &[String]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's own file is not known")?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(ground.log("worker.log"))
            .context("the worker's log cannot be written")?;
        let mut child = Command::new(program)
            .args(words)
            .env("TEMPORAL_ADDRESS", &ground.address)
            .env("TEMPORAL_NAMESPACE", &ground.namespace)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("a worker cannot be started")?;
        let stdout = child.stdout.take().expect("its stdout is piped, above");
        let mut said = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(PATIENCE, said.next_line()).await;
        let first = first.context("the worker does not say that it works")??;
        if first.as_deref() != Some(READY) {
            let log = std::fs::read_to_string(ground.log("worker.log")).unwrap_or_default();
            bail!("the worker does not work: {}", log.trim());
        }
        let pid = child.id().context("the worker has ended by itself")?;
        Ok(Self { child, pid })
    }

    /// Starts a worker of Redrive as it is configured on `ground`, with more words.
    pub async fn redrive(ground: &Ground, more: &[String]) -> anyhow::Result<Self> {
        let config = ground.config_file().display().to_string();
        let mut words = vec!["worker".to_owned(), "--config".to_owned(), config];
        words.extend_from_slice(more);
        Self::start(ground, &words).await
    }

    /// Its processor time so far.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        process::cpu(self.pid)
    }

    /// The most memory it has had in RAM, in bytes.
    pub fn peak_memory(&self) -> anyhow::Result<u64> {
        process::peak_memory(self.pid)
    }

    /// Ends it in order.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.context("a worker does not end")??;
        if !status.success() {
            bail!("a worker has ended badly: {status}");
        }
        Ok(())
    }
}
