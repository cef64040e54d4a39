//! The storm: lives, batches, deeds and halts at the same time, until nothing is left to do.

use std::time::Duration;

use redrive::printer::Printer;
use redrive_core::states::State;
use redrive_engine::{Clock, SystemClock};
use tokio::sync::watch;

use crate::batches::{self, Ran};
use crate::deaths::Death;
use crate::deeds::{self, Did};
use crate::halts::{self, Still};
use crate::lives::{self, Kill, hits};
use crate::site::Site;

/// How often it is told how far it is.
const TELL: Duration = Duration::from_secs(10);

/// What happened in a storm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Storm {
    /// The kills.
    pub kills: Vec<Kill>,
    /// The batches.
    pub batches: Vec<Ran>,
    /// The deeds.
    pub deeds: Vec<Did>,
    /// When starts were halted.
    pub still: Vec<Still>,
}

/// Lets it rage.
///
/// Errors: a worker ends that was not killed, an operator or a batch cannot reach the server, there is no end of it.
pub(crate) async fn rage(
    site: &Site,
    deaths: Vec<Death>,
    printer: &Printer,
) -> anyhow::Result<Storm> {
    let (over, is_over) = watch::channel(false);
    let (busy, is_busy) = watch::channel(true);
    let (kills, seen_kills) = watch::channel(Vec::new());
    let planned = deaths.len();
    let lives = lives::run(site, deaths, &kills, is_over);
    let operators = async {
        let done = tokio::try_join!(
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
    let done = tokio::select! {
        done = async { tokio::try_join!(lives, batches, operators) } => done?,
        failed = tell(site, &seen_kills, planned, printer) => return Err(failed),
    };
    let ((), batches, (deeds, still)) = done;
    let kills = seen_kills.borrow().clone();
    Ok(Storm {
        kills,
        batches,
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
        let closed = async {
            let mut closed = 0;
            for state in State::ALL.iter().filter(|state| !waits(**state)) {
                closed += site.count(*state).await?;
            }
            anyhow::Ok(closed)
        };
        let closed = match closed.await {
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
