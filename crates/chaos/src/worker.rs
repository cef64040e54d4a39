//! `redrive-chaos worker`: a worker as `redrive worker` runs it, that may be told when to kill itself.
//!
//! It ends in order when its stdin closes, so that it never outlives the process that started it.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, anyhow};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use redrive::connect::{self, Target};
use tokio::io::AsyncReadExt;

use crate::announcing::Announcing;
use crate::deaths::Point;
use crate::said::Said;
use crate::settings;

/// Run a worker on the Temporal server of Temporal's configuration, until its stdin closes or it kills itself
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct WorkerArgs {
    /// The ledger: sqlite:PATH.
    #[arg(long, value_name = "URL")]
    ledger: String,
    /// Workflow starts a second, over all workers of the ledger.
    #[arg(long, value_name = "RATE", default_value_t = 20.0)]
    starts_per_second: f64,
    /// Kill this process at a hit of this fail point.
    #[arg(long, value_name = "POINT", value_enum)]
    die_at: Option<Point>,
    /// At which hit, from 1.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "die_at")]
    hit: u32,
}

/// Runs the worker.
pub async fn run(args: WorkerArgs) -> anyhow::Result<ExitCode> {
    arm(&args)?;
    let config = settings::config(&args.ledger, args.starts_per_second);
    let target = Target::configured()?;
    let client = target.connect().await?;
    let mut engine = connect::ops(&target, client.clone(), &config).await?.engine;
    engine.ledger = Arc::new(Announcing(engine.ledger));
    let mut worker = redrive_engine::run_worker(engine, client).await?;
    Said::Ready.say();
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

async fn stdin_closes() {
    let mut stdin = tokio::io::stdin();
    let mut nothing = [0; 64];
    while stdin.read(&mut nothing).await.is_ok_and(|read| read > 0) {}
}

/// Lets the fail points do what they are to.
fn arm(args: &WorkerArgs) -> anyhow::Result<()> {
    for point in Point::ALL {
        let last = args.die_at.filter(|at| *at == point).map(|_| args.hit);
        let hits = AtomicU32::new(0);
        fail::cfg_callback(point.name(), move || {
            let hit = hits.fetch_add(1, Ordering::SeqCst) + 1;
            if last == Some(hit) {
                die(point);
            }
        })
        .map_err(|error| anyhow!("the fail point {} cannot be set: {error}", point.name()))?;
    }
    Ok(())
}

/// SIGKILL: nothing of this process runs after it, and nothing is closed or flushed.
fn die(point: Point) {
    Said::Dies(point).say();
    let killed = kill(Pid::this(), Signal::SIGKILL);
    unreachable!("a process may always kill itself: {killed:?}");
}
