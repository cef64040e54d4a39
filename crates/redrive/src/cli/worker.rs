//! `redrive worker`: works on a Temporal server that runs already.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use redrive_engine::{SdkMetrics, WorkerThread};

use super::serve::{Fronts, Serving};
use super::signals::StopSignals;
use super::{Global, Session, Verb, web};
use crate::printer::Printer;

/// Run a worker on the Temporal server of Temporal's configuration, until Ctrl-C or SIGTERM
///
/// Run as many as you like on one ledger: on one machine with an SQLite file, on several with PostgreSQL. The worker keeps the
/// schedule as it is configured, unless schedule.manage is false.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Where to answer Prometheus, on any address: there is nothing to act on, and no order is named [default: metrics.listen of the configuration]
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,
}

/// Runs the command.
pub async fn run(args: WorkerArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut signals = StopSignals::listen()?;
    let thread = WorkerThread::start()?;
    let global = global.clone();
    let opening = async move { Session::open(&global, Verb::Making).await };
    let session = thread.make(opening).await?;
    let listen = args.metrics_listen.or(session.config.metrics.listen);
    let (thread, metrics) = match listen {
        Some(address) => {
            let sdk = SdkMetrics::default();
            let metrics = web::metrics(&session.config, sdk.clone(), address).await?;
            (thread.metered(sdk), Some(metrics))
        }
        None => (thread, None),
    };
    let fronts = Fronts { web: None, metrics };
    let serving = Serving::start(thread, session, None, fronts).await?;
    serving.announce(printer).await?;
    serving.until_asked(&mut signals, printer).await
}
