//! `redrive demo`: orders fail on a real Temporal server, and Redrive brings them back; then the audit.
//!
//! *First wave*: every order is started once, as the order service starts it, and runs until it completes or fails.

mod batches;
mod outcome;
mod progress;
#[cfg(test)]
mod rehearsed;
mod report;
mod rest;
mod settings;
mod site;
mod text;
#[cfg(test)]
mod world;

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;

use redrive_fulfillment::{Class, FaultPlan, StartOptions, Window, start_orders};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::printer::Printer;
use crate::{audit, environment, temporal_cli};
use progress::Progress;
use report::{Report, Times, seconds};
use rest::{Orders, at_rest};
use site::Site;

/// This program's name.
const NAME: &str = "redrive";
/// The exit code of a program that Ctrl-C ended, as shells have it.
const INTERRUPTED: u8 = 130;

/// The run timeout of an order that hangs: long beside the ten seconds that a hundred restarts take on two cores, short
/// for who waits.
const RUN_TIMEOUT_MS: u64 = 12_000;

/// Lets orders run and fail on a private Temporal server, brings them back, and audits that none is lost and none
/// restarted twice.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct DemoArgs {
    /// How many orders to start.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub orders: u32,
    /// Which orders fail, where and how often: the same seed makes the same plan.
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Leave everything running at the end, with Temporal's web UI, until Ctrl-C.
    #[arg(long)]
    pub keep: bool,
    /// The Temporal CLI, if it is not found by itself.
    #[arg(long, value_name = "PATH")]
    pub temporal_cli: Option<PathBuf>,
}

/// Runs the demo. The exit code is 1 if the audit finds anything, or an order ended otherwise than its class expects.
///
/// Errors: there is no Temporal CLI; the server, a worker, the ledger or a batch fails.
pub async fn run(args: DemoArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let cli = temporal_cli::find(args.temporal_cli.as_deref())?;
    let plan = plan(&args);
    let mut stop = pin!(asked_to_stop());
    let began = Instant::now();
    let mut progress = Progress::new(printer);
    progress.begin("Starting a Temporal server, a ledger and two workers", 0);
    let site = tokio::select! {
        site = Site::open(&plan, cli, args.keep, settings::policy()) => site?,
        () = &mut stop => return Ok(ExitCode::from(INTERRUPTED)),
    };
    let start = seconds(began.elapsed());
    let shown = tokio::select! {
        shown = show(&site, &plan, start, progress, printer) => shown.map(Some),
        () = &mut stop => Ok(None),
    };
    if let (Ok(Some(report)), true) = (&shown, args.keep) {
        keep(&site, report, printer);
        stop.await;
    }
    let closed = site.close().await;
    let code = shown?.map_or(ExitCode::from(INTERRUPTED), |report| report.exit_code());
    closed?;
    Ok(code)
}

/// Returns on Ctrl-C, or when somebody ends the process.
async fn asked_to_stop() {
    let mut terminated = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminated {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// The carrier is down until the demo says otherwise, so that an outage outlasts a restart on any machine; and a run
/// times out only where it hangs, however many share the machine with it.
fn plan(args: &DemoArgs) -> FaultPlan {
    let mut plan = FaultPlan::seeded(args.seed, args.orders as usize)
        .with_outage(batches::OUTAGE, Window::UntilReleased);
    for order in &mut plan.orders {
        if let Class::Slow { run_timeout_ms, .. } = &mut order.class {
            *run_timeout_ms = RUN_TIMEOUT_MS;
        }
    }
    plan
}

async fn show(
    site: &Site,
    plan: &FaultPlan,
    start: f64,
    mut progress: Progress<'_>,
    printer: &Printer,
) -> anyhow::Result<Report> {
    progress.done(format_args!(
        "A Temporal server, a ledger and two workers run in {}.",
        site.folder().display()
    ));
    let mut report = watch(site, plan, &mut progress).await?;
    report.seconds.start = start;
    drop(progress);
    printer.data(&report, text::text)?;
    Ok(report)
}

/// The demo proper: first wave, batches, audit.
async fn watch(
    site: &Site,
    plan: &FaultPlan,
    progress: &mut Progress<'_>,
) -> anyhow::Result<Report> {
    let ids = plan.orders.iter().map(|order| order.workflow_id().into());
    let mut orders = Orders::new(ids.collect());
    let began = Instant::now();
    progress.begin("First wave", orders.all);
    start_orders(site.client(), plan, &StartOptions::default()).await?;
    at_rest(&site.ops, &mut orders, progress).await?;
    let (all, completed, failed) = (orders.all, orders.completed(), orders.failed());
    progress.done(format_args!(
        "First wave: of {all} orders {completed} completed and {failed} failed."
    ));
    let first_wave = began.elapsed();
    let batches = batches::run(site, &mut orders, progress).await?;
    let after_batches = began.elapsed();
    progress.begin("Audit", 0);
    let (records, books) = audit::gather(
        site.client(),
        &*site.ops.engine.ledger,
        &site.warehouse_folder(),
    )
    .await?;
    let mut report = Report::new(plan, &batches, &records, &books);
    report.seconds = Times {
        start: 0.0,
        first_wave: seconds(first_wave),
        batches: seconds(after_batches - first_wave),
        audit: seconds(began.elapsed() - after_batches),
    };
    Ok(report)
}

/// Says how to look around.
fn keep(site: &Site, report: &Report, printer: &Printer) {
    let ledger = site.ledger();
    let (address, ledger, folder) = (site.address(), ledger.display(), site.folder().display());
    let (ui, redrive) = (site.ui().unwrap_or_default(), redrive());
    printer.say(format_args!(
        "\nEverything goes on running until Ctrl-C; the folder {folder} stays after it.\n\
         Temporal's web UI: {ui}\n\
         To look around, in another terminal:\n\n  \
           export TEMPORAL_ADDRESS={address} REDRIVE_LEDGER_URL={ledger}\n  \
           {redrive} status\n  {redrive} dlq list"
    ));
    if let Some(letter) = report.dead_letters.first() {
        printer.say(format_args!("  {redrive} orders show {}", letter.order_id));
    }
}

/// How this program is called from another terminal: by its name where the PATH has it, else by its path.
fn redrive() -> String {
    let path = environment::raw("PATH").unwrap_or_default();
    let named = std::env::split_paths(&path).any(|folder| folder.join(NAME).is_file());
    let this = std::env::current_exe().ok().filter(|_| !named);
    this.map_or_else(|| NAME.to_owned(), |this| this.display().to_string())
}
