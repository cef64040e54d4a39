//! `redrive-bench worker`: a worker as `redrive worker` runs it, in a process of its own that can be measured.
//!
//! It ends in order when its stdin closes, so that it never outlives the process that started it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use redrive::cli::Session;
use redrive::config;
use redrive::connect::Target;
use redrive::printer::Printer;
use redrive_engine::ops::Ops;
use redrive_engine::{Clock, SystemClock, WorkerThread};
use tokio::io::AsyncReadExt;

use crate::delayed::Delayed;
use crate::hollow::Hollow;

/// What a worker says when it works.
pub(crate) const READY: &str = "ready";

/// Run a worker on the Temporal server of Temporal's configuration, until its stdin closes
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct WorkerArgs {
    /// Redrive's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Delay every start by so many milliseconds, as a server far away does.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    start_delay_ms: u64,
    /// Answer every call about orders itself, as a server with so many failed ones does.
    #[arg(long, value_name = "N")]
    hollow: Option<u64>,
}

/// Runs the worker.
pub async fn run(args: WorkerArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let config = config::read(&args.config)?;
    let target = Target::configured()?;
    let thread = WorkerThread::start()?;
    let session = thread.make(Session::over(config, target)).await?;
    let Ops {
        mut engine, client, ..
    } = session.ops;
    if let Some(orders) = args.hollow {
        let home = engine.gateway.home().clone();
        engine.gateway = Arc::new(Hollow::new(home, &client, orders, SystemClock.now()));
    }
    if args.start_delay_ms > 0 {
        let delay = Duration::from_millis(args.start_delay_ms);
        engine.gateway = Arc::new(Delayed::new(Arc::clone(&engine.gateway), delay));
    }
    let mut worker = thread.work(engine, client).await?;
    printer.text(READY)?;
    let ended = tokio::select! {
        () = stdin_closes() => None,
        ended = worker.ended() => Some(ended),
    };
    match ended {
        None => worker.stop().await?,
        Some(ended) => ended.context("the worker has stopped by itself")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns when whoever started this process has gone, or wants it to end.
pub(crate) async fn stdin_closes() {
    let mut stdin = tokio::io::stdin();
    let mut nothing = [0; 64];
    while stdin.read(&mut nothing).await.is_ok_and(|read| read > 0) {}
}
