//! `redrive serve` and `redrive openapi`, and the HTTP side of `redrive up`.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use redrive_engine::ops::Records;
use redrive_engine::{ScheduleSettings, SdkMetrics};
use redrive_web::{Access, App, OneAtATime, Scrape, Serving};
use serde::Serialize;
use url::Url;

use super::signals::StopSignals;
use super::{Global, Session, Verb};
use crate::config::{AccessKind, Config, WebConfig};
use crate::connect;
use crate::printer::Printer;
use crate::problem::Problem;

/// Serve the pages and the HTTP API, without a worker, until Ctrl-C or SIGTERM
///
/// Run as many as you like on one ledger; `redrive up` serves them, too.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    #[command(flatten)]
    listen: Listen,
}

/// What is served, as it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Served {
    api: String,
}

/// Serves.
pub async fn run(args: ServeArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut signals = StopSignals::listen()?;
    let session = Session::open(global, Verb::OnExisting).await?;
    let web = args.listen.serve(session, SdkMetrics::default()).await?;
    let served = Served { api: api(&web) };
    printer.data(&served, |served, paint| {
        format!("{} {}", paint.bold("API"), served.api)
    })?;
    printer.say("Ready. Ctrl-C stops it.");
    signals.asked().await;
    printer.say("Stopping: requests under way are answered first.");
    web.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// Where the API is.
pub(super) fn api(web: &Serving) -> String {
    format!("http://{}/api/v1", web.address())
}

/// Print what the HTTP API is, as OpenAPI 3.1
#[derive(Debug, clap::Args)]
pub struct OpenApiArgs {}

/// Prints it.
pub fn openapi(_: &OpenApiArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    printer.text(&(redrive_web::openapi().to_pretty_json()? + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Where to listen.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Listen {
    /// Where to answer over HTTP: an address of this machine alone where web.access is open [default: REDRIVE_LISTEN, else web.listen, 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Listen {
    /// Serves what `session` reaches, and what the SDK counts in this process.
    pub async fn serve(self, session: Session, sdk: SdkMetrics) -> anyhow::Result<Serving> {
        let Session {
            config,
            target,
            ops,
        } = session;
        let address = self.listen.unwrap_or(config.web.listen);
        let access = access(&config.web, address, &ops.records).await?;
        let app = App {
            access,
            links: config.links.over(target.namespace()),
            schedule: ScheduleSettings {
                id: config.schedule.id,
                task_queue: config.worker.task_queue,
                interval: config.schedule.interval,
            },
            ops,
            sdk,
            one_at_a_time: OneAtATime::default(),
        };
        let serving = Serving::start(app, address).await;
        Ok(serving.map_err(|error| taken(address, &error))?)
    }
}

/// Whether what is configured for the web can be served.
pub(super) fn check(web: &WebConfig) -> Result<(), Problem> {
    safe(web, web.listen)?;
    public(&web.public_url).map(drop)
}

fn safe(web: &WebConfig, address: SocketAddr) -> Result<(), Problem> {
    if web.access != AccessKind::Open || address.ip().is_loopback() {
        return Ok(());
    }
    Err(Problem::user(
        format!("{address} is an address that others reach, and nobody is asked who they are."),
        "let everybody show a token (web.access = \"tokens\"), or listen on 127.0.0.1 or [::1] (web.listen, --listen).",
    ))
}

/// Who is let in at `address`. Where nobody is asked who they are, nobody else may reach it.
async fn access(web: &WebConfig, address: SocketAddr, records: &Records) -> anyhow::Result<Access> {
    safe(web, address)?;
    let access = match web.access {
        AccessKind::Open => Access::open(),
        AccessKind::Tokens if records.tokens().await?.is_empty() => {
            return Err(Problem::user(
                "web.access is \"tokens\", and there is none: nobody could come in.",
                "make the first: `redrive token create --role admin --name NAME`.",
            )
            .into());
        }
        AccessKind::Tokens => Access::by_token(public(&web.public_url)?),
    };
    Ok(access.at_most(web.requests_per_second))
}

fn public(url: &str) -> Result<Option<Url>, Problem> {
    if url.is_empty() {
        return Ok(None);
    }
    let read = Url::parse(url).ok();
    let web = read.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    web.map(Some).ok_or_else(|| {
        Problem::user(
            format!("web.public_url is {url:?}, which is no address of a web page."),
            "write it like https://redrive.example.",
        )
    })
}

/// Serves a worker's numbers alone, through a door to the ledger of its own: a scrape keeps no batch waiting.
pub(super) async fn metrics(
    config: &Config,
    sdk: SdkMetrics,
    address: SocketAddr,
) -> anyhow::Result<Serving> {
    let scrape = Scrape {
        records: connect::records(config).await?,
        interval: config.schedule.interval,
        sdk,
    };
    let serving = Serving::metrics(scrape, address).await;
    serving.map_err(|error| {
        let what = format!("no numbers can be served on {address}: {error}.");
        let hint = "is another `redrive worker` running there? Take another address with --metrics-listen or metrics.listen.";
        Problem::user(what, hint).into()
    })
}

fn taken(address: SocketAddr, error: &io::Error) -> Problem {
    Problem::user(
        format!("nothing can be served on {address}: {error}."),
        "is another `redrive up` or `redrive serve` running? Listen elsewhere with --listen, or on any free port: 127.0.0.1:0.",
    )
}
