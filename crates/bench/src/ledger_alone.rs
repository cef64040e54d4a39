//! The fourth part: the ledger alone, in each database, at several sizes: how long a claim takes, and how many orders a second
//! pass through.

use anyhow::bail;
use redrive::printer::Printer;

use crate::figures::{Figures, Reach, Row, quantile};
use crate::ledger_worker::{CHUNK, Worker};
use crate::run::RunArgs;
use crate::seeded::{Kind, Seeded, Supply};

/// Orders that pass through at each size, if so many are due.
const THROUGH: u64 = 20_000;
/// How much longer a claim may take at the second size than at the first, in the median and for 99 in a hundred.
const GROWTH: [f64; 2] = [1.5, 3.0];

/// What a ledger must let through, in orders a second.
fn rate(kind: &Kind) -> f64 {
    match kind {
        Kind::Sqlite => 10_000.0,
        Kind::Postgres(_) => 5_000.0,
    }
}

/// Measures every size. Returns a ledger of the second size, or of the only one: commands are measured on it.
pub(crate) async fn measure(
    args: &RunArgs,
    kind: &Kind,
    figures: &mut Figures,
    printer: &Printer,
) -> anyhow::Result<Option<(u64, Seeded)>> {
    let (name, id) = (kind.name(), kind.id());
    let mut claims = Vec::new();
    let mut kept = None;
    for (place, size) in args.sizes.iter().enumerate() {
        printer.say(format_args!("  {name}, {size} orders"));
        let mut supply = Supply::new(kind, *size);
        let took = claim(&mut supply, args.claims).await?;
        let at = [quantile(&took, 0.5), quantile(&took, 0.99)];
        for ((part, what), took) in QUANTILES.into_iter().zip(at) {
            let title = format!("{name}, {size} orders: a claim of {CHUNK}, {what}");
            figures.add(
                Row::new(format!("claim-{part}-{id}-{size}"), title, "ms"),
                took,
            );
        }
        claims.push(at);
        for run in 1..=args.runs {
            let through = through(&mut supply, run).await?;
            let title = format!("{name}, {size} orders: through claim, commit and settle");
            let row = Row::new(format!("through-{id}-{size}"), title, "orders/s");
            figures.add(row.reaching(Reach::AtLeast(rate(kind))), through);
        }
        if place <= 1 {
            kept = supply.last().map(|seeded| (*size, seeded));
        }
    }
    if let [small, large, ..] = claims[..] {
        let sizes = format!("{} orders / {}", args.sizes[1], args.sizes[0]);
        for (n, (part, what)) in QUANTILES.into_iter().enumerate() {
            let title = format!("{name}, a claim, {what}: {sizes}");
            let row = Row::new(format!("claim-{part}-growth-{id}"), title, "ratio");
            figures.add(row.reaching(Reach::AtMost(GROWTH[n])), large[n] / small[n]);
        }
    }
    Ok(kept)
}

/// The names of a claim's figures, for programs and for people.
const QUANTILES: [(&str, &str); 2] = [("p50", "median"), ("p99", "99th in a hundred")];

/// So many claims one after the other, in milliseconds each; where a ledger has too few due orders, over several.
async fn claim(supply: &mut Supply, count: usize) -> anyhow::Result<Vec<f64>> {
    let mut claims = Vec::new();
    let a_ledger = supply.most() / u64::from(CHUNK);
    if a_ledger == 0 {
        bail!("a ledger that small has too few due orders for a claim");
    }
    while claims.len() < count {
        let turns = a_ledger.min((count - claims.len()) as u64);
        let (seeded, _) = supply.with_due(turns * u64::from(CHUNK)).await?;
        let worker = Worker::open(&seeded.opened.ledger, "claims").await?;
        claims.extend(worker.claims(turns as usize).await?);
    }
    Ok(claims)
}

/// Orders a second through claim, commit and settle.
async fn through(supply: &mut Supply, run: u32) -> anyhow::Result<f64> {
    let (seeded, orders) = supply.with_due(THROUGH).await?;
    let worker = Worker::open(&seeded.opened.ledger, &format!("through-{run}")).await?;
    let took = worker.through(orders as usize).await?;
    Ok(orders as f64 / took.as_secs_f64())
}
