//! Waiting for a batch to end: on a terminal with its progress, and not for ever without a word.

use std::time::{Duration, Instant};

use redrive_core::report::ReprocessingResult;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::Halt;
use redrive_web::views::{BatchNow, BatchStarted, NewBatch};

use super::progress::{Bar, Told};
use crate::backend::Backend;
use crate::cli::Session;
use crate::cli::signals::StopSignals;
use crate::printer::Printer;
use crate::problem::{self, Problem};

/// How long a batch may go on before we look whether anybody works on it.
const QUIET: Duration = Duration::from_secs(10);

/// So many looks in a row may come to nothing, with a pause after each: whoever is asked may be starting again.
const MISSED: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

/// The batch's result, and whether starts are halted then; `None` where Ctrl-C ended the waiting.
pub(super) async fn for_end(
    backend: &Backend<Session>,
    new: &NewBatch,
    started: &BatchStarted,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<Option<(ReprocessingResult, Option<Halt>)>> {
    let bar = Bar::new(&started.workflow_id, printer);
    let ended = tokio::select! {
        ended = followed(backend, new, started, &bar, printer) => ended.map(Some),
        () = signals.asked() => Ok(None),
    };
    drop(bar);
    match ended {
        Ok(Some(BatchNow {
            result: Some(result),
            halted,
            ..
        })) => Ok(Some((result, halted))),
        Ok(Some(now)) => Err(Problem::of_batch(now.error.unwrap_or_default()).into()),
        Ok(None) => {
            goes_on(started, printer);
            Ok(None)
        }
        Err(error) => {
            goes_on(started, printer);
            Err(error)
        }
    }
}

/// Looks again and again, until it has ended.
async fn followed(
    backend: &Backend<Session>,
    new: &NewBatch,
    started: &BatchStarted,
    bar: &Bar,
    printer: &Printer,
) -> anyhow::Result<BatchNow> {
    let most = new.order.as_ref().map_or(new.max_orders, |_| Some(1));
    let (mut told, begun, mut wondered) = (Told::of(most), Instant::now(), false);
    let mut missed = 0;
    loop {
        let now = backend.batch_now(&started.workflow_id, &new.failure_statuses, bar.patience());
        let now = match now.await {
            Err(error) if missed < MISSED && problem::may_pass(&error) => {
                missed += 1;
                SystemClock.sleep(PAUSE).await;
                continue;
            }
            now => now?,
        };
        missed = 0;
        if !now.goes_on() {
            return Ok(now);
        }
        if let Some(line) = told.line(&now, SystemClock.now()) {
            bar.tell(line);
        }
        if !wondered && begun.elapsed() >= QUIET {
            wondered = true;
            wonder(&now, bar, printer);
        }
    }
}

fn goes_on(started: &BatchStarted, printer: &Printer) {
    printer.say(format_args!(
        "Batch {} goes on without us.",
        started.workflow_id
    ));
    printer.hint(follow(started));
}

/// How to follow a batch that goes on.
pub(super) fn follow(started: &BatchStarted) -> String {
    format!("`redrive batches show {}` follows it.", started.batch_id)
}

/// Says what to do where no worker polls; nothing where one does, or where that cannot be told.
fn wonder(now: &BatchNow, bar: &Bar, printer: &Printer) {
    if let Some(workers) = now.workers.as_ref().filter(|workers| workers.polling == 0) {
        let queue = &workers.task_queue;
        bar.beside(|| {
            printer.hint(format_args!(
                "no worker polls task queue {queue:?}, so the batch waits: start one with `redrive worker`."
            ));
        });
    }
}
