//! A private Temporal server in a folder of its own, for one run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use redrive::dev_server::{DevServer, DevServerOptions};
use tempfile::TempDir;

use crate::process;

/// What server to measure against.
#[derive(Debug, Clone)]
pub(crate) struct SiteOptions {
    /// The Temporal CLI.
    pub temporal_cli: PathBuf,
    /// Whether its state is kept on a file, or in memory.
    pub on_file: bool,
}

/// The server and the folder.
pub(crate) struct Site {
    server: DevServer,
    folder: TempDir,
}

impl Site {
    /// Makes the folder and starts the server.
    pub async fn open(options: &SiteOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("redrive-bench-")
            .tempdir()
            .context("a folder for temporary files is needed, and cannot be made")?;
        let server = DevServer::start(&DevServerOptions {
            cli: options.temporal_cli.clone(),
            database: options.on_file.then(|| folder.path().join("temporal.db")),
            log: folder.path().join("temporal.log"),
            namespace: "default".to_owned(),
            port: None,
            ui: false,
        })
        .await?;
        Ok(Self { server, folder })
    }

    /// The server as `host:port`.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// The folder, which goes with the site.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's processor time so far.
    pub fn server_cpu(&self) -> anyhow::Result<Duration> {
        let pid = self.server.pid().context("the Temporal server has ended")?;
        process::cpu(pid)
    }

    /// Stops the server.
    pub async fn close(self) -> anyhow::Result<()> {
        self.server.stop().await
    }
}
