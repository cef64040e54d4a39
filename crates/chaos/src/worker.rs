//! `redrive-chaos worker`: a worker as `redrive worker` runs it, that may be told when to kill itself, whose way to Temporal
//! loses answers and whose clock steps.
//!
//! It obeys lines on its stdin (the disk is full; there is room), and ends in order when that closes, so that it never
//! outlives the process that started it.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, anyhow};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use redrive::cli::Session;
use redrive::connect::Target;
use redrive_engine::gateway::{LossyGateway, Mishap};
use redrive_engine::ops::Ops;
use redrive_engine::{Engine, WorkerThread};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::announcing::Announcing;
use crate::deaths::Point;
use crate::disk;
use crate::faults::Faults;
use crate::said::Said;
use crate::settings;
use crate::stepping::SteppingClock;

/// Run a worker on the Temporal server of Temporal's configuration, until its stdin closes or it kills itself
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct WorkerArgs {
    /// The ledger, as `ledger.url` names it.
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
    #[command(flatten)]
    faults: Faults,
    /// What fixes which answers are lost, and how the clock steps.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Runs the worker.
pub async fn run(args: WorkerArgs) -> anyhow::Result<ExitCode> {
    arm(&args)?;
    let config = settings::config(&args.ledger, args.starts_per_second);
    let target = Target::configured()?;
    let thread = WorkerThread::start()?;
    let session = thread.make(Session::over(config, target)).await?;
    let Ops {
        mut engine, client, ..
    } = session.ops;
    let clock = Arc::new(SteppingClock::default());
    beset(&mut engine, &args, &clock);
    let steps = clock.run(args.faults.clock_steps, args.seed);
    let mut worker = thread.work(engine, client).await?;
    Said::Ready.say();
    let ended = tokio::select! {
        () = obey() => None,
        () = steps, if args.faults.clock_steps > 0 => None,
        ended = worker.ended() => Some(ended),
    };
    match ended {
        None => worker.stop().await?,
        Some(ended) => ended.context("the worker has stopped by itself")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives the engine a way that loses answers, a clock that steps, and a ledger that tells of claims.
fn beset(engine: &mut Engine, args: &WorkerArgs, clock: &Arc<SteppingClock>) {
    let told = |mishap, call: &'static str| {
        let said = match mishap {
            Mishap::Lost => Said::Lost,
            Mishap::Late => Said::Late,
        };
        said(call.to_owned()).say();
    };
    let real = Arc::clone(&engine.gateway);
    let odds = args.faults.odds();
    let lossy = LossyGateway::new(real, Arc::clone(&engine.clock), odds, args.seed, told);
    engine.gateway = Arc::new(lossy);
    engine.clock = Arc::clone(clock) as _;
    engine.ledger = Arc::new(Announcing(Arc::clone(&engine.ledger)));
}

/// Does what it is told, line by line, until nobody is there to tell it anything.
async fn obey() {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(disk) = disk::Disk::hear(&line) {
            disk.obey();
        }
    }
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
