//! The second part: a large backlog beside a small one, through the whole of a batch, with no server behind the gateway.

use redrive::printer::Printer;

use crate::drain::{Drained, drain};
use crate::figures::{Figures, Reach, Row};
use crate::ground::{Ground, Tuning};
use crate::run::RunArgs;
use crate::site::{Site, SiteOptions};
use crate::worker_process::WorkerProcess;

/// The large backlog is so many times the small one.
const TIMES: u64 = 50;
/// What the worker may need for the large one, in MiB.
const MEMORY: f64 = 150.0;
/// And how much more than for the small one.
const GROWTH: f64 = 1.2;

/// One run: the small backlog, then the large one.
pub(crate) async fn measure(
    args: &RunArgs,
    options: &SiteOptions,
    figures: &mut Figures,
    printer: &Printer,
) -> anyhow::Result<()> {
    let large = args.backlog;
    let small = (large / TIMES).max(1);
    let site = Site::open(options).await?;
    printer.say(format_args!("  {small} orders"));
    let (_, of_small) = one(&site, "small", small).await?;
    printer.say(format_args!("  {large} orders"));
    let (drained, of_large) = one(&site, "large", large).await?;
    site.close().await?;
    let memory = |id, orders| Row::new(id, format!("peak memory, a backlog of {orders}"), "MiB");
    figures.add(memory("memory-small", small), of_small);
    let most = Reach::AtMost(MEMORY);
    figures.add(memory("memory-large", large).reaching(most), of_large);
    let growth = Row::new(
        "memory-growth",
        "peak memory, large / small backlog",
        "ratio",
    );
    figures.add(growth.reaching(Reach::AtMost(GROWTH)), of_large / of_small);
    let alone = "Redrive by itself, a server that takes no time";
    figures.add(Row::new("alone", alone, "orders/s"), drained.ledger_rate());
    let cpu = Row::new("alone-cpu", "its CPU an order, from the scan on", "ms");
    figures.add(cpu, drained.cpu_an_order());
    Ok(())
}

/// Drains a backlog from the scan on, and says what memory its worker needed, in MiB.
async fn one(site: &Site, name: &str, orders: u64) -> anyhow::Result<(Drained, f64)> {
    let ground = Ground::open(site, name, Tuning::default()).await?;
    let words = ["--hollow".to_owned(), orders.to_string()];
    let workers = [WorkerProcess::redrive(&ground, &words).await?];
    let drained = drain(&ground, &workers, orders).await?;
    let [worker] = workers;
    let memory = worker.peak_memory()?;
    worker.stop().await?;
    Ok((drained, memory as f64 / 1024.0 / 1024.0))
}
