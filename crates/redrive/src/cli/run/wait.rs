//! Waiting for a batch to end: on a terminal with its progress, and not for ever without a word.

use std::convert::Infallible;
use std::time::Duration;

use redrive_core::report::ReprocessingResult;
use redrive_engine::ops::{Ops, RunRequest, Running};
use redrive_engine::{Clock, SystemClock};

use super::progress::Bar;
use crate::cli::signals::StopSignals;
use crate::printer::Printer;

/// How long a batch may go on before we look whether anybody works on it.
const QUIET: Duration = Duration::from_secs(10);

/// The batch's result; `None` where Ctrl-C ended the waiting.
pub(super) async fn for_end(
    ops: &Ops,
    request: &RunRequest,
    running: &Running,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<Option<ReprocessingResult>> {
    let bar = Bar::new(&running.workflow_id, printer);
    let ended = tokio::select! {
        result = ops.await_batch(running) => Some(result?),
        () = signals.asked() => None,
        never = bar.look_on(ops, request, running) => match never {},
        never = wonder(ops, &bar, printer) => match never {},
    };
    drop(bar);
    if ended.is_none() {
        printer.say(format_args!(
            "Batch {} goes on without us.",
            running.workflow_id
        ));
        printer.hint(follow(running));
    }
    Ok(ended)
}

/// How to follow a batch that goes on.
pub(super) fn follow(running: &Running) -> String {
    format!("`redrive batches show {}` follows it.", running.batch_id)
}

/// Says once, after a while, if no worker is there.
async fn wonder(ops: &Ops, bar: &Bar, printer: &Printer) -> Infallible {
    SystemClock.sleep(QUIET).await;
    if let Some(hint) = nobody_works(ops).await {
        bar.beside(|| printer.hint(hint));
    }
    std::future::pending().await
}

/// What to do where no worker polls; nothing where one does, or where that cannot be told.
async fn nobody_works(ops: &Ops) -> Option<String> {
    let queue = &ops.engine.settings.task_queue;
    let nobody = ops.pollers().await.ok()? == 0;
    nobody.then(|| format!("no worker polls task queue {queue:?}, so the batch waits: start one with `redrive worker`."))
}
