//! The storm: arrivals, lives, outages, batches, deeds, halts and a full disk at the same time, until nothing is left to do.

use std::time::Duration;

use redrive::printer::Printer;
use redrive_core::states::State;
use redrive_engine::{Clock, SystemClock};
use tokio::sync::watch;

use crate::batches::{self, AllRan};
use crate::deaths::Death;
use crate::deeds::{self, Did};
use crate::disk::{self, Filled};
use crate::halts::{self, Still};
use crate::lives::{self, Kill, hits};
use crate::outages::{self, Outage, Planned};
use crate::site::Site;
use crate::told::Mishaps;

/// How often it is told how far it is.
const TELL: Duration = Duration::from_secs(10);

/// What a storm has in store, beside what the seed's plan fixes.
#[derive(Debug, Clone)]
pub(crate) struct Forecast {
    /// How workers are to die.
    pub deaths: Vec<Death>,
    /// What is killed beside them.
    pub outages: Vec<Planned>,
    /// When the ledger's disk is full, and for how long.
    pub fills: Vec<(Duration, Duration)>,
}

/// What happened in a storm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Storm {
    /// The kills.
    pub kills: Vec<Kill>,
    /// The outages.
    pub outages: Vec<Outage>,
    /// When the disk was full.
    pub filled: Vec<Filled>,
    /// What else went wrong in workers.
    pub mishaps: Mishaps,
    /// How often a worker ended by itself in an outage, and was started again.
    pub fell: u64,
    /// The batches.
    pub ran: AllRan,
    /// The deeds.
    pub deeds: Vec<Did>,
    /// When starts were halted.
    pub still: Vec<Still>,
}

/// Lets it rage.
///
/// Errors: a worker ends by itself in fair weather, what was killed does not come back, an operator or a batch cannot reach
/// the server, there is no end of it.
pub(crate) async fn rage(
    site: &Site,
    forecast: Forecast,
    printer: &Printer,
) -> anyhow::Result<Storm> {
    let (over, is_over) = watch::channel(false);
    let (busy, is_busy) = watch::channel(true);
    let (kills, seen_kills) = watch::channel(Vec::new());
    let planned = forecast.deaths.len();
    let lives = lives::run(site, forecast.deaths, &kills, is_over.clone());
    let outages = outages::run(site, forecast.outages, is_over.clone());
    let fills = disk::run(site, &forecast.fills, is_over);
    let people = async {
        let done = tokio::try_join!(
            site.start_orders(),
            deeds::run(site, &site.plan.deeds),
            halts::run(site, &site.plan.halts)
        )?;
        busy.send_replace(false);
        anyhow::Ok(done)
    };
    let batches = async {
        let ran = batches::run(site, is_busy, seen_kills.clone(), planned).await?;
        over.send_replace(true);
        anyhow::Ok(ran)
    };
    let all = async { tokio::try_join!(lives, outages, fills, batches, people) };
    let done = tokio::select! {
        done = all => done?,
        failed = tell(site, &seen_kills, planned, printer) => return Err(failed),
    };
    let (fell, outages, filled, ran, ((), deeds, still)) = done;
    let kills = seen_kills.borrow().clone();
    Ok(Storm {
        kills,
        outages,
        filled,
        mishaps: site.told.mishaps(),
        fell,
        ran,
        deeds,
        still,
    })
}

/// Tells how it goes on, until the ledger cannot be read.
async fn tell(
    site: &Site,
    kills: &watch::Receiver<Vec<Kill>>,
    planned: usize,
    printer: &Printer,
) -> anyhow::Error {
    let orders = site.plan.faults.orders.len();
    loop {
        SystemClock.sleep(TELL).await;
        let closed = async || {
            let mut closed = 0;
            for state in State::ALL.iter().filter(|state| !waits(**state)) {
                closed += site.count(*state).await?;
            }
            anyhow::Ok(closed)
        };
        let closed = match site.weather.ride_out(closed).await {
            Ok(closed) => closed,
            Err(error) => return error,
        };
        let counted = hits(&kills.borrow());
        printer.say(format_args!(
            "  {counted} of {planned} kills; {closed} of {orders} orders have recovered, stopped or are dead letters"
        ));
    }
}

/// Whether batches still have to do with such an order.
fn waits(state: State) -> bool {
    state.is_open() && state != State::DeadLettered
}
