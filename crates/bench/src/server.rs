//! The first part: Redrive beside bare starts, the plain design and the server's own batch reset, on one server.
//!
//! A run's ratios are taken within it, over the mean of the raw starts before and after: the machine is never quiet.

use std::time::Duration;

use redrive::printer::Printer;

use crate::drain::{self, Drained, drain};
use crate::figures::{Figures, Reach, Row};
use crate::ground::{Ground, Tuning};
use crate::orders::{Orders, await_count, fail_all, restart_raw, start_raw};
use crate::run::RunArgs;
use crate::site::{Site, SiteOptions};
use crate::worker_process::WorkerProcess;
use crate::{plain, reset};

/// How many starts at the same time are tried for the limit.
const AT_ONCE: [usize; 4] = [8, 16, 32, 64];
/// Orders of a try.
const TRIED: usize = 400;
/// The plain design and the batch reset are so slow that fewer orders do: these at most.
const PLAIN: usize = 300;
const RESET: usize = 1000;
/// Bare starts of failed orders are a rate too.
const RESTARTED: usize = 1000;
/// The types of their orders: Redrive does not look for them, and neither finds the other's.
const PLAIN_TYPE: &str = "PlainOrder";
const RESET_TYPE: &str = "ResetOrder";
const WARMUP_TYPE: &str = "WarmupOrder";
/// A queue that nobody polls.
const NOBODYS: &str = "nobody";

/// How many bare starts at the same time are the fastest.
pub(crate) async fn best_at_once(options: &SiteOptions, orders: usize) -> anyhow::Result<usize> {
    let site = Site::open(options).await?;
    let ground = Ground::open(&site, "tries", Tuning::default()).await?;
    let count = orders.min(TRIED);
    start_raw(&ground, &Orders::watched(0, count), AT_ONCE[0]).await?;
    let mut best = (Duration::MAX, AT_ONCE[0]);
    for at_once in AT_ONCE {
        let orders = Orders::watched(at_once as u64, count);
        best = best.min((start_raw(&ground, &orders, at_once).await?, at_once));
    }
    site.close().await?;
    Ok(best.1)
}

/// What one run came to.
struct Run {
    /// Bare starts a second: before the drain from the ledger, between the two drains, and after.
    raw: [f64; 3],
    /// The server's processor milliseconds a bare start.
    raw_cost: f64,
    /// Bare starts a second of orders that have failed.
    restarts: f64,
    /// The server's processor milliseconds for each of them.
    restart_cost: f64,
    /// The drain from the ledger.
    ledger: Drained,
    /// The server's processor milliseconds an order of it.
    ledger_cost: f64,
    /// The most memory of its worker, in bytes.
    memory: u64,
    /// The drain from the scan.
    scan: Drained,
    /// Orders a second of the plain design.
    plain: f64,
    /// Orders a second of the batch reset.
    reset: f64,
}

/// One run on a server of its own.
pub(crate) async fn measure(
    args: &RunArgs,
    options: &SiteOptions,
    at_once: usize,
    figures: &mut Figures,
    printer: &Printer,
) -> anyhow::Result<()> {
    let site = Site::open(options).await?;
    let run = one(&site, args, at_once, printer).await;
    site.close().await?;
    add(&run?, figures);
    Ok(())
}

async fn one(
    site: &Site,
    args: &RunArgs,
    at_once: usize,
    printer: &Printer,
) -> anyhow::Result<Run> {
    let (count, tuning) = (args.orders, args.tuning());
    printer.say("  from the ledger on");
    let ground = Ground::open(site, "ledger", tuning).await?;
    let orders = Orders::watched(1, count);
    let cpu = site.server_cpu()?;
    let before = per_second(count, start_raw(&ground, &orders, at_once).await?);
    let raw_cost = a_piece(site.server_cpu()? - cpu, count);
    fail_all(&ground, count).await?;
    drain::observe(&ground, count).await?;
    let worker = [WorkerProcess::redrive(&ground, &[]).await?];
    let cpu = site.server_cpu()?;
    let ledger = drain(&ground, &worker, count as u64).await?;
    let ledger_cost = a_piece(site.server_cpu()? - cpu, count);
    let [worker] = worker;
    let memory = worker.peak_memory()?;
    worker.stop().await?;

    printer.say("  bare starts of failed orders");
    let ground = Ground::open(site, "restarts", Tuning::default()).await?;
    let again = Orders::watched(7, count.min(RESTARTED));
    start_raw(&ground, &again, at_once).await?;
    fail_all(&ground, again.count()).await?;
    let cpu = site.server_cpu()?;
    let took = restart_raw(&ground, &again, at_once).await?;
    let restart_cost = a_piece(site.server_cpu()? - cpu, again.count());
    let restarts = per_second(again.count(), took);

    printer.say("  from the scan on");
    let ground = Ground::open(site, "scan", tuning).await?;
    let orders = Orders::watched(2, count);
    let between = per_second(count, start_raw(&ground, &orders, at_once).await?);
    fail_all(&ground, count).await?;
    let worker = [WorkerProcess::redrive(&ground, &[]).await?];
    let scan = drain(&ground, &worker, count as u64).await?;
    let [worker] = worker;
    worker.stop().await?;

    let Others { raw, plain, reset } = others(site, count, at_once, printer).await?;
    Ok(Run {
        raw: [before, between, raw],
        raw_cost,
        restarts,
        restart_cost,
        ledger,
        ledger_cost,
        memory,
        scan,
        plain,
        reset,
    })
}

/// Orders a second of what Redrive is compared with.
struct Others {
    raw: f64,
    plain: f64,
    reset: f64,
}

async fn others(
    site: &Site,
    count: usize,
    at_once: usize,
    printer: &Printer,
) -> anyhow::Result<Others> {
    let ground = Ground::open(site, "others", Tuning::default()).await?;
    let (of_plain, of_reset) = ((count / 3).clamp(1, PLAIN), (count / 3).clamp(1, RESET));
    let plains = Orders::unwatched(3, of_plain, PLAIN_TYPE);
    let resets = Orders::unwatched(4, of_reset, RESET_TYPE);
    let rest = count.saturating_sub(of_plain + of_reset);
    let rest = Orders::watched(5, rest).on_queue(NOBODYS);
    let mut took = Duration::ZERO;
    for orders in [&plains, &resets, &rest] {
        took += start_raw(&ground, orders, at_once).await?;
    }
    let raw = per_second(of_plain + of_reset + rest.count(), took);
    let warmup = Orders::unwatched(6, 1, WARMUP_TYPE);
    start_raw(&ground, &warmup, 1).await?;
    fail_all(&ground, of_plain + of_reset + 1).await?;

    printer.say("  the plain design");
    let plain = per_second(of_plain, plain::restart(&ground, &plains).await?);
    printer.say("  the server's batch reset");
    // A namespace's first batch operation waits for the server's own worker to come up.
    reset::reset_all(&ground, WARMUP_TYPE, 1).await?;
    let reset = reset::reset_all(&ground, RESET_TYPE, of_reset).await?;
    for (kind, count) in [(PLAIN_TYPE, of_plain), (RESET_TYPE, of_reset)] {
        let query = format!("WorkflowType = '{kind}' AND ExecutionStatus = 'Running'");
        await_count(&ground, &query, count).await?;
    }
    Ok(Others {
        raw,
        plain,
        reset: per_second(of_reset, reset),
    })
}

fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Milliseconds for each.
fn a_piece(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1000.0 / count as f64
}

const RATE: &str = "orders/s";
const RATIO: &str = "ratio";
const MS: &str = "ms";

fn add(run: &Run, figures: &mut Figures) {
    let Run {
        raw: [before, between, after],
        ledger,
        scan,
        plain,
        reset,
        ..
    } = run;
    let (from_ledger, from_scan) = (ledger.ledger_rate(), scan.scan_rate());
    let rate = |id, title| Row::new(id, title, RATE);
    let ratio = |id, title, least| Row::new(id, title, RATIO).reaching(Reach::AtLeast(least));
    let at_most = |id, title, unit, most| Row::new(id, title, unit).reaching(Reach::AtMost(most));
    for raw in [before, between, after] {
        figures.add(rate("raw-starts", "raw starts, the limit"), *raw);
    }
    let samples = [
        (
            rate("raw-restarts", "bare starts of failed orders"),
            run.restarts,
        ),
        (
            rate("from-ledger", "Redrive from the ledger on"),
            from_ledger,
        ),
        (rate("from-scan", "Redrive from the scan on"), from_scan),
        (rate("plain", "plain design, one activity an order"), *plain),
        (rate("batch-reset", "the server's batch reset"), *reset),
        (
            ratio("from-ledger-to-raw", "from the ledger on / raw starts", 0.8),
            2.0 * from_ledger / (before + between),
        ),
        (
            Row::new(
                "from-ledger-to-restarts",
                "from the ledger on / bare starts of failed orders",
                RATIO,
            ),
            from_ledger / run.restarts,
        ),
        (
            ratio("from-scan-to-raw", "from the scan on / raw starts", 0.5),
            2.0 * from_scan / (between + after),
        ),
        (
            ratio(
                "from-ledger-to-plain",
                "from the ledger on / plain design",
                4.0,
            ),
            from_ledger / plain,
        ),
        (
            ratio(
                "from-ledger-to-reset",
                "from the ledger on / batch reset",
                1.5,
            ),
            from_ledger / reset,
        ),
        (
            at_most("cpu", "Redrive's CPU an order, from the ledger on", MS, 1.0),
            ledger.cpu_an_order(),
        ),
        (
            at_most(
                "cpu-with-scan",
                "Redrive's CPU an order, from the scan on",
                MS,
                1.0,
            ),
            scan.cpu_an_order(),
        ),
        (
            Row::new("server-cpu-raw", "Temporal's CPU a raw start", MS),
            run.raw_cost,
        ),
        (
            Row::new(
                "server-cpu-restarts",
                "Temporal's CPU a bare start of a failed order",
                MS,
            ),
            run.restart_cost,
        ),
        (
            Row::new("server-cpu", "Temporal's CPU an order of Redrive's", MS),
            run.ledger_cost,
        ),
        (
            at_most("events", "history events an order", "events", 0.1),
            scan.an_order(scan.events as f64),
        ),
        (
            Row::new("actions", "billable actions an order", "actions"),
            scan.an_order(scan.actions as f64),
        ),
        (
            Row::new("memory", "peak memory of a drain", "MiB"),
            run.memory as f64 / 1024.0 / 1024.0,
        ),
    ];
    for (row, sample) in samples {
        figures.add(row, sample);
    }
}
