//! `redrive worker`: works on a Temporal server that runs already.

use std::process::ExitCode;

use clap::Args;
use redrive_engine::WorkerThread;

use super::serve::Serving;
use super::signals::StopSignals;
use super::{Global, Session, Verb};
use crate::printer::Printer;

/// Run a worker on the Temporal server of Temporal's configuration, until Ctrl-C or SIGTERM
///
/// Run as many as you like beside the ledger, which is one file on one machine. The worker keeps the schedule as it is
/// configured, unless schedule.manage is false.
#[derive(Debug, Args)]
pub struct WorkerArgs {}

/// Runs the command.
pub async fn run(_: WorkerArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut signals = StopSignals::listen()?;
    let thread = WorkerThread::start()?;
    let global = global.clone();
    let opening = async move { Session::open(&global, Verb::Making).await };
    let session = thread.make(opening).await?;
    let serving = Serving::start(thread, session, None, None).await?;
    serving.announce(printer).await?;
    serving.until_asked(&mut signals, printer).await
}
