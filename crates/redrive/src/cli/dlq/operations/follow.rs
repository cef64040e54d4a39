//! Following an operation to its end: on a terminal with a bar, and not for ever without a word.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use redrive_core::ids::OperationId;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{Operation, OperationStatus};

use super::{how_to_follow, show};
use crate::backend::Backend;
use crate::cli::Session;
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
    session: &Backend<Session>,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    match until_ended(id, session, signals, printer).await? {
        Ok(()) => show::end(id, TOLD, &session.records(), printer).await,
        Err(interrupted) => Ok(interrupted),
    }
}

/// Returns once it has ended; else the code of a command that Ctrl-C ended, after saying that the operation goes on.
pub(super) async fn until_ended(
    id: &OperationId,
    session: &Backend<Session>,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<Result<(), ExitCode>> {
    let bar = bar(printer);
    let ended = tokio::select! {
        ended = look_on(id, session, &bar, printer) => Some(ended?),
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
    session: &Backend<Session>,
    bar: &ProgressBar,
    printer: &Printer,
) -> anyhow::Result<()> {
    let (records, mut looks) = (session.records(), 0_u32);
    loop {
        let operation = records.operation(id, 1).await?.operation;
        if operation.status.has_ended() {
            return Ok(());
        }
        draw(bar, &operation);
        looks = looks.saturating_add(1);
        let nobody = match looks {
            QUIET => session.workers().await.ok(),
            _ => None,
        };
        if let Some(nobody) = nobody.filter(|workers| workers.polling == 0) {
            let hint = format!(
                "no worker polls task queue {:?}, so the operation waits: start one with `redrive worker`.",
                nobody.task_queue
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
