//! `redrive-chaos run`: a storm for each seed, and the audit after it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use redrive::printer::Printer;
use redrive::{audit, temporal_cli};
use tokio::time::Instant;

use crate::deaths::Quota;
use crate::plan::Plan;
use crate::report::{Report, Seconds};
use crate::site::{Site, SiteOptions};
use crate::storm;

/// Let orders fail on a private Temporal server, kill the worker that brings them back, and audit that none is lost and
/// none restarted twice
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct RunArgs {
    /// What fixes the orders' faults, the kills and the operators' actions; give several for one run of each.
    #[arg(long, value_name = "N", default_values_t = [1])]
    seed: Vec<u64>,
    /// How many orders fail, beside those of the operators.
    #[arg(long, value_name = "N", default_value_t = 500)]
    orders: usize,
    /// Workflow starts a second.
    #[arg(long, value_name = "RATE", default_value_t = 20.0)]
    starts_per_second: f64,
    /// How often the worker is killed at each fail point.
    #[arg(long, value_name = "N", default_value_t = 5)]
    kills: u32,
    /// How often it is killed at random while a claim is open.
    #[arg(long, value_name = "N", default_value_t = 10)]
    random_kills: u32,
    /// Keep the folder with the server's state, the ledger and the logs; it is kept anyway where something is wrong.
    #[arg(long)]
    keep: bool,
    /// The Temporal CLI, if it is not found by itself.
    #[arg(long, value_name = "PATH")]
    temporal_cli: Option<PathBuf>,
}

/// Runs a storm for each seed. The exit code is 1 if an audit finds anything, a quota of kills was not met, an act was
/// never done, or an order ended otherwise than planned.
pub async fn run(args: RunArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for seed in &args.seed {
        if !one(&args, *seed, printer).await? {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// One seed. Returns whether everything is as it has to be.
async fn one(args: &RunArgs, seed: u64, printer: &Printer) -> anyhow::Result<bool> {
    let options = SiteOptions {
        temporal_cli: temporal_cli::find(args.temporal_cli.as_deref())?,
        starts_per_second: args.starts_per_second,
    };
    printer.say(format_args!(
        "Seed {seed}: starting a Temporal server and a ledger"
    ));
    let began = Instant::now();
    let mut site = Site::open(Plan::new(seed, args.orders), &options).await?;
    let report = through(&mut site, args, began, printer).await;
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
    site: &mut Site,
    args: &RunArgs,
    began: Instant,
    printer: &Printer,
) -> anyhow::Result<Report> {
    let quota = Quota {
        each_point: args.kills,
        random: args.random_kills,
    };
    let (seed, orders) = (site.plan.faults.seed, site.plan.faults.orders.len());
    printer.say(format_args!("Seed {seed}: starting {orders} orders"));
    site.start_orders().await?;
    let started = began.elapsed();
    printer.say("Batches begin, and the worker is killed");
    let storm = storm::rage(site, quota.deaths(seed, args.orders), printer).await?;
    let raged = began.elapsed();
    printer.say("Nothing is left to do; audit");
    let ledger = &*site.ops.engine.ledger;
    let (records, books) = audit::gather(&site.ops.client, ledger, &site.warehouse()).await?;
    let mut report = Report::new(&site.plan, quota, &storm, &records, &books);
    report.seconds = Seconds {
        start: seconds(started),
        storm: seconds(raged - started),
        audit: seconds(began.elapsed() - raged),
    };
    Ok(report)
}

/// Rounded to tenths.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}
