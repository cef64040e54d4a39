//! `redrive up`: everything on this machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use redrive_engine::{SdkMetrics, WorkerThread};
use redrive_ledger::{LedgerLock, LedgerUrl};

use super::serve::{Fronts, Serving};
use super::signals::StopSignals;
use super::web::Listen;
use super::{Global, Session};
use crate::config::{self, Config};
use crate::connect::{self, Address, Target};
use crate::dev_server::{DevServer, DevServerOptions};
use crate::printer::Printer;
use crate::temporal_cli;

/// Where the ledger is no file, the dev server's files are named as beside this one.
const BESIDE: &str = "redrive.db";

/// The port that Temporal's clients look at by default.
const USUAL_PORT: u16 = 7233;

/// Run Redrive on this machine until Ctrl-C: a Temporal dev server, a worker, the schedule
///
/// Where Temporal's configuration names an address, that server is used and none is started. A server that is started keeps
/// its state in a file beside the ledger, so that another `up` goes on where this one ends.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// The Temporal CLI [default: REDRIVE_TEMPORAL_CLI, else .tools/temporal here or above, else `temporal` on the PATH]
    #[arg(long, value_name = "FILE")]
    temporal_cli: Option<PathBuf>,
    #[command(flatten)]
    listen: Listen,
}

/// Runs the command.
pub async fn run(args: UpArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut signals = StopSignals::listen()?;
    let config = config::load(&global.overrides())?;
    let url = LedgerUrl::parse(&config.ledger.url)?;
    let file = url.file().unwrap_or(Path::new(BESIDE)).to_owned();
    // On a server many workers may share a ledger.
    let _lock = url.file().map(LedgerLock::take).transpose()?;
    tokio::select! {
        serving = start(args, config, &file) => {
            let serving = serving?;
            serving.announce(printer).await?;
            serving.until_asked(&mut signals, printer).await
        }
        () = signals.asked() => Ok(ExitCode::SUCCESS),
    }
}

async fn start(args: UpArgs, mut config: Config, ledger: &Path) -> anyhow::Result<Serving> {
    let listen = args.listen;
    let (target, server) = match connect::address()? {
        Address::Configured => (Target::configured()?, None),
        Address::Nowhere { namespace } => {
            let options = server_options(args, ledger, namespace)?;
            let server = DevServer::start(&options).await?;
            // Its own pages are the ones to link, unless others are named.
            let ui = server.ui_address().unwrap_or_default();
            config.links.or(ui);
            (
                Target::plain(&server.address(), &options.namespace)?,
                Some((server, options)),
            )
        }
    };
    let sdk = SdkMetrics::default();
    let thread = WorkerThread::start()?.metered(sdk.clone());
    let over = Session::over(config.clone(), target.clone());
    let session = thread.make(over).await?;
    let pages = Session::over(config, target).await?;
    let fronts = Fronts {
        web: Some(listen.serve(pages, sdk).await?),
        metrics: None,
    };
    Serving::start(thread, session, server, fronts).await
}

fn server_options(
    args: UpArgs,
    ledger: &Path,
    namespace: String,
) -> anyhow::Result<DevServerOptions> {
    Ok(DevServerOptions {
        cli: temporal_cli::find(args.temporal_cli.as_deref())?,
        database: Some(ledger.with_extension("temporal.db")),
        log: ledger.with_extension("temporal.log"),
        namespace,
        port: Some(USUAL_PORT),
        ui: true,
    })
}
