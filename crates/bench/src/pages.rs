//! The fifth part: every page and every list, on a ledger that has been in use for long: how long an answer takes while twenty are
//! asked for a second, and whether answering takes more and more memory.

use std::time::Duration;

use redrive::printer::Printer;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::figures::{Figures, Reach, Row, quantile};
use crate::run::RunArgs;
use crate::seeded::{Kind, Seeded};
use crate::serve_process::{ServeProcess, get};
use crate::site::Site;

/// Between two requests: twenty a second, whether or not the one before is answered.
const EVERY: Duration = Duration::from_millis(50);
/// How long 95 in a hundred answers may take at most.
const MOST_MS: f64 = 100.0;
/// How much more memory it may have after answering everything again.
const GROWTH: f64 = 1.1;
/// How often everything is asked for again while memory is watched.
const ROUNDS: usize = 10;

/// What is asked for. The order is a dead letter, and the customer has two hundred of them; a batch is named beside these.
const PATHS: [&str; 34] = [
    "/",
    "/dead-letters",
    "/dead-letters?resolved=true",
    "/dead-letters?failureStatus=shipping_failed",
    "/dead-letters?customerId=CUST-10014",
    "/dead-letters?olderThanHours=0",
    "/orders",
    "/orders?state=held",
    "/orders?failureStatus=shipping_failed&group=group-7",
    "/orders?customerId=CUST-10014",
    "/orders/SEED-10000014",
    "/failures",
    "/batches",
    "/schedule",
    "/api",
    "/metrics",
    "/api/v1/status",
    "/api/v1/reprocessing/eligible",
    "/api/v1/reprocessing/eligible?status=shipping_failed",
    "/api/v1/reprocessing/orders/SEED-10000014/retry-count",
    "/api/v1/dead-letter-queue",
    "/api/v1/dead-letter-queue?resolved=true",
    "/api/v1/dead-letter-queue?limit=200&offset=10000",
    "/api/v1/dead-letter-queue?olderThanHours=0",
    "/api/v1/dead-letter-queue/stats",
    "/api/v1/dead-letter-queue/SEED-10000014",
    "/api/v1/orders",
    "/api/v1/orders/SEED-10000014",
    "/api/v1/failures",
    "/api/v1/failures?failureStatus=shipping_failed",
    "/api/v1/failures?group=group-7",
    "/api/v1/failures/groups",
    "/api/v1/batches",
    "/api/v1/reports/daily",
];

/// Measures every page and list on one ledger of that kind.
pub(crate) async fn measure(
    args: &RunArgs,
    site: &Site,
    kind: &Kind,
    figures: &mut Figures,
    printer: &Printer,
) -> anyhow::Result<()> {
    let size = args.page_orders;
    printer.say(format_args!("  {}, {size} orders", kind.name()));
    let seeded = Seeded::new(kind, size).await?;
    let paths = paths(&seeded).await?;
    let serving = ServeProcess::start(site, &seeded.url).await?;
    for path in &paths {
        // What is asked for the first time is read from the disk.
        get(serving.address(), path).await?;
        let took = asked(serving.address(), path, args.asks).await?;
        let id = format!("page{}-{}-{size}", slug(path), kind.id());
        let title = format!("{}, {size} orders: {path}, 95th in a hundred", kind.name());
        let row = Row::new(id, title, "ms").reaching(Reach::AtMost(MOST_MS));
        figures.add(row, quantile(&took, 0.95));
    }
    memory(&serving, &paths, (size, kind), figures).await?;
    serving.stop().await
}

/// What is asked for, with a batch of this ledger.
async fn paths(seeded: &Seeded) -> anyhow::Result<Vec<String>> {
    let mut paths: Vec<String> = PATHS.into_iter().map(str::to_owned).collect();
    if let Some(batch) = seeded.opened.ledger.batches(1).await?.pop() {
        let id = batch.result.batch_id;
        paths.push(format!("/batches/{id}"));
        paths.push(format!("/api/v1/batches/{id}?limit=500"));
    }
    Ok(paths)
}

/// The path as a part of a name; which batch it is makes no difference.
fn slug(path: &str) -> String {
    let name = path.replace("/batches/batch-", "/one-batch-");
    let plain = name.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
        _ => '-',
    });
    plain.collect()
}

/// Asks so often, twenty times a second. Returns how long each took from when it was to be asked, in milliseconds.
async fn asked(address: &str, path: &str, asks: usize) -> anyhow::Result<Vec<f64>> {
    let mut answers = JoinSet::new();
    let mut turns = interval(EVERY);
    for _ in 0..asks {
        let due = turns.tick().await;
        let (address, path) = (address.to_owned(), path.to_owned());
        answers.spawn(async move {
            get(&address, &path).await?;
            anyhow::Ok(due.elapsed())
        });
    }
    let answers = answers.join_all().await.into_iter();
    answers
        .map(|took| Ok(took?.as_secs_f64() * 1000.0))
        .collect()
}

/// The memory after everything was answered, and after it was answered again and again.
async fn memory(
    serving: &ServeProcess,
    paths: &[String],
    (size, kind): (u64, &Kind),
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let before = serving.memory()?;
    let mut turns = interval(EVERY);
    for _ in 0..ROUNDS {
        for path in paths {
            turns.tick().await;
            get(serving.address(), path).await?;
        }
    }
    let after = serving.memory()?;
    let (name, id) = (kind.name(), kind.id());
    let told = |what: &str| format!("{name}, {size} orders: pages, {what}");
    let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    figures.add(
        Row::new(format!("pages-memory-{id}-{size}"), told("memory"), "MiB"),
        mib(after),
    );
    let title = told("memory after all of them again, to before");
    let growth = Row::new(format!("pages-memory-growth-{id}-{size}"), title, "ratio");
    figures.add(
        growth.reaching(Reach::AtMost(GROWTH)),
        mib(after) / mib(before),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_a_name_of_its_own() {
        let mut names: Vec<String> = PATHS.iter().map(|path| slug(path)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PATHS.len());
        assert_eq!(
            slug("/api/v1/batches/batch-7?limit=500"),
            "-api-v1-one-batch-7-limit-500"
        );
    }
}
