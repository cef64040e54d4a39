//! The third part: two workers beside one, where the server is so far away that a start is a long wait.
//!
//! No server stands behind the gateway: on a small machine a dev server would be the limit of two workers, and not they.

use redrive::printer::Printer;

use crate::drain::drain;
use crate::figures::{Figures, Reach, Row};
use crate::ground::{Ground, Tuning};
use crate::run::RunArgs;
use crate::site::{Site, SiteOptions};
use crate::worker_process::WorkerProcess;

/// What each start takes.
const DELAY_MS: u64 = 200;
/// Few orders at the same time a worker (8 in 200 ms are 40 a second), and small chunks, so that a second worker has something
/// to do.
const TUNING: Tuning = Tuning {
    orders_at_once: 8,
    batch_size: 20,
};
/// How much faster two are to be than one.
const GAIN: f64 = 1.8;

/// One run: one worker, then two.
pub(crate) async fn measure(
    args: &RunArgs,
    options: &SiteOptions,
    figures: &mut Figures,
    printer: &Printer,
) -> anyhow::Result<()> {
    let site = Site::open(options).await?;
    // As many as elsewhere: while the last chunks end, only one of two may have work.
    let orders = args.orders;
    printer.say("  one");
    let one = by(&site, 1, orders).await?;
    printer.say("  two");
    let two = by(&site, 2, orders).await?;
    site.close().await?;
    let rate = |id, title| Row::new(id, title, "orders/s");
    let (title_one, title_two) = (
        "one worker, starts delayed by 200 ms",
        "two workers, the same",
    );
    figures.add(rate("one-worker", title_one), one);
    figures.add(rate("two-workers", title_two), two);
    let gain = Row::new("two-to-one", "two workers / one", "ratio");
    figures.add(gain.reaching(Reach::AtLeast(GAIN)), two / one);
    Ok(())
}

/// Orders a second from the ledger on, by so many workers.
async fn by(site: &Site, workers: usize, orders: usize) -> anyhow::Result<f64> {
    let ground = Ground::open(site, &format!("workers-{workers}"), TUNING).await?;
    let words = [
        "--hollow".to_owned(),
        orders.to_string(),
        "--start-delay-ms".to_owned(),
        DELAY_MS.to_string(),
    ];
    let mut processes = Vec::new();
    for _ in 0..workers {
        processes.push(WorkerProcess::redrive(&ground, &words).await?);
    }
    let drained = drain(&ground, &processes, orders as u64).await?;
    for process in processes {
        process.stop().await?;
    }
    Ok(drained.ledger_rate())
}
