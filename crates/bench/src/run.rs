//! `redrive-bench run`: every part, as often as asked for; then the table and the file.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use redrive::printer::Printer;
use redrive::temporal_cli;
use redrive_engine::{Clock, SystemClock};
use tokio::time::Instant;

use crate::figures::Figures;
use crate::ground::Tuning;
use crate::machine::Machine;
use crate::report::{Report, Setup};
use crate::seeded::Kind;
use crate::site::{Site, SiteOptions};
use crate::{backlog, commands, ledger_alone, pages, server, workers};

/// Where the files go that nobody names.
const FOLDER: &str = "target/bench";

/// Measure how fast Redrive starts failed orders again on a private Temporal server, beside what the server takes
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct RunArgs {
    /// How often each part is measured; the table shows medians.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// How many orders fail and are started again in each measurement.
    #[arg(long, value_name = "N", default_value_t = 3000)]
    pub(crate) orders: usize,
    /// How many orders a worker of the first part handles at the same time [default: as many as by default].
    #[arg(long, value_name = "N")]
    orders_at_once: Option<u32>,
    /// The size of the large backlog whose memory is measured; the small one is a fiftieth.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) backlog: u64,
    /// The sizes of ledgers, in orders; claims among the second are compared with those among the first
    #[arg(
        long,
        value_name = "N,N",
        value_delimiter = ',',
        default_values_t = [10_000, 1_000_000, 5_000_000]
    )]
    pub(crate) sizes: Vec<u64>,
    /// How many claims are measured at each size.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) claims: usize,
    /// The size of the ledger whose pages and lists are measured, in orders; a fifth of them are dead letters
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) page_orders: u64,
    /// How often each page and list is asked for, twenty times a second
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) asks: usize,
    /// A PostgreSQL server on which the ledger is measured too: the URL of a user who may make databases.
    #[arg(
        long,
        value_name = "URL",
        env = "REDRIVE_TEST_POSTGRES",
        hide_env_values = true
    )]
    postgres: Option<String>,
    /// Let the Temporal server keep its state on a file instead of in memory.
    #[arg(long)]
    on_file: bool,
    /// Measure these parts only; give several for several.
    #[arg(long, value_name = "PART", value_enum)]
    only: Vec<Part>,
    /// The file for the figures [default: a new one in target/bench].
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The Temporal CLI, if it is not found by itself.
    #[arg(long, value_name = "PATH")]
    temporal_cli: Option<PathBuf>,
}

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Redrive beside raw starts, the plain design and the server's batch reset.
    Server,
    /// The memory for a large backlog beside a small one.
    Backlog,
    /// Two workers beside one.
    Workers,
    /// The ledger alone, and the commands that look at it.
    Ledger,
    /// Every page and list on a large ledger.
    Pages,
}

impl RunArgs {
    fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// How Redrive is set in the first part.
    pub(crate) fn tuning(&self) -> Tuning {
        let usual = Tuning::default();
        Tuning {
            orders_at_once: self.orders_at_once.unwrap_or(usual.orders_at_once),
            ..usual
        }
    }

    fn databases(&self) -> Vec<Kind> {
        let servers = self.postgres.iter().cloned().map(Kind::Postgres);
        [Kind::Sqlite].into_iter().chain(servers).collect()
    }

    fn site(&self) -> anyhow::Result<SiteOptions> {
        Ok(SiteOptions {
            temporal_cli: temporal_cli::find(self.temporal_cli.as_deref())?,
            on_file: self.on_file,
        })
    }
}

/// Measures, prints the table and keeps the figures in a file. The exit code says nothing of what is reached: a figure
/// that is missed is read, not retried.
pub async fn run(args: RunArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let (began, at) = (Instant::now(), SystemClock.now());
    let options = args.site()?;
    let mut figures = Figures::default();
    let mut raw_at_once = None;
    if args.measures(Part::Server) {
        printer.say("Looking for the fastest raw starts");
        let at_once = server::best_at_once(&options, args.orders).await?;
        raw_at_once = Some(at_once);
        for run in 1..=args.runs {
            printer.say(format_args!(
                "Run {run} of {}: {} orders",
                args.runs, args.orders
            ));
            server::measure(&args, &options, at_once, &mut figures, printer).await?;
        }
    }
    if args.measures(Part::Backlog) {
        for run in 1..=args.runs {
            printer.say(format_args!("Run {run} of {}: backlogs", args.runs));
            backlog::measure(&args, &options, &mut figures, printer).await?;
        }
    }
    if args.measures(Part::Workers) {
        for run in 1..=args.runs {
            printer.say(format_args!("Run {run} of {}: workers", args.runs));
            workers::measure(&args, &options, &mut figures, printer).await?;
        }
    }
    if args.measures(Part::Ledger) {
        ledger_alone(&args, &options, &mut figures, printer).await?;
    }
    if args.measures(Part::Pages) {
        pages(&args, &options, &mut figures, printer).await?;
    }
    let report = Report {
        at: at.to_string(),
        machine: Machine::here(),
        setup: Setup {
            runs: args.runs,
            orders: args.orders,
            on_file: args.on_file,
            raw_at_once,
            seconds: began.elapsed().as_secs(),
        },
        figures: figures.all(),
    };
    let named = || PathBuf::from(FOLDER).join(format!("{}.json", at.strftime("%Y%m%dT%H%M%SZ")));
    let file = args.json.clone().unwrap_or_else(named);
    keep(&report, &file)?;
    printer.data(&report, Report::text)?;
    printer.say(format_args!("The figures are kept in {}.", file.display()));
    Ok(ExitCode::SUCCESS)
}

/// The fourth part, in each database.
async fn ledger_alone(
    args: &RunArgs,
    options: &SiteOptions,
    figures: &mut Figures,
    printer: &Printer,
) -> anyhow::Result<()> {
    printer.say("The ledger alone");
    if args.postgres.is_none() {
        printer.say("  on SQLite only: there is no --postgres");
    }
    for kind in args.databases() {
        let ledger = ledger_alone::measure(args, &kind, figures, printer).await?;
        if let Some(ledger) = ledger {
            let site = Site::open(options).await?;
            commands::measure(&site, &kind, &ledger, args.runs, figures).await?;
            site.close().await?;
        }
    }
    Ok(())
}

/// The fifth part, on each database.
async fn pages(
    args: &RunArgs,
    options: &SiteOptions,
    figures: &mut Figures,
    printer: &Printer,
) -> anyhow::Result<()> {
    printer.say("Pages and lists");
    for kind in args.databases() {
        let site = Site::open(options).await?;
        pages::measure(args, &site, &kind, figures, printer).await?;
        site.close().await?;
    }
    Ok(())
}

fn keep(report: &Report, file: &PathBuf) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(report).context("the figures are no JSON")?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    fs::write(file, text + "\n").with_context(|| format!("{} cannot be written", file.display()))
}
