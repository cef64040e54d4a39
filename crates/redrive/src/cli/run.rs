//! `redrive run`: a batch now, and its result.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use redrive_core::report::ReprocessingResult;
use redrive_engine::ops::{Ops, RunRequest, Running};
use redrive_engine::{Clock, SystemClock};
use serde::Serialize;

use super::halt::warn_if_halted;
use super::signals::StopSignals;
use super::words::orders;
use super::{Global, Session, Verb};
use crate::printer::{Paint, Printer, table};
use crate::problem::USER;

/// The exit code of a command that Ctrl-C ended, as shells have it.
const INTERRUPTED: u8 = 130;
/// How long a batch may go on before we look whether anybody works on it.
const QUIET: Duration = Duration::from_secs(10);
/// How often the running time is drawn anew.
const TICK: Duration = Duration::from_millis(250);

/// Run a batch now, and print its result
///
/// It does what the schedule's batches do, and may run beside one: no order is handled by both. Exit code 1 where an order
/// could not be processed (errors above 0).
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Handle at most N orders: a cap on the whole batch [default: every order that is due]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_orders: Option<u32>,
    /// Start the batch and return at once, with its ids
    #[arg(long)]
    no_wait: bool,
}

/// A batch that goes on without us.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Goes<'a> {
    workflow_id: &'a str,
    batch_id: &'a str,
}

/// Runs the command.
pub async fn run(args: RunArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let session = Session::open(global, Verb::OnExisting).await?;
    let mut signals = StopSignals::listen()?;
    let running = session
        .ops
        .start_batch(&RunRequest {
            max_orders: args.max_orders,
            ..Default::default()
        })
        .await?;
    if args.no_wait {
        let goes = Goes {
            workflow_id: &running.workflow_id,
            batch_id: &running.batch_id,
        };
        printer.data(&goes, |goes, _| {
            format!("Batch {} has begun.", goes.workflow_id)
        })?;
        printer.hint(follow(&running));
        return Ok(ExitCode::SUCCESS);
    }
    let bar = running_time(&running, printer);
    let result = tokio::select! {
        result = wait(&session, &running, &bar, printer) => result?,
        () = signals.asked() => {
            bar.finish_and_clear();
            printer.say(format_args!("Batch {} goes on without us.", running.workflow_id));
            printer.hint(follow(&running));
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    bar.finish_and_clear();
    printer.data(&result, text)?;
    if result.truncated {
        warn_if_halted(&session.ops.records, printer).await?;
    }
    Ok(if result.error_count == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    })
}

async fn wait(
    session: &Session,
    running: &Running,
    bar: &ProgressBar,
    printer: &Printer,
) -> anyhow::Result<ReprocessingResult> {
    let result = session.ops.await_batch(running);
    tokio::pin!(result);
    tokio::select! {
        result = &mut result => return Ok(result?),
        () = SystemClock.sleep(QUIET) => {}
    }
    if let Some(hint) = nobody_works(&session.ops).await {
        bar.suspend(|| printer.hint(hint));
    }
    Ok(result.await?)
}

/// What to do where no worker polls; nothing where one does, or where that cannot be told.
async fn nobody_works(ops: &Ops) -> Option<String> {
    let queue = &ops.engine.settings.task_queue;
    let nobody = ops.pollers().await.ok()? == 0;
    nobody.then(|| format!("no worker polls task queue {queue:?}, so the batch waits: start one with `redrive worker`."))
}

fn follow(running: &Running) -> String {
    format!(
        "`temporal workflow show --follow --workflow-id {}` follows it.",
        running.workflow_id
    )
}

fn running_time(running: &Running, printer: &Printer) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, printer.progress());
    bar.set_style(
        ProgressStyle::with_template("{spinner} batch {msg} runs, {elapsed}")
            .expect("the template is fixed"),
    );
    bar.set_message(running.workflow_id.clone());
    bar.enable_steady_tick(TICK);
    bar
}

/// The result as a table, and the rest in a sentence.
pub(super) fn text(result: &ReprocessingResult, paint: Paint) -> String {
    let mut table = table(["found", "restarted", "dead-lettered", "errors", "skipped"]);
    let counts = [
        result.found_count,
        result.restarted_count,
        result.dlq_count,
        result.error_count,
        result.skipped_count,
    ];
    table.add_row(counts.map(|count| count.to_string()));
    let mut lines = vec![table.trim_fmt()];
    lines.push(format!(
        "Of earlier restarts {} recovered and {} failed again. {} for a restart.",
        orders(result.recovered_count),
        result.failed_again_count,
        match result.backlog_count {
            1 => "1 order still waits".to_owned(),
            count => format!("{} still wait", orders(count)),
        },
    ));
    if result.truncated {
        lines.push(paint.yellow(
            "It ended early, with work left (deadline, halt or stop): the next batch goes on.",
        ));
    }
    lines.push(paint.dim(format_args!("batch {}", result.batch_id)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_a_small_table() {
        let result = ReprocessingResult {
            found_count: 12,
            restarted_count: 9,
            dlq_count: 1,
            error_count: 0,
            skipped_count: 2,
            recovered_count: 1,
            failed_again_count: 3,
            backlog_count: 250,
            truncated: true,
            batch_id: "b-1".to_owned(),
            ..Default::default()
        };
        insta::assert_snapshot!(text(&result, Paint::PLAIN), @r"
        found  restarted  dead-lettered  errors  skipped
        12     9          1              0       2
        Of earlier restarts 1 order recovered and 3 failed again. 250 orders still wait for a restart.
        It ended early, with work left (deadline, halt or stop): the next batch goes on.
        batch b-1
        ");
    }
}
