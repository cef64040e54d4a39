//! Following an operation to its end: on a terminal with a bar, and not for ever without a word.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use redrive_core::ids::OperationId;
use redrive_engine::ops::Ops;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{Operation, OperationStatus};

use super::{how_to_follow, show};
use crate::cli::run::INTERRUPTED;
use crate::cli::signals::StopSignals;
use crate::printer::Printer;

/// How often we look how far it is.
const LOOK: Duration = Duration::from_millis(500);
/// After so many looks we look whether anybody works on it.
const QUIET: u32 = 20;
/// So many orders that were not started are told at the end.
const TOLD: u32 = 50;

/// Follows an operation, and tells how it has ended.
pub(in crate::cli::dlq) async fn follow(
    id: &OperationId,
    ops: &Ops,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    match until_ended(id, ops, signals, printer).await? {
        Ok(ended) => show::end(ended, TOLD, &ops.records, printer).await,
        Err(interrupted) => Ok(interrupted),
    }
}

/// The operation once it has ended; else the code of a command that Ctrl-C ended, after saying that the operation goes on.
pub(super) async fn until_ended(
    id: &OperationId,
    ops: &Ops,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<Result<Operation, ExitCode>> {
    let bar = bar(printer);
    let ended = tokio::select! {
        ended = look_on(id, ops, &bar, printer) => Some(ended?),
        () = signals.asked() => None,
    };
    bar.finish_and_clear();
    Ok(ended.ok_or_else(|| {
        printer.say(format_args!("Operation {id} goes on without us."));
        printer.hint(how_to_follow(id.as_str()));
        ExitCode::from(INTERRUPTED)
    }))
}

async fn look_on(
    id: &OperationId,
    ops: &Ops,
    bar: &ProgressBar,
    printer: &Printer,
) -> anyhow::Result<Operation> {
    let mut looks = 0_u32;
    loop {
        let operation = ops.records.operation(id).await?;
        if operation.status.has_ended() {
            return Ok(operation);
        }
        draw(bar, &operation);
        looks = looks.saturating_add(1);
        if looks == QUIET && ops.pollers().await.is_ok_and(|pollers| pollers == 0) {
            let queue = &ops.engine.settings.task_queue;
            let hint = format!(
                "no worker polls task queue {queue:?}, so the operation waits: start one with `redrive worker`."
            );
            bar.suspend(|| printer.hint(hint));
        }
        SystemClock.sleep(LOOK).await;
    }
}

fn draw(bar: &ProgressBar, operation: &Operation) {
    bar.set_length(operation.matched);
    bar.set_position(operation.started + operation.failed + operation.skipped);
    bar.set_message(match operation.status {
        OperationStatus::Paused => ", paused",
        _ => "",
    });
}

fn bar(printer: &Printer) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), printer.progress());
    bar.set_style(
        ProgressStyle::with_template(
            "{bar:30} {pos} of {len}, {per_sec}, {elapsed}, {eta} left{msg}",
        )
        .expect("the template is fixed"),
    );
    bar
}
