//! `redrive-chaos run`: a storm for each database and seed, and the audit after it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use redrive::printer::Printer;
use redrive::{audit, temporal_cli};
use tokio::time::Instant;

use crate::deaths::Quota;
use crate::faults::Faults;
use crate::outages;
use crate::plan::Plan;
use crate::report::{Report, Seconds, Wanted};
use crate::site::{Database, Site, SiteOptions};
use crate::storm::{self, Forecast};

/// Let orders fail on a private Temporal server, kill the workers that bring them back, the server and the ledger's
/// database, lose replies, fill the disk and step clocks meanwhile, and audit that none is lost and none restarted twice
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct RunArgs {
    /// What fixes the orders' faults, the kills and the operators' actions; give several for one run of each.
    #[arg(long, value_name = "N", default_values_t = [1])]
    seed: Vec<u64>,
    /// Where the ledger is; give both for one run of each.
    #[arg(long, value_name = "DATABASE", value_enum, default_values_t = [Database::Sqlite])]
    ledger: Vec<Database>,
    /// How many orders fail, beside those of the operators.
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    orders: usize,
    /// How many workers.
    #[arg(long, value_name = "N", default_value_t = 3)]
    workers: u32,
    /// Workflow starts a second, over all workers.
    #[arg(long, value_name = "RATE", default_value_t = 40.0)]
    starts_per_second: f64,
    /// How often workers are killed at each fail point.
    #[arg(long, value_name = "N", default_value_t = 6)]
    kills: u32,
    /// How often workers are killed at random while a claim is open.
    #[arg(long, value_name = "N", default_value_t = 12)]
    random_kills: u32,
    /// How often the Temporal server is killed while a claim is open.
    #[arg(long, value_name = "N", default_value_t = 6)]
    server_kills: u32,
    /// How often PostgreSQL is killed while a claim is open, where the ledger is in it.
    #[arg(long, value_name = "N", default_value_t = 6)]
    postgres_kills: u32,
    /// How often the ledger's disk is full, where the ledger is a file.
    #[arg(long, value_name = "N", default_value_t = 2)]
    full_disks: u32,
    #[command(flatten)]
    faults: Faults,
    /// Keep the folder with the server's state, the ledger and the logs; it is kept anyway where something is wrong.
    #[arg(long)]
    keep: bool,
    /// The Temporal CLI, if it is not found by itself.
    #[arg(long, value_name = "PATH")]
    temporal_cli: Option<PathBuf>,
    /// The folder of PostgreSQL's programs, if it is not found by itself.
    #[arg(long, value_name = "PATH")]
    postgres_bin: Option<PathBuf>,
}

/// Runs a storm for each database and seed. The exit code is 1 if an audit finds anything, a quota of kills was not met, an
/// act was never done, or an order ended otherwise than planned.
pub async fn run(args: RunArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for database in &args.ledger {
        for seed in &args.seed {
            if !one(&args, *database, *seed, printer).await? {
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// One storm. Returns whether everything is as it has to be.
async fn one(
    args: &RunArgs,
    database: Database,
    seed: u64,
    printer: &Printer,
) -> anyhow::Result<bool> {
    let options = SiteOptions {
        temporal_cli: temporal_cli::find(args.temporal_cli.as_deref())?,
        postgres_bin: args.postgres_bin.clone(),
        database,
        workers: args.workers,
        starts_per_second: args.starts_per_second,
        faults: args.faults,
    };
    let name = database.name();
    printer.say(format_args!(
        "Seed {seed}: starting a Temporal server and a ledger in {name}"
    ));
    let began = Instant::now();
    let plan = Plan::new(seed, args.orders, args.server_kills > 0);
    let site = Site::open(plan, &options).await?;
    let report = through(&site, args, began, printer).await;
    let ok = report.as_ref().is_ok_and(|report| report.ok);
    if let Some(folder) = site.close(args.keep || !ok).await? {
        printer.hint(format_args!(
            "the ledger, the server's state and the logs are in {}",
            folder.display()
        ));
    }
    printer.data(&report?, Report::text)?;
    Ok(ok)
}

async fn through(
    site: &Site,
    args: &RunArgs,
    began: Instant,
    printer: &Printer,
) -> anyhow::Result<Report> {
    let wanted = args.wanted(site.options.database);
    let (seed, orders) = (site.plan.faults.seed, site.plan.faults.orders.len());
    let started = began.elapsed();
    printer.say(format_args!(
        "Seed {seed}: {orders} orders come in, batches begin, and what they need is killed"
    ));
    let storm = storm::rage(site, forecast(&wanted, seed, args.orders), printer).await?;
    let raged = began.elapsed();
    printer.say("Nothing is left to do; audit");
    let (client, ledger) = (&site.ops.client, &*site.ops.engine.ledger);
    let gather = async || audit::gather(client, ledger, &site.warehouse()).await;
    let (records, books) = site.weather.ride_out(gather).await?;
    let mut report = Report::new(site, &wanted, &storm, &records, &books);
    report.seconds = Seconds {
        start: seconds(started),
        storm: seconds(raged - started),
        audit: seconds(began.elapsed() - raged),
    };
    Ok(report)
}

impl RunArgs {
    /// What has to happen in a storm over that database.
    fn wanted(&self, database: Database) -> Wanted {
        let only = |is: Database, times| if database == is { times } else { 0 };
        Wanted {
            deaths: Quota {
                each_point: self.kills,
                random: self.random_kills,
            },
            server_kills: self.server_kills,
            postgres_kills: only(Database::Postgres, self.postgres_kills),
            full_disks: only(Database::Sqlite, self.full_disks),
            faults: self.faults,
        }
    }
}

/// The first full disk comes so long after the beginning.
const FULL_FROM: Duration = Duration::from_secs(4);
/// And each other one so long after the one before.
const FULL_EVERY: Duration = Duration::from_secs(30);
/// And lasts so long after the first change that it has refused.
const FULL_FOR: Duration = Duration::from_secs(4);

fn forecast(wanted: &Wanted, seed: u64, orders: usize) -> Forecast {
    let fills = (0..wanted.full_disks).map(|number| (FULL_FROM + FULL_EVERY * number, FULL_FOR));
    Forecast {
        deaths: wanted.deaths.deaths(seed, orders),
        outages: outages::plan(seed, wanted.server_kills, wanted.postgres_kills),
        fills: fills.collect(),
    }
}

/// Rounded to tenths.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}
